"""A client of the dialect codex as strict as the real one, and a way to it that can fail as networks do."""

import asyncio
import contextlib
import urllib.parse

from support import SECONDS, b64, child, children, name_of, unb64

from px import pattern
from px.conn import Ended
from px.transport import PlainWebSocket

MB = 1 << 20
CHUNK_MAX = 8192
SMALL = ("--codex-replay-bytes", 65536)  # the server's flags for the smallest buffers
FOREVER = str(10**12)  # bytes
EVENTS = ("process/output", "process/exited", "process/closed")


class Process:
    """What a client knows of one process: its events by number, and no number is ever missing for good."""

    def __init__(self, client, name):
        self.client, self.name = client, name
        self.last = 0
        self.exit_code, self.closed = None, False
        self.streams = {}
        self._early = {}  # live events that came before what a recovery is about to tell

    def _next(self, seq):
        assert seq == self.last + 1, f"{self.name}: number {seq} after {self.last}"
        assert not self.closed, f"{self.name}: number {seq} after the last"
        self.last = seq

    def add(self, method, params, recovering=False):
        """Takes an event; while the process is being recovered it may be one too early."""
        if recovering:
            self._early[params["seq"]] = (method, params)
        elif params["seq"] > self.last:  # else a reading was quicker
            self._next(params["seq"])
            if method == "process/output":
                self._output(params)
            elif method == "process/exited":
                self.exit_code = params["exitCode"]
            else:
                self.closed = True

    def _output(self, chunk):
        data = unb64(chunk["chunk"])
        assert 0 < len(data) <= CHUNK_MAX, len(data)
        self.streams.setdefault(chunk["stream"], bytearray()).extend(data)

    def recover(self, answer):
        """What the client's recovery demands: every number is a chunk, the one exit, or the close at the end."""
        numbers = {chunk["seq"]: chunk for chunk in answer["chunks"]}
        target = answer["nextSeq"] - 1
        for seq in range(self.last + 1, target + 1):
            self._next(seq)
            if seq in numbers:
                self._output(numbers[seq])
            elif answer["closed"] and seq == target:
                self.closed = True
            else:
                assert answer["exited"] and self.exit_code is None, f"{self.name}: {seq} is lost: {answer['nextSeq']}"
                self.exit_code = answer["exitCode"]
        early, self._early = self._early, {}
        for seq in sorted(early):
            self.add(*early[seq])

    def forget_early(self):
        self._early = {}

    def bytes(self):
        return sum(map(len, self.streams.values()))

    async def until(self, done, seconds=SECONDS):
        while not done(self):
            await self.client.take(seconds)


class Client:
    """
    'plain': a WebSocket that answers a ping when it comes to it, having taken all before; a dict of
    PlainWebSocket.connect's options. Without, one of a library that reads a little ahead.
    """

    kind = Process

    def __init__(self, server, scheme="ws", plain=None):
        self.server, self.scheme, self.plain = server, scheme, plain
        self.conn = self.session = None
        self.processes = {}
        self.recovering = set()
        self.unsure = set()  # started, and not answered

    async def connect(self):
        options = {}
        if self.plain is not None:
            options = {"transport": PlainWebSocket, **self.plain}
        elif self.scheme == "ws":
            options = {"rcvbuf": MB}
        self.conn = await self.server.connect(self.scheme, **options)
        result = await self.conn.initialize_codex(self.session)
        assert self.session in (None, result["sessionId"]), result
        self.session = result["sessionId"]

    async def ask_start(self, name, *argv, **params):
        """Sends the request; awaiting what it returns gives the whole response."""
        self.processes[name] = self.kind(self, name)
        self.unsure.add(name)
        return await self.conn.ask("process/start", {
            "processId": name, "argv": list(argv), "cwd": "file:///", "env": {"PATH": "/usr/bin:/bin"}, "tty": False, **params})

    async def start(self, name, *argv, **params):
        response = await (await self.ask_start(name, *argv, **params))
        assert response.get("result") == {"processId": name, "sandboxType": "none"}, response
        self.unsure.discard(name)
        return self.processes[name]

    async def take(self, seconds=SECONDS):
        self.add(await self.conn.recv(seconds))

    async def until_bytes(self, total):
        """Until all processes together have written as much, or have closed."""
        while sum(process.bytes() for process in self.processes.values()) < total:
            if all(process.closed for name, process in self.processes.items() if name != "deaf"):
                break
            await self.take()

    def drain(self):
        """Takes what has come."""
        while self.conn.inbox:
            self.add(self.conn.inbox.pop(0))

    async def cut(self):
        """What has come has been seen; what is on its way is lost."""
        self.drain()
        await self.conn.cut()

    def add(self, message):
        assert message["method"] in EVENTS, message
        name = message["params"]["processId"]
        if name in self.processes:
            self.processes[name].add(message["method"], message["params"], name in self.recovering)

    async def read(self, process, **params):
        return await self.conn.request("process/read", {
            "processId": process.name, "afterSeq": process.last, "maxBytes": None, "waitMs": 0, **params})

    async def come_back(self):
        """As the client does: connect, then read what it missed of whatever it has not seen the end of."""
        asking = await self.begin_to_come_back()
        try:
            for _, asked in asking:
                await asked
        finally:
            self.take_answers(asking)

    async def begin_to_come_back(self):
        """Connects and asks; each process with the future answer."""
        open_ones = [process for process in self.processes.values() if not process.closed]
        for process in open_ones:
            process.forget_early()
        self.recovering = {process.name for process in open_ones}
        await self.connect()
        asking = []
        for process in open_ones:
            params = {"processId": process.name, "afterSeq": process.last, "maxBytes": None, "waitMs": 0}
            try:
                asking.append((process, await self.conn.ask("process/read", params)))
            except (Ended, OSError):
                self.take_answers(asking)
                raise
        return asking

    def take_answers(self, asking):
        """Of those that have come; whatever else is lost, they were read."""
        self.drain()
        for process, asked in asking:
            if not asked.done() or asked.exception() is not None:
                continue
            answer = asked.result()
            self.recovering.discard(process.name)
            if "error" in answer and process.name in self.unsure:
                self.unsure.discard(process.name)
                del self.processes[process.name]
            else:
                assert "result" in answer, answer
                process.recover(answer["result"])

    async def come_back_in_vain(self, seconds):
        """The connection is cut once more, whatever has come by then."""
        asking = await self.begin_to_come_back()
        if asking:
            await asyncio.wait([asked for _, asked in asking], timeout=seconds)
        self.take_answers(asking)
        await self.cut()

    async def write(self, name, data, write_id):
        return await self.conn.request(
            "process/write", {"processId": name, "chunk": b64(data), "writeId": write_id})


async def a_client(server, **plain):
    client = Client(server, plain=plain)
    await client.connect()
    return client


def complete(process, total):
    """It has come to its end by itself, and all of so many bytes are there."""
    assert bytes(process.streams["stdout"]) == pattern.spew(total)
    assert process.exit_code == 0 and process.closed


async def ended_with_all(process, wanted):
    """Once it has brought so many bytes it is ended; there was no hole."""
    await process.until(lambda p: p.bytes() >= wanted)
    await process.client.conn.request("process/terminate", {"processId": process.name})
    await process.until(lambda p: p.closed)
    assert bytes(process.streams["stdout"]) == pattern.spew(process.bytes())


def program_of(server, program=None):
    """The pid of the server's only child that runs this program, the puppet by default."""
    name = (program or child()).rpartition("/")[2][:15]
    (pid,) = [one for one in children(server.pid) if name_of(one) == name]
    return pid


async def held_back(pid):
    """Until a program is held back, having written nothing between many looks, or has ended."""
    same, before = 0, None
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        while same < 20:
            with open(f"/proc/{pid}/io", encoding="ascii") as f:
                written = f.read()
            same = same + 1 if written == before else 0
            before = written
            await asyncio.sleep(0.01)


class Proxy:
    """
    Carries bytes between clients and a server. It can hold them back, in one direction or both, and goes on
    taking what the server sends: for the server's kernel, and for nobody else, that has arrived.
    """

    def __init__(self):
        self.pipes = []

    @classmethod
    @contextlib.asynccontextmanager
    async def to(cls, server):
        self = cls()
        where = urllib.parse.urlsplit(server.url("ws"))
        self.target = (where.hostname, where.port)
        listener = await asyncio.start_server(self._on_client, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            listener.close()
            self.cut()
            await listener.wait_closed()

    async def _on_client(self, reader, writer):
        pipe = Pipe(reader, writer)
        self.pipes.append(pipe)
        try:
            await pipe.run(self.target)
        finally:
            self.pipes.remove(pipe)

    def cut(self):
        """Both ends of every connection learn that it is over."""
        for pipe in self.pipes:
            pipe.cut()

    def hold(self):
        """What the server sends is taken and goes no further; what clients say does."""
        for pipe in self.pipes:
            pipe.held = True

    def freeze(self):
        """Nothing is taken from either side any more, and neither is told: half-open."""
        for pipe in self.pipes:
            pipe.frozen.clear()

    def leave(self):
        """The clients' sides end; the server is told nothing, ever."""
        for pipe in self.pipes:
            pipe.frozen.clear()
            pipe.client.transport.abort()


class Pipe:
    def __init__(self, reader, writer):
        self.reader, self.client, self.server = reader, writer, None
        self.held = False
        self.frozen = asyncio.Event()
        self.frozen.set()

    async def run(self, target):
        with contextlib.suppress(OSError):
            reader, self.server = await asyncio.open_connection(*target)
            await asyncio.gather(self._up(), self._down(reader))
        self.cut()

    async def _up(self):
        with contextlib.suppress(ConnectionError):
            while data := await self.reader.read(65536):
                await self.frozen.wait()
                self.server.write(data)
                await self.server.drain()
        await self.frozen.wait()
        self.cut()

    async def _down(self, reader):
        while data := await reader.read(65536):
            await self.frozen.wait()
            if not self.held:
                self.client.write(data)
                await self.client.drain()
        self.cut()

    def cut(self):
        for writer in (self.client, self.server):
            if writer is not None:
                writer.transport.abort()
        self.frozen.set()
