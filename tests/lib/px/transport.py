"""Carrying messages: the three framings behind one small interface.

A transport has send(bytes) for one message, receive() -> bytes or None at the
end, end_sending(), cut(), close(), and 'close_code' (WebSocket only) once it has ended.
"""

import asyncio
import contextlib
import socket
from urllib.parse import urlsplit

import websockets

from .rawws import CLOSE, PING, PONG, TEXT, RawWebSocket

CHUNK = 65536


class Lines:
    """One JSON text per line, over the pipes of stdio:// or a unix:// socket."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self._held = bytearray()
        self._scanned = 0
        self.close_code = None

    @classmethod
    async def connect_unix(cls, path):
        return cls(*await asyncio.open_unix_connection(path, limit=CHUNK))

    async def send(self, message):
        await self.send_bytes(message + b"\n")

    async def send_bytes(self, data):
        """Bytes outside the framing: half a line, several lines, anything."""
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self):
        while True:
            end = self._held.find(b"\n", self._scanned)
            if end >= 0:
                line = bytes(self._held[:end])
                del self._held[: end + 1]
                self._scanned = 0
                return line
            self._scanned = len(self._held)
            try:
                data = await self._reader.read(CHUNK)
            except ConnectionError:
                data = b""
            if not data:
                if self._held:
                    raise AssertionError(f"the stream ended inside a line: {bytes(self._held[:200])!r}")
                return None
            self._held += data

    def end_sending(self):
        """End of file for the server; what it still says can be read."""
        if self._writer.can_write_eof():
            self._writer.write_eof()
        else:
            self._writer.close()

    def cut(self):
        """The end without a word, as of a network that is gone."""
        self._writer.transport.abort()

    async def close(self):
        # What was said goes out first, while the answers are still read: close() stops reading before it has
        # written, and a server whose answers nobody reads takes nothing more.
        self._writer.transport.set_write_buffer_limits(0)
        try:
            await self._writer.drain()
            self._writer.close()
            await self._writer.wait_closed()
        except ConnectionError:
            self._writer.close()


class WebSocket:
    """One JSON text per message, through a WebSocket implementation that is not ours."""

    def __init__(self, socket):
        self._socket = socket
        self.close_code = None

    @classmethod
    async def connect(cls, url, rcvbuf=None, **options):
        """'rcvbuf': bytes in the socket's own buffer, which a kernel else makes as large as it likes."""
        if rcvbuf is not None:
            options["sock"] = await small_socket(url, rcvbuf)
        options.setdefault("max_size", None)
        options.setdefault("max_queue", 4)
        options.setdefault("ping_interval", None)
        options.setdefault("compression", None)
        options.setdefault("open_timeout", None)
        return cls(await websockets.connect(url, **options))

    async def send(self, message):
        # Text whenever it can be: a frame that is not UTF-8 goes out as binary.
        try:
            message = message.decode()
        except UnicodeDecodeError:
            pass
        await self._socket.send(message)

    async def send_binary(self, message):
        await self._socket.send(bytes(message))

    async def receive(self):
        try:
            message = await self._socket.recv()
        except websockets.ConnectionClosed:
            self.close_code = self._socket.close_code
            return None
        if not isinstance(message, str):
            raise AssertionError("the server sent a binary message")
        return message.encode()

    def end_sending(self):
        asyncio.get_running_loop().create_task(self._socket.close())

    def cut(self):
        self._socket.transport.abort()

    async def close(self):
        await self._socket.close()
        self.close_code = self._socket.close_code


class PlainWebSocket:
    """
    The same, frame by frame: a ping is answered when its turn has come, and not before everything in front of it was
    received. 'mute': it is not answered, ever; also while the connection lives, by setting it.
    """

    def __init__(self, raw, mute):
        self._raw, self.mute = raw, mute
        self.pings = 0
        self.close_code = None

    @classmethod
    async def connect(cls, url, mute=False, rcvbuf=None, to=None):
        """'to': the URL to take instead, a proxy's."""
        sock = None if rcvbuf is None else await small_socket(to or url, rcvbuf)
        return cls(await RawWebSocket.connect(to or url, sock=sock), mute)

    async def send(self, message):
        await self._raw.send_frame(TEXT, message)

    async def receive(self):
        whole = b""
        while (got := await self._raw.read_frame(None)) is not None and got[1] != CLOSE:
            fin, opcode, payload = got
            if opcode == PING:
                self.pings += 1
                if not self.mute:
                    await self._raw.send_frame(PONG, payload)
            else:
                whole += payload
                if fin:
                    return whole
        if got is not None:
            with contextlib.suppress(ConnectionError):
                await self._raw.send_frame(CLOSE, got[2][:2])
        return None

    def cut(self):
        self._raw.writer.transport.abort()

    async def close(self):
        await self._raw.close()


async def small_socket(url, rcvbuf):
    """A connected socket with a receive buffer of this size."""
    where = urlsplit(url)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (where.hostname, where.port))
    return sock
