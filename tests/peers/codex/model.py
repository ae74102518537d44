"""
The model of a Codex CLI, on loopback: the Responses API (https://platform.openai.com/docs/api-reference/responses)
as far as the CLI needs it. What the model says is the test's to decide, one answer after the other.
"""

import asyncio
import json
import re

from px.deadline import SECONDS, within

_SESSION = re.compile(r"Process running with session ID (\d+)")
_STATUS = re.compile(r"Process exited with code (-?\d+)")
_BODY = "Output:\n"

LONG_MS = 30_000  # the longest time that the CLI waits for a command
SHORT_MS = 250  # and the shortest


class Hung(AssertionError):
    """The CLI will ask nothing more."""


class Told:
    """What the CLI tells the model of one tool call: 'text', and what there is of the rest in it."""

    def __init__(self, output):
        self.items = output if isinstance(output, list) else []  # of a picture, say
        self.text = output if isinstance(output, str) else "".join(item.get("text", "") for item in output)
        session, status = _SESSION.search(self.text), _STATUS.search(self.text)
        self.session = int(session[1]) if session else None
        self.status = int(status[1]) if status else None
        self.output = self.text.partition(_BODY)[2] if _BODY in self.text else self.text

    def __repr__(self):
        return repr(self.text or self.items)


class Question:
    """One request of the CLI, which waits for its answer."""

    def __init__(self, body, arrived):
        self.body, self.arrived = body, arrived
        self.answer = asyncio.get_running_loop().create_future()

    def told(self, call_id):
        """What it says of one call."""
        outputs = [Told(item["output"]) for item in self.body["input"]
                   if item["type"].endswith("_call_output") and item["call_id"] == call_id]
        assert len(outputs) == 1, f"{len(outputs)} outputs of {call_id}: {outputs}"
        return outputs[0]

    def text(self):
        """All that it has to read, as one text."""
        return json.dumps(self.body, ensure_ascii=False)


def _message(text):
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def _function(name, arguments):
    return {"type": "function_call", "name": name, "arguments": json.dumps(arguments), "status": "completed"}


def _custom(name, text):
    return {"type": "custom_tool_call", "name": name, "input": text, "status": "completed"}


def _stream(number, items):
    """An answer as server-sent events."""
    usage = {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 1,
             "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 2}
    response = {"id": f"response-{number}"}
    events = [{"type": "response.created", "response": response}]
    events += [{"type": "response.output_item.done", "output_index": at, "item": item} for at, item in enumerate(items)]
    events.append({"type": "response.completed", "response": {**response, "output": [], "usage": usage}})
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


class Model:
    """
    Serves one CLI. Its requests are answered by call(), calls(), patch() and
    end(); 'question' is the one that waits, from listen() on. 'seconds' is how
    long the CLI took from the last answer to its next request.
    """

    def __init__(self):
        self.question, self.seconds = None, None
        self._questions, self._talks = asyncio.Queue(), set()
        self._answers = 0
        self._hung = None

    @classmethod
    async def start(cls):
        self = cls()
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def close(self):
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def hang_up(self, why):
        """The CLI has ended: who waits for it learns why."""
        self._hung = why
        self._questions.put_nowait(None)

    # ---- HTTP ----

    async def _talk(self, reader, writer):
        self._talks.add(asyncio.current_task())
        try:
            while True:
                writer.write(await self._request(reader))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._talks.discard(asyncio.current_task())
            writer.close()

    async def _request(self, reader):
        """The response to one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        arrived = asyncio.get_running_loop().time()
        method, path, _ = head.split("\r\n", 1)[0].split(" ")
        length = re.search(r"(?im)^content-length: *(\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        if (method, path) != ("POST", "/v1/responses"):
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
        question = Question(json.loads(body), arrived)
        self._questions.put_nowait(question)
        data = await question.answer
        return (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                b"Content-Length: %d\r\n\r\n" % len(data)) + data

    # ---- what the test says ----

    async def listen(self, seconds=4 * SECONDS):
        """The request that waits for an answer, once there is one."""
        if self.question is None:
            self.question = await within(self._questions.get(), "request of the CLI", seconds)
            if self.question is None:
                raise Hung(self._hung)
        return self.question

    async def _answer(self, items):
        question = await self.listen()
        self.question = None
        self._answers += 1
        self._answered = asyncio.get_running_loop().time()
        question.answer.set_result(_stream(self._answers, items))

    async def calls(self, *calls, seconds=4 * SECONDS):
        """Calls tools at the same time, each (name, arguments): what the CLI tells of them."""
        number = self._answers + 1
        items = [_custom(name, given) if isinstance(given, str) else _function(name, given) for name, given in calls]
        for at, item in enumerate(items):
            item["call_id"] = item["id"] = f"call-{number}-{at}"
        await self._answer(items)
        question = await self.listen(seconds)
        self.seconds = question.arrived - self._answered
        return [question.told(item["call_id"]) for item in items]

    async def call(self, name, *given, **arguments):
        return (await self.calls((name, given[0] if given else arguments)))[0]

    async def run(self, cmd, **arguments):
        """exec_command without the shell's profiles, which waits for the command's end; both unless told otherwise."""
        return await self.call("exec_command", cmd=cmd, **{"login": False, "yield_time_ms": LONG_MS, **arguments})

    async def write(self, session, chars, **arguments):
        """write_stdin; nothing to write is a poll. Waits for the command's end unless told otherwise."""
        return await self.call("write_stdin", session_id=session, chars=chars, **{"yield_time_ms": LONG_MS, **arguments})

    async def begin(self, cmd, ready="", **arguments):
        """exec_command of what goes on by itself, until it has said 'ready'."""
        told = await self.run(cmd, **{"yield_time_ms": SHORT_MS, **arguments})
        return await self.until(ready, told)

    async def until(self, text, told):
        """Polls a command that goes on until its output, gathered in what is returned, has 'text'."""
        assert told.session is not None, told
        while text not in told.output:
            more = await self.write(told.session, "", yield_time_ms=SHORT_MS)
            assert more.session is not None, more
            more.output = told.output + more.output
            told = more
        return told

    async def patch(self, *lines):
        return await self.call("apply_patch", "\n".join(["*** Begin Patch", *lines, "*** End Patch", ""]))

    async def end(self):
        """The last word: the CLI ends."""
        await self._answer([_message("done")])
