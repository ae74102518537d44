"""What the end-to-end tests share beyond px: sessions in few words, and looking at processes from outside."""

import asyncio
import contextlib
import os
import re
import select
import shlex
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

from px.conn import Output, RpcError, b64, unb64  # noqa: E402
from px.deadline import SCALE, SECONDS, Late, within  # noqa: E402
from px.server import child  # noqa: E402

PIPES = {"pipe": {"stdin": "open"}}
NO_INPUT = {"pipe": {"stdin": "closed"}}
PTY = {"pty": {"rows": 24, "cols": 80}}
BOTH = (("pipe", PIPES), ("pty", PTY))
LONG_MS = 300_000  # never waited for: only ends what hangs


def pty(rows, cols):
    return {"pty": {"rows": rows, "cols": cols}}


def graceful(ms=LONG_MS):
    return {"graceful": {"timeoutMs": ms}}


def shell(script, *arguments):
    """The argv of a shell that runs 'script', where $child is the puppet."""
    return ["/bin/sh", "-c", f"child={shlex.quote(child())}; {script}", "sh", *arguments]


class Session:
    """A process of a v1 connection."""

    def __init__(self, conn, session_id, pid):
        self.conn, self.id, self.pid = conn, session_id, pid
        self.output = Output(conn, session_id)

    @classmethod
    async def start(cls, conn, *mode, io=PIPES, name=None, seconds=SECONDS, on_disconnect=None, trace=None, **direct):
        """Starts the puppet in 'mode', or the argv given; further words are members of "direct"."""
        params = {"direct": {"argv": [child(), *map(str, mode)], **direct}, "io": io}
        if name is not None:
            params["sessionId"] = name
        if on_disconnect is not None:
            params["onDisconnect"] = on_disconnect
        members = {} if trace is None else {"trace": trace}
        result = await conn.request("process/start", params, seconds, **members)
        session = cls(conn, result["sessionId"], result["pid"])
        session.existing = result["existing"]
        return session

    def __call__(self, verb, seconds=SECONDS, **params):
        """The result of process/VERB."""
        return self.conn.request(f"process/{verb}", {"sessionId": self.id, **params}, seconds)

    def ask(self, verb, **params):
        """Sends process/VERB; awaiting what it returns gives the whole response."""
        return self.conn.ask(f"process/{verb}", {"sessionId": self.id, **params})

    def write(self, data, **params):
        return self("write", chunk=b64(data), **params)

    async def until(self, text, seconds=SECONDS):
        """Waits until some stream has brought 'text'."""
        text = text.encode() if isinstance(text, str) else text
        await self.output.until(lambda o: any(text in data for data in o.streams.values()), seconds)

    async def exited(self, seconds=SECONDS):
        """What process/exited says; all that came before it is in 'output'."""
        await self.output.until(lambda o: o.exited is not None, seconds)
        return self.output.exited

    async def closed(self, seconds=SECONDS):
        await self.output.until_closed(seconds)
        return self.output.exited

    def data(self, stream=None):
        """What a stream has brought, by default the only one that has brought anything."""
        if stream is not None:
            return self.output.data(stream)
        assert len(self.output.streams) <= 1, f"output on {list(self.output.streams)}"
        return b"".join(bytes(data) for data in self.output.streams.values())

    def text(self, stream=None):
        """The same as text, a terminal's line ends as newlines."""
        return self.data(stream).decode().replace("\r\n", "\n")


start = Session.start


async def v1(server, scheme=None, **params):
    """An initialized connection; 'hello' is what the server answered."""
    conn = await server.connect(scheme)
    conn.hello = await conn.initialize_v1(**params)
    return conn


async def run(conn, *mode, io=NO_INPUT, **direct):
    """Runs the puppet to its end; the session."""
    session = await start(conn, *mode, io=io, **direct)
    await session.closed()
    return session


async def batch(conn, requests, seconds=SECONDS):
    """Sends an array of requests; the array of their answers."""

    def answers():
        return next((conn.inbox.pop(i) for i, m in enumerate(conn.inbox) if isinstance(m, list)), None)

    await conn.send_json(requests)
    return await conn._wait_for(answers, "answer to a batch", seconds)


@contextlib.asynccontextmanager
async def refused(kind, code=None):
    """The body must fail with this error of the server; it is filled in for further looks."""
    seen = {}
    try:
        yield seen
    except RpcError as error:
        assert error.kind == kind, f"{error.kind}: {error}"
        assert code is None or error.code == code, error
        seen.update(error.data, code=error.code, message=error.message)
    else:
        raise AssertionError(f"no {kind}")


def needs_root(test):
    """Without root there is no such test."""
    return test if test is not None and os.getuid() == 0 else None


def needs_native(test):
    """Nor is there one about what a wrapper (valgrind) changes: memory, descriptors, limits, failing execs."""
    return None if os.environ.get("PTYEXECD_WRAPPER") else test


# A server seen from outside


def descriptors(pid):
    """The open descriptors of a process: {number: what it is}."""
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[int(number)] = os.readlink(f"/proc/{pid}/fd/{number}")
    return found


def children(pid):
    """The children of a process, zombies too."""
    found = set()
    for task in os.listdir(f"/proc/{pid}/task") if exists(pid) else ():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/task/{task}/children") as f:
            found.update(map(int, f.read().split()))
    return found


def name_of(pid):
    """The name of the program that a process runs; None: it is gone."""
    with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/comm") as f:
        return f.read().strip()


def descendants(pid):
    """Its children and theirs."""
    found = children(pid)
    return found.union(*map(descendants, found))


def status(pid, name):
    """A line of /proc/PID/status, as a number where it is one (bytes for sizes)."""
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            key, _, value = line.partition(":")
            if key == name:
                words = value.split()
                number = int(words[0]) if words[0].isdigit() else words[0]
                return number * 1024 if words[1:] == ["kB"] else number
    raise KeyError(name)


def exists(pid):
    """Whether there is a process of that number, be it a zombie."""
    return os.path.exists(f"/proc/{pid}")


def lean():
    """An environment in which a sanitized server gives freed memory back, so that what it holds can be told."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return dict(os.environ, ASAN_OPTIONS=f"{options}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64")


async def until(conn, condition, what, seconds=SECONDS):
    """Makes the server's loop turn, request by request, until condition(counts of the server) is true."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds * SCALE
    while not condition(counts := (await conn.request("server/info"))["counts"]):
        if loop.time() > end:
            raise Late(f"no {what} within {seconds * SCALE:g} s: {counts}")


async def figures(server):
    """/metrics as {name with labels: value}, its form checked."""
    answer = await http(server, "/metrics")
    assert answer.status == 200 and answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found, types = {}, {}
    for line in answer.body.decode().splitlines():
        if line.startswith("# "):
            assert re.match(r"# (HELP [a-z_]+ \S.*|TYPE [a-z_]+ (counter|gauge|histogram))$", line), line
            if line.startswith("# TYPE"):
                name, kind = line.split()[2:]
                assert name not in types, line
                types[name] = kind
            continue
        name, value = line.rsplit(" ", 1)
        family = re.sub(r"_(bucket|sum|count)$", "", name.split("{")[0])
        assert family in types or name.split("{")[0] in types, line
        assert name not in found, line
        found[name] = float(value)
    return found


async def counted(conn, seconds=SECONDS, **wanted):
    """Asks until the server counts so."""
    await until(conn, lambda counts: wanted.items() <= counts.items(), f"counts of {wanted}", seconds)


async def stalled(observer, session):
    """
    Waits until the server has stopped reading a session that writes without end: its output does not grow while
    the loop turns, though the process waits with a full pipe, which would be read in the next turn.
    """

    loop = asyncio.get_running_loop()
    end, same, before = loop.time() + SECONDS * SCALE, 0, None
    while same < 5:
        with open(f"/proc/{session.pid}/stat") as f:
            waits = f.read().rpartition(")")[2].split()[0] == "S"
        total = (await observer.request("process/inspect", {"sessionId": session.id}))["totalBytes"]
        same = same + 1 if waits and total == before else 0
        before = total
        if loop.time() > end:
            raise Late(f"no pause of {session.id}: {total}")


class Answer:
    """An HTTP answer: 'status', 'headers' with names in lower case, 'body'."""

    def __init__(self, head, body):
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        pairs = [line.split(": ", 1) for line in lines if line]
        self.headers = {name.lower(): value for name, value in pairs}
        assert len(self.headers) == len(pairs), head
        self.body = body


async def http(server, path, method="GET", headers=("Host: localhost",), seconds=SECONDS):
    """Asks the server's WebSocket port in plain HTTP, with these header lines and no others."""

    async def talk():
        host, _, port = server.url("ws")[len("ws://"):].rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write("\r\n".join([f"{method} {path} HTTP/1.1", *headers, "", ""]).encode("latin-1"))
            head = await reader.readuntil(b"\r\n\r\n")
            answer = Answer(head, b"")
            if method != "HEAD":
                answer.body = await reader.readexactly(int(answer.headers.get("content-length", 0)))
            return answer
        finally:
            writer.close()

    return await within(talk(), f"answer to {method} {path}", seconds)


class Watched:
    """A process that is not ours, held by a descriptor so that its end can be awaited and its number is no other's."""

    def __init__(self, pid):
        self.pid = pid
        self._fd = os.pidfd_open(pid)

    @classmethod
    def all(cls, pids):
        """Those of 'pids' that are still there."""
        found = []
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                found.append(cls(pid))
        return found

    def is_alive(self):
        return not select.select([self._fd], [], [], 0)[0]

    async def gone(self, seconds=SECONDS):
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.add_reader(self._fd, lambda: future.done() or future.set_result(None))
        try:
            await within(future, f"end of process {self.pid}", seconds)
        finally:
            loop.remove_reader(self._fd)
            os.close(self._fd)


@contextlib.contextmanager
def wrapper(*words):
    """Servers that start inside run under this command."""
    before = os.environ.get("PTYEXECD_WRAPPER")
    os.environ["PTYEXECD_WRAPPER"] = f"{shlex.join(words)} {before or ''}"
    try:
        yield
    finally:
        del os.environ["PTYEXECD_WRAPPER"]
        if before is not None:
            os.environ["PTYEXECD_WRAPPER"] = before


def holdings(server):
    """What a server holds: its descriptors, and children beyond those that it had when it was ready."""
    return descriptors(server.pid), children(server.pid) - server.own_children


async def nothing_left(server, before, workspaces=1, seconds=SECONDS):
    """Once all connections have ended, the server has as many descriptors as 'before', no child and no session."""
    for conn in server.connections:
        await conn.close()
    observer = await v1(server, next(scheme for scheme in server.urls if scheme != "stdio"))

    def is_back():
        fds, processes = holdings(server)
        return len(fds) == len(before) + 1 and not processes

    try:
        await until(observer, lambda _: is_back(), "return to what the server held before", seconds)
    except AssertionError as failure:
        raise AssertionError(f"{failure}: {holdings(server)}, had {before}") from None
    attended = {} if workspaces is None else {"workspaces": workspaces}
    await counted(observer, seconds, connections=1, sessions=0, running=0, **attended)
    await observer.close()


@contextlib.asynccontextmanager
async def serving(t, *flags, **options):
    """
    A server of the test's own. Sessions end soon after their connection, and
    when all have, nothing of them may be left in it.
    """
    for flag, value in (("--detach-ttl-ms", 0), ("--shutdown-grace-period-ms", 1000)):
        if flag not in flags:
            flags += (flag, value)
    server = await t.server(*flags, **options)
    server.own_children = children(server.pid)
    before = descriptors(server.pid)
    yield server
    # Without connections, workspaces wait for as long as the detach time.
    await nothing_left(server, before, None if flags[flags.index("--detach-ttl-ms") + 1] == LONG_MS else 1)


__all__ = ["BOTH", "LONG_MS", "NO_INPUT", "PIPES", "PTY", "RpcError", "Session", "Watched", "b64", "batch", "child", "children",
           "counted", "descendants", "descriptors", "exists", "graceful", "holdings", "http", "lean", "name_of",
           "needs_native", "needs_root", "nothing_left", "pty", "refused", "run", "serving", "shell", "stalled",
           "start", "status", "unb64", "until", "v1", "within", "wrapper"]
