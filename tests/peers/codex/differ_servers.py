"""The two servers that are compared: on a WebSocket for all connections, or on the pipes of a process for each."""

import asyncio
import os
import signal

from px import server as px_server
from px.deadline import within
from px.transport import CHUNK, Lines, WebSocket

# Nobody's home and nobody's secrets, the same for both.
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root", "USER": "differ", "LOGNAME": "differ", "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8", "SHELL": "/bin/bash", "TMPDIR": "/tmp", "MY_API_KEY": "k", "secret_word": "s", "XTOKENX": "t",
    "KEYBOARD": "us", "PASSWORD_X": "p", "FOO_A": "1", "FOO_B": "2", "foo_c": "3", "BAR": "4", "A[B]": "5", "EMPTY": "",
}


def environment(home):
    kept = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
    return {**ENVIRONMENT, "CODEX_HOME": home, **kept}


def their_command(url):
    """The CLI's own server, found by PX_CODEX."""
    launcher = os.environ.get("PX_CODEX")
    if not launcher:
        raise RuntimeError("PX_CODEX must name the launcher of the Codex CLI")
    return os.path.abspath(launcher), "exec-server", "--listen", url


class Reference:
    """The CLI's own server on a WebSocket."""

    def __init__(self, process, url, home):
        self.process, self.host, self.home = process, url[len("ws://"):], home

    def connect(self):
        return WebSocket.connect(f"ws://{self.host}")

    @classmethod
    async def start(cls, home):
        process = await px_server.spawn(
            *their_command("ws://127.0.0.1:0"), cwd="/", env=environment(home),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            limit=CHUNK, start_new_session=True)
        line = await within(process.stdout.readline(), "URL of the CLI's own server")
        if not line.startswith(b"ws://"):
            raise RuntimeError(f"the CLI's own server does not listen: {line!r}")
        return cls(process, line.decode().strip(), home)

    async def stop(self):
        px_server.send_signal(self.process, signal.SIGTERM)
        await within(px_server.ended(self.process), "end of the CLI's own server")
        await px_server._survivors()  # what it leaves behind is no fault of ours


class Ours:
    """Our server on a WebSocket."""

    def __init__(self, server, home):
        self.server, self.host, self.home = server, server.url("ws")[len("ws://"):], home

    @classmethod
    async def start(cls, home):
        return cls(await px_server.Server.start(listen=("ws",), env=environment(home), cwd="/"), home)

    def connect(self):
        return WebSocket.connect(f"ws://{self.host}")

    async def stop(self):
        await self.server.stop()


class Piped(Lines):
    """A connection that is a server's standard input and output. The server ends with it."""

    def __init__(self, process):
        super().__init__(process.stdout, process.stdin)
        self._process = process

    async def close(self):
        await super().close()
        status = await within(px_server.ended(self._process), "end of a server whose input has ended")
        assert status == 0, f"a server whose input has ended: status {status}"


class OnPipes:
    """A server of its own for each connection."""

    host = None

    def __init__(self, command, home):
        self.command, self.home = command, home

    async def connect(self):
        return Piped(await px_server.spawn(
            *self.command, cwd="/", env=environment(self.home), stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, limit=CHUNK, start_new_session=True))

    async def stop(self):
        await px_server._survivors()


async def on_web_sockets(theirs, ours):
    return await Reference.start(theirs), await Ours.start(ours)


async def on_pipes(theirs, ours):
    return OnPipes(their_command("stdio"), theirs), OnPipes(px_server.command("--listen", "stdio://"), ours)
