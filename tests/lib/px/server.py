"""Running the server: start it, find its URLs, stop it, and see that nothing is left of it."""

import asyncio
import ctypes
import os
import re
import select
import shlex
import shutil
import signal
import tempfile

from .conn import Connection
from .deadline import SCALE, SECONDS, Late, within
from .transport import CHUNK, Lines, WebSocket

_LISTENING = re.compile(r"ptyexecd listening on (\S+)$")
_PR_SET_CHILD_SUBREAPER = 36


def binary():
    path = os.environ.get("PTYEXECD")
    if not path:
        raise RuntimeError("PTYEXECD must name the server's binary")
    return os.path.abspath(path)


def child():
    path = os.environ.get("PX_CHILD")
    if not path:
        raise RuntimeError("PX_CHILD must name the puppet's binary")
    return os.path.abspath(path)


def command(*flags):
    """The server's command line, inside PTYEXECD_WRAPPER when that is set."""
    return [*shlex.split(os.environ.get("PTYEXECD_WRAPPER", "")), binary(), *flags]


def adopt_orphans():
    """Makes this process the parent of everything that a dead server leaves behind, so that it is seen."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


_ours = set()  # living children that this process started itself
_starting = asyncio.Lock()  # held while a child exists that is not in '_ours' yet


async def spawn(*argv, **options):
    """asyncio.create_subprocess_exec for tests: what is started so is not taken for a survivor of a server."""
    async with _starting:
        process = await asyncio.create_subprocess_exec(*argv, **options)
        _ours.add(process.pid)
        return process


def send_signal(process, sig):
    """
    Signals a spawn()ed process that may have ended. Popen.send_signal() would
    reap it behind the back of asyncio, which then knows no exit status.
    """
    if process.returncode is None:
        try:
            os.kill(process.pid, sig)
        except ProcessLookupError:
            pass


async def ended(process):
    """Waits for the end of a spawn()ed process and forgets its number; the exit status."""
    status = await process.wait()
    _ours.discard(process.pid)
    return status


def adopted():
    """Our children that we have not started: orphans that have come to us."""
    with open(f"/proc/self/task/{os.getpid()}/children") as f:
        return {int(pid) for pid in f.read().split()} - _ours


def _describe(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f"{pid} {f.read().replace(bytes(1), b' ').decode('utf-8', 'replace').strip()}"
    except OSError:
        return str(pid)


async def _survivors():
    """Reaps adopted processes that are dead; kills and names those that are not."""
    async with _starting:
        return _reap_adopted()


def _reap_adopted():
    alive = []
    for pid in adopted():
        name = _describe(pid)
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                continue
            # A process that was killed may still be on its way out.
            fd = os.pidfd_open(pid)
            try:
                dead = select.select([fd], [], [], 0.5 * SCALE)[0]
            finally:
                os.close(fd)
            if not dead:
                alive.append(name)
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ChildProcessError, ProcessLookupError):
            pass
    return alive


class Server:
    """
    A running server. 'urls' maps a scheme ("stdio", "unix", "ws", "wss") to the
    list of URLs it listens on; 'log' holds the lines of its stderr.
    """

    def __init__(self, process, folder):
        self.process, self.folder = process, folder
        self.pid = process.pid
        self.log, self.urls = [], {}
        self.connections = []
        self._stopped = False
        self._changed = asyncio.Condition()
        self._reader = asyncio.get_running_loop().create_task(self._read_log())

    @classmethod
    async def start(cls, *flags, listen=("unix",), env=None, cwd=None):
        """
        'listen' names transports ("stdio", "unix", "ws") or gives whole URLs.
        Returns when the server has said that all of them are ready.
        """
        folder = tempfile.mkdtemp(prefix="px-test-")
        urls = [{"stdio": "stdio://", "unix": f"unix://{folder}/socket", "ws": "ws://127.0.0.1:0"}.get(one, one)
                for one in listen]
        flags = [str(flag) for flag in flags]
        for url in urls:
            flags += ["--listen", url]
        stdio = "stdio://" in urls
        process = await spawn(
            *command(*flags),
            stdin=asyncio.subprocess.PIPE if stdio else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if stdio else asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE, limit=CHUNK, env=env, cwd=cwd, start_new_session=True)
        self = cls(process, folder)
        try:
            for _ in urls:
                await self._next_url()
        except AssertionError as failure:
            await self.kill()
            raise AssertionError("the server did not start: " + " | ".join(self.log_text(10))) from failure
        return self

    async def _read_log(self):
        held = b""
        while data := await self.process.stderr.read(CHUNK):
            *lines, held = (held + data).split(b"\n")
            async with self._changed:
                self.log += [line.decode("utf-8", "replace") for line in lines]
                self._changed.notify_all()
        async with self._changed:
            if held:
                self.log.append(held.decode("utf-8", "replace"))
            self.log.append(None)  # the end
            self._changed.notify_all()

    async def log_line(self, wanted, start=0, seconds=SECONDS):
        """Waits for a line of the log from index 'start' on that wanted(line) accepts; returns (index, line)."""

        async def wait():
            at = start
            async with self._changed:
                while True:
                    while at < len(self.log):
                        if self.log[at] is None:
                            raise AssertionError("the server's log ended")
                        if wanted(self.log[at]):
                            return at, self.log[at]
                        at += 1
                    await self._changed.wait()

        return await within(wait(), "line in the server's log", seconds)

    async def _next_url(self):
        seen = sum(len(urls) for urls in self.urls.values())
        count = 0

        def nth(line):
            nonlocal count
            count += _LISTENING.search(line) is not None
            return count > seen

        _, line = await self.log_line(nth)
        url = _LISTENING.search(line).group(1)
        self.urls.setdefault(url.partition(":")[0], []).append(url)

    def url(self, scheme):
        return self.urls[scheme][0]

    async def connect(self, scheme=None, name=None, **options):
        """
        A connection over the first URL of 'scheme', by default of the first that the server listens on. For ws,
        'options' are those of 'transport', which is WebSocket.
        """
        scheme = scheme or next(iter(self.urls))
        if scheme == "stdio":
            transport = Lines(self.process.stdout, self.process.stdin)
        elif scheme == "unix":
            transport = await within(Lines.connect_unix(self.url("unix")[len("unix://"):]), "unix connection")
        else:
            kind = options.pop("transport", WebSocket)
            transport = await within(kind.connect(self.url(scheme), **options), "WebSocket connection")
        conn = Connection(transport, name or f"{scheme} connection {len(self.connections) + 1}")
        self.connections.append(conn)
        return conn

    async def wait(self, seconds=SECONDS):
        """The exit status, once the server has ended by itself."""
        status = await within(self.process.wait(), "end of the server", seconds)
        await within(self._reader, "end of the server's log", seconds)
        return status

    async def stop(self, sig=signal.SIGTERM, status=0):
        """Ends the server and asserts that it went in order and took all its processes along."""
        if self._stopped:
            return
        send_signal(self.process, sig)
        try:
            got = await within(ended(self.process), "end of the server after SIGTERM")
        except Late:
            await self.kill()
            raise
        self._stopped = True
        # After the server's end: a descendant that holds its stderr would keep the log open.
        survivors = await _survivors()
        await self._tidy()
        wrong = [f"the server ended with status {got}, not {status}"] if got != status else []
        wrong += [f"{name} survived the server" for name in survivors]
        assert not wrong, "; ".join(wrong)

    async def kill(self):
        """Ends the server whatever its state, for tests that have failed already or mean it."""
        self._stopped = True
        send_signal(self.process, signal.SIGKILL)
        await ended(self.process)
        survivors = await _survivors()
        await self._tidy()
        return survivors

    async def _tidy(self):
        for conn in self.connections:
            try:
                await conn.close()
            except (Late, OSError):
                pass
        try:
            await within(self._reader, "end of the server's log", 5)
        except Late:
            self._reader.cancel()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log_text(self, last=60):
        return [line for line in self.log if line is not None][-last:]


async def run_once(*flags, stdin=b"", env=None, seconds=SECONDS):
    """Runs the server's binary to its end: (status, stdout, stderr)."""
    process = await spawn(
        *command(*[str(flag) for flag in flags]), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=env)
    try:
        out, err = await within(process.communicate(stdin), "end of the server", seconds)
    except Late:
        send_signal(process, signal.SIGKILL)
        raise
    finally:
        await ended(process)
    return process.returncode, out, err
