"""One JSON-RPC connection to the server, whatever carries it."""

import asyncio
import base64
import json

from .deadline import SECONDS, within


class RpcError(Exception):
    """The server answered with an error."""

    def __init__(self, error):
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code = error.get("code")
        self.message = error.get("message")
        self.data = error.get("data") or {}
        self.kind = self.data.get("kind")


class Ended(AssertionError):
    """The connection ended while something was awaited on it."""


def b64(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def unb64(text):
    return base64.b64decode(text, validate=True)


def _no_duplicates(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise AssertionError(f"a member twice in one object: {[name for name, _ in pairs]}")
    return members


def _not_json(word):
    raise AssertionError(f"not JSON: {word}")


def parse(message):
    """One message of the server: strict JSON, no member twice, an object or an array."""
    value = json.loads(message, object_pairs_hook=_no_duplicates, parse_constant=_not_json)
    if not isinstance(value, (dict, list)):
        raise AssertionError(f"neither an object nor an array: {message[:200]!r}")
    return value


class Connection:
    """
    Messages that answer a pending request() go there; all others wait in
    'inbox' in order of arrival, for recv() and notification().
    """

    def __init__(self, transport, name="connection"):
        self.transport = transport
        self.name = name
        self.inbox = []
        self.ended = False
        self._failure = None
        self._pending = {}
        self._next_id = 1
        self._changed = asyncio.Condition()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._reader = asyncio.get_running_loop().create_task(self._read())

    # Reading

    async def _read(self):
        try:
            while True:
                await self._may_read.wait()
                message = await self.transport.receive()
                if message is None:
                    break
                await self._take(parse(message))
        except asyncio.CancelledError:
            raise
        except Exception as failure:  # the server said what it never may: every waiter learns of it
            self._failure = failure
        async with self._changed:
            self.ended = True
            for future in self._pending.values():
                if not future.done():
                    future.set_exception(self._failure or Ended(f"{self.name} ended before the answer"))
                    future.exception()  # seen, whether anybody waits for this answer or not
            self._changed.notify_all()

    async def _take(self, value):
        answer = isinstance(value, dict) and "method" not in value
        future = self._pending.pop(value["id"], None) if answer and value.get("id") is not None else None
        if future is not None:
            if not future.done():
                future.set_result(value)
            return
        async with self._changed:
            self.inbox.append(value)
            self._changed.notify_all()

    def pause(self):
        """Reads no further, so that the server meets a slow peer."""
        self._may_read.clear()

    def resume(self):
        self._may_read.set()

    async def _wait_for(self, ready, what, seconds):
        """Waits until ready() gives something other than None."""

        async def wait():
            async with self._changed:
                while True:
                    found = ready()
                    if found is not None:
                        return found
                    if self._failure is not None:
                        raise self._failure
                    if self.ended:
                        raise Ended(f"{self.name} ended before {what}")
                    await self._changed.wait()

        return await within(wait(), f"{what} on {self.name}", seconds)

    async def recv(self, seconds=SECONDS):
        """The next message that answers no pending request()."""
        return await self._wait_for(lambda: self.inbox.pop(0) if self.inbox else None, "message", seconds)

    async def notification(self, method=None, where=None, seconds=SECONDS):
        """
        Takes the first waiting notification named 'method' whose params satisfy
        'where', and returns its params. Others stay where they are.
        """

        def ready():
            for i, message in enumerate(self.inbox):
                if not isinstance(message, dict) or "method" not in message:
                    continue
                if method is not None and message["method"] != method:
                    continue
                params = message.get("params", {})
                if where is None or where(params):
                    return self.inbox.pop(i)["params"]
            return None

        return await self._wait_for(ready, f"notification {method or ''}", seconds)

    async def end(self, seconds=SECONDS):
        """Waits for the end of the connection; what is still unread stays in the inbox. Returns the close code."""

        async def wait():
            async with self._changed:
                await self._changed.wait_for(lambda: self.ended)

        await within(wait(), f"end of {self.name}", seconds)
        if self._failure is not None:
            raise self._failure
        return self.transport.close_code

    # Writing

    async def send_raw(self, text, seconds=SECONDS):
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        await within(self.transport.send(data), f"room to send on {self.name}", seconds)

    async def send_json(self, value, seconds=SECONDS):
        await self.send_raw(json.dumps(value, ensure_ascii=False, separators=(",", ":")), seconds)

    async def notify(self, method, params=None):
        await self.send_json({"method": method, "params": params or {}})

    async def ask(self, method, params=None, **members):
        """Sends a request; awaiting the future that it returns gives the whole response."""
        request_id = members.pop("id", None)
        if request_id is None:
            request_id, self._next_id = self._next_id, self._next_id + 1
        future = asyncio.get_running_loop().create_future()
        self._pending[request_id] = future
        if self.ended:
            raise Ended(f"{self.name} has ended")
        await self.send_json({"id": request_id, "method": method, "params": params or {}, **members})
        return future

    async def request(self, method, params=None, seconds=SECONDS, **members):
        """The result of a request, or RpcError."""
        future = await self.ask(method, params, **members)
        response = await within(future, f"answer to {method} on {self.name}", seconds)
        if "error" in response:
            raise RpcError(response["error"])
        return response["result"]

    async def initialize_v0(self, **params):
        result = await self.request("initialize", {"clientName": "test", **params})
        await self.notify("initialized")
        return result

    async def initialize_v1(self, **params):
        return await self.request(
            "initialize", {"clientName": "test", "protocolVersion": "exec-server.v1", **params}
        )

    async def initialize_codex(self, session=None):
        result = await self.request("initialize", {"clientName": "test", "resumeSessionId": session})
        await self.notify("initialized", {})
        return result

    # Ending

    def end_sending(self):
        self.transport.end_sending()

    async def cut(self):
        """Ends the connection in the middle of whatever is going on; what has come and was not taken is lost."""
        self.transport.cut()
        await self.close()
        self.inbox.clear()

    async def close(self):
        """Ends the connection from our side; an ended one is fine."""
        self._may_read.set()
        await within(self.transport.close(), f"close of {self.name}")
        self._reader.cancel()
        try:
            await self._reader
        except asyncio.CancelledError:
            pass
        self.ended = True


class Output:
    """
    Gathers what a v1 session sends: joined bytes by stream, checked for
    numbers that rise by one and offsets without a hole.
    """

    def __init__(self, conn, session_id):
        self.conn, self.session_id = conn, session_id
        self.streams = {}
        self.last_seq = None
        self.exited = self.closed = None

    def add(self, method, params):
        if self.last_seq is not None:
            assert params["seq"] == self.last_seq + 1, f"seq {params['seq']} after {self.last_seq}"
        self.last_seq = params["seq"]
        assert self.closed is None, f"{method} after closed"
        if method == "process/outputDelta":
            held = self.streams.setdefault(params["stream"], bytearray())
            assert params["offset"] == len(held), f"offset {params['offset']} at byte {len(held)}"
            chunk = unb64(params["chunk"])
            assert chunk, "an empty chunk"
            held += chunk
        elif method == "process/exited":
            assert self.exited is None, "exited twice"
            self.exited = params
        elif method == "process/closed":
            self.closed = params

    async def until(self, done, seconds=SECONDS):
        """Takes this session's numbered notifications until done(self) is true."""
        numbered = ("process/outputDelta", "process/exited", "process/closed")

        def mine(message):
            return (isinstance(message, dict) and message.get("method") in numbered
                    and message["params"]["sessionId"] == self.session_id)

        def ready():
            inbox, others = self.conn.inbox, []
            while inbox and not done(self):
                batch, inbox[:] = inbox[:], []
                for i, message in enumerate(batch):
                    if not mine(message):
                        others.append(message)
                        continue
                    self.add(message["method"], message["params"])
                    if done(self):
                        inbox[:] = batch[i + 1:]
                        break
            inbox[:0] = others
            return done(self) or None

        await self.conn._wait_for(ready, f"output of {self.session_id}", seconds)
        return self

    async def until_closed(self, seconds=SECONDS):
        return await self.until(lambda o: o.closed is not None, seconds)

    def data(self, stream="stdout"):
        return bytes(self.streams.get(stream, b""))
