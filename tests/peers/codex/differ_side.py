"""What one of the two servers does, and connections to it that note down what they hear."""

import asyncio
import base64
import contextlib
import json
import os
import re
import shutil
import tempfile
import urllib.parse
import zlib

from px.conn import parse, unb64
from px.deadline import within

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
EVENTS = {"process/output": "output", "process/exited": "exited", "process/closed": "closed"}


class Side:
    """What one server does in one case. 'seen' is what was noted: {label: value}."""

    def __init__(self, name, server):
        self.name, self.server = name, server
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="px-differ-"))
        self.seen, self.talks = {}, []

    def path(self, name=""):
        return os.path.join(self.folder, name) if name else self.folder

    def uri(self, name=""):
        return "file://" + urllib.parse.quote(self.path(name))

    def note(self, label, value):
        unique, n = label, 1
        while unique in self.seen:
            n += 1
            unique = f"{label} ({n})"
        self.seen[unique] = self.plain(value)

    def plain(self, value, name=None):
        """The value without what must differ: folders, times, ids that the server makes up."""
        if isinstance(value, dict):
            return {key: self.plain(member, key) for key, member in value.items()}
        if isinstance(value, list):
            return [self.plain(member) for member in value]
        if isinstance(value, str):
            for found, word in ((urllib.parse.quote(self.folder), "$D"), (self.folder, "$D"), (self.server.host, "$HOST"),
                                (self.server.home, "$HOME")):
                value = value.replace(found, word) if found else value
            return UUID.sub("$ID", value)
        if name in ("modifiedAtMs", "createdAtMs") and value:
            return "$MS"
        return value

    async def talk(self, initialize=True):
        talk = Talk(self, await within(self.server.connect(), "connection"))
        self.talks.append(talk)
        if initialize:
            await talk.initialize()
        return talk

    def tree(self):
        """What is in the folder now: {name: what it is}."""
        found = {}
        for where, folders, files in os.walk(self.folder):
            for name in folders + files:
                path = os.path.join(where, name)
                found[os.path.relpath(path, self.folder)] = self.describe(path)
        return found

    @staticmethod
    def describe(path):
        mode = f"{os.lstat(path).st_mode:o}"
        if os.path.islink(path):
            return f"{mode} -> {os.readlink(path)}"
        if os.path.isfile(path):
            with open(path, "rb") as file:
                data = file.read(200)
            return f"{mode} {os.path.getsize(path)} {data.decode('latin-1')}"
        return mode

    async def close(self):
        for talk in self.talks:
            with contextlib.suppress(OSError):
                await talk.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Talk:
    """A connection. Answers are noted under their label, events gathered by process."""

    def __init__(self, side, transport):
        self.side, self.transport = side, transport
        self.session = None
        self.answers, self.events, self.others = {}, {}, []
        self.ended = False
        self.next_id = 1000
        self.changed = asyncio.Condition()
        self.reader = asyncio.get_running_loop().create_task(self._read())

    async def _read(self):
        while (message := await self.transport.receive()) is not None:
            value = parse(message)
            async with self.changed:
                self._take(value)
                self.changed.notify_all()
        async with self.changed:
            self.ended = True
            self.changed.notify_all()

    def _take(self, value):
        if isinstance(value, list):
            self.answers.setdefault("a batch", []).append(value)
            return
        kind = EVENTS.get(value.get("method"))
        if kind is not None:
            self.events.setdefault(value["params"]["processId"], []).append((kind, value))
        elif "method" in value:
            self.others.append(value)
        else:
            self.answers.setdefault(json.dumps(value.get("id")), []).append(value)

    async def until(self, ready, what):
        async def wait():
            async with self.changed:
                await self.changed.wait_for(lambda: ready() or self.ended)

        await within(wait(), f"{what} from {self.side.name}")
        return ready()

    async def send(self, text):
        with contextlib.suppress(Exception):  # a connection that is ended is seen by who reads
            await self.transport.send(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))

    async def answer(self, request_id):
        """The next answer with this id; {"ended": True}: the connection ended instead."""
        key = json.dumps(request_id)
        if not await self.until(lambda: self.answers.get(key), f"answer to {key}"):
            return {"ended": True}
        return self.answers[key].pop(0)

    async def exchange(self, label, text, request_id):
        """Sends what is given as it is, and notes what comes back under this id."""
        await self.send(text)
        value = await self.answer(request_id)
        self.side.note(label, value)
        return value

    async def ask(self, method, params=None, label=None, **members):
        """A request; its answer is noted but for the id, and returned."""
        self.next_id += 1
        await self.send(json.dumps({"id": self.next_id, "method": method, "params": params, **members}))
        value = await self.answer(self.next_id)
        value.pop("id", None)
        self.side.note(label or method, readable(value))
        return value

    async def request(self, method, params=None):
        """A request whose answer is not noted."""
        self.next_id += 1
        await self.send(json.dumps({"id": self.next_id, "method": method, "params": params}))
        return await self.answer(self.next_id)

    async def initialize(self, resume=None):
        answer = await self.request("initialize", {"clientName": "differ", "resumeSessionId": resume})
        self.session = answer["result"]["sessionId"]
        await self.send('{"method":"initialized","params":{}}')
        return answer

    async def start(self, name, *argv, label=None, **params):
        return await self.ask("process/start", start_params(self.side, name, *argv, **params), label or f"start {name}")

    async def until_event(self, name, ready, what):
        await self.until(lambda: ready(self.events.get(name, [])), f"{what} of {name}")

    async def output(self, name, text):
        """Waits until the process has written this."""
        await self.until_event(name, lambda events: text in joined(events, None), f"output {text!r}")

    async def closed(self, name, label=None):
        """Waits for the last event of a process, and notes all of them."""
        await self.ending(name)
        self.side.note(label or f"events of {name}", summary(self.events.get(name, [])))

    async def ending(self, name):
        """Waits until all events of a process have come, in whatever order: ours must send them in that of their numbers."""
        await self.until_event(name, complete, "events")
        numbers = [value["params"]["seq"] for _, value in self.events.get(name, [])]
        assert self.side.name == "theirs" or numbers == sorted(numbers), f"events of {name}: {numbers}"

    async def run(self, name, *argv, **params):
        await self.start(name, *argv, **params)
        await self.closed(name)

    async def end(self, label="end"):
        """Waits for the end of the connection, and notes how it came."""
        await self.until(lambda: False, "end of the connection")
        self.side.note(label, {"closeCode": self.transport.close_code})

    async def cut(self):
        self.transport.cut()
        await self.close()

    async def close(self):
        await within(self.transport.close(), "close")
        self.reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.reader


def start_params(side, name, *argv, **params):
    return {"processId": name, "argv": list(argv), "cwd": side.uri(), "env": {"PATH": "/usr/bin:/bin"}, "tty": False,
            **params}


def in_order(events):
    return sorted(events, key=lambda event: event[1]["params"]["seq"])


def complete(events):
    """Is the last event there, and as many as it says?"""
    return any(kind == "closed" and value["params"]["seq"] <= len(events) for kind, value in events)


def joined(events, stream):
    """What a process has written to one stream, or (None) to any."""
    chunks = [value["params"] for kind, value in in_order(events) if kind == "output"]
    return b"".join(unb64(c["chunk"]) for c in chunks if stream in (None, c["stream"])).decode("latin-1")


def summary(events):
    """The events of a process without what the clock decides: in how many pieces its output came."""
    events = in_order(events)
    numbers = [value["params"]["seq"] for _, value in events]
    chunks = [value["params"] for kind, value in events if kind == "output"]
    found = {
        "numbers": "from 1 without a hole" if numbers == list(range(1, len(numbers) + 1)) else numbers,
        "last": events[-1][0] if events else None,
        "ends": sorted(kind for kind, _ in events if kind != "output"),
        "chunks": "as they should be" if all(0 < len(unb64(c["chunk"])) <= 8192 for c in chunks) else "too large",
        "streams": {s: joined(events, s) for s in sorted({c["stream"] for c in chunks})},
    }
    for kind, value in events:
        found[f"members of {kind}"] = sorted(value) + sorted(value["params"])
        if kind == "exited":
            found["exited"] = {k: v for k, v in value["params"].items() if k not in ("seq", "processId")}
    return found


def readable(value):
    """The same with base64 as text, so that folders in it can be recognized; chunks of a reading are joined by stream."""
    result = value.get("result")
    if isinstance(result, dict):
        if isinstance(result.get("chunks"), list):
            result = {name: member for name, member in result.items() if name != "nextSeq"}
            return {**value, "result": {**result, "chunks": reading(result["chunks"])}}
        for name in ("chunk", "dataBase64"):
            if isinstance(result.get(name), str):
                data = base64.b64decode(result[name])
                text = data.decode("latin-1") if len(data) <= 4096 else f"{len(data)} bytes, crc32 {zlib.crc32(data):08x}"
                return {**value, "result": {**result, name: text}}
    return value


def reading(chunks):
    streams = {}
    for chunk in chunks:
        streams[chunk["stream"]] = streams.get(chunk["stream"], "") + unb64(chunk["chunk"]).decode("latin-1")
    return {"members": sorted({name for chunk in chunks for name in chunk}), "streams": streams}
