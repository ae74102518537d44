"""A bare socket to the server: bytes as they are told, and an other side that may be left unread."""

import asyncio
import contextlib
import socket
import struct
from urllib.parse import urlsplit

from .conn import parse
from .deadline import SECONDS, within
from .rawws import PING, TEXT, frame

INITIALIZE = b'{"id":0,"method":"initialize","params":{"clientName":"x","protocolVersion":"exec-server.v1"}}'
# More than all buffers of the kernel on the way, less than what a server that reads on would take.
TAKEN_MAX = 96 * 1024 * 1024


class RawStream:
    """Over "unix" its messages are lines, over "ws" frames."""

    def __init__(self, server, scheme):
        self.scheme, self._server = scheme, server
        self.socket = socket.socket(socket.AF_UNIX if scheme == "unix" else socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._held = bytearray()

    @classmethod
    async def connect(cls, server, scheme):
        self = cls(server, scheme)
        where = urlsplit(server.url(scheme))
        address = where.path if scheme == "unix" else (where.hostname, where.port)
        await within(self._loop.sock_connect(self.socket, address), "connection")
        return self

    @classmethod
    async def initialized(cls, server, scheme):
        self = await cls.connect(server, scheme)
        if scheme == "ws":
            await self.send(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
            await self.until(b"\r\n\r\n")
        await self.send(self.message(INITIALIZE))
        answer = parse(await self.receive())
        assert answer["id"] == 0 and "result" in answer, answer
        return self

    def message(self, text):
        return text + b"\n" if self.scheme == "unix" else frame(TEXT, text)

    async def send(self, data, seconds=SECONDS):
        await within(self._loop.sock_sendall(self.socket, data), "room to send", seconds)

    async def _more(self):
        data = await within(self._loop.sock_recv(self.socket, 1 << 20), "bytes")
        self._held += data
        return data

    async def until(self, end):
        while end not in self._held:
            assert await self._more(), f"the end before {end}: {bytes(self._held[-100:])}"
        part = self._taken(self._held.index(end))
        del self._held[:len(end)]
        return part

    async def exactly(self, n):
        while len(self._held) < n:
            assert await self._more(), "the end inside a frame"
        return self._taken(n)

    def _taken(self, n):
        part = bytes(self._held[:n])
        del self._held[:n]
        return part

    async def receive(self):
        """One line, or the payload of one unfragmented frame that is no ping."""
        if self.scheme == "unix":
            return await self.until(b"\n")
        while True:
            first, length = await self.exactly(2)
            if length == 126:
                length = struct.unpack("!H", await self.exactly(2))[0]
            elif length == 127:
                length = struct.unpack("!Q", await self.exactly(8))[0]
            assert first & 0x80, "a fragment"
            payload = await self.exactly(length)
            if first & 15 != PING:
                return payload

    async def rest(self):
        """Everything up to the end; a reset counts as one."""
        with contextlib.suppress(ConnectionError):
            while await self._more():
                pass
        return bytes(self._held)

    async def flood(self, piece, bystander):
        """
        Sends 'piece' again and again and reads nothing, until the server takes no
        more, although it serves others time after time. Returns how many went out.
        """
        block = piece * (65536 // len(piece) + 1)
        sent = refusals = 0
        while refusals < 30:
            try:
                sent += self.socket.send(block[sent % len(piece):])
                refusals = 0
            except BlockingIOError:
                refusals += 1
                await bystander.echoes()
            assert sent < TAKEN_MAX, "the server reads on although nobody takes its answers"
        missing = -sent % len(piece)
        return (sent + missing) // len(piece), piece[len(piece) - missing:] if missing else b""

    def reset(self):
        """Ends it by RST (socket(7), SO_LINGER); on a unix socket, by an end before what was sent is read."""
        if self.scheme == "ws":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()
