"""A WebSocket peer that sends exactly the bytes it is told to, for frames no decent client makes."""

import asyncio
import base64
import hashlib
import os
import struct
from urllib.parse import urlsplit

from .deadline import SECONDS, within

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(opcode, payload=b"", fin=True, rsv=0, mask=b"\x01\x02\x03\x04", length=None, wide=0):
    """
    The bytes of one frame. 'mask' None leaves it unmasked; 'length' lies about
    the payload's length; 'wide' 2 or 8 takes a longer length field than needed.
    """
    length = len(payload) if length is None else length
    head = bytearray([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0 if mask is None else 0x80
    if wide == 8 or (wide == 0 and length > 0xFFFF):
        head += bytes([bit | 127]) + struct.pack("!Q", length)
    elif wide == 2 or length > 125:
        head += bytes([bit | 126]) + struct.pack("!H", length)
    else:
        head.append(bit | length)
    if mask is None:
        return bytes(head) + payload
    stretched = (mask * (len(payload) // 4 + 1))[: len(payload)]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(stretched, "big")
    return bytes(head) + mask + masked.to_bytes(len(payload), "big")


class RawWebSocket:
    def __init__(self, reader, writer, url):
        self.reader, self.writer, self.url = reader, writer, url

    @classmethod
    async def dial(cls, url, ssl=None, sock=None):
        """Connects the socket, unless there is one; nothing is sent yet."""
        where = urlsplit(url)
        place = {"sock": sock} if sock is not None else {"host": where.hostname, "port": where.port}
        opening = asyncio.open_connection(ssl=ssl, **place)
        return cls(*await within(opening, f"connection to {url}"), url)

    @classmethod
    async def connect(cls, url, path="/", headers=(), ssl=None, sock=None):
        """Connects and upgrades."""
        self = await cls.dial(url, ssl, sock)
        status, answer = await self.upgrade(path, headers)
        if status != 101:
            raise AssertionError(f"status {status} instead of 101: {answer}")
        return self

    async def upgrade(self, path="/", headers=()):
        """Sends a correct upgrade request with extra headers; returns (status, headers by lower-case name)."""
        key = base64.b64encode(os.urandom(16))
        lines = [f"GET {path} HTTP/1.1", f"Host: {urlsplit(self.url).netloc}", "Upgrade: websocket",
                 "Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key.decode()}"]
        lines += [f"{name}: {value}" for name, value in headers]
        await self.send_bytes("\r\n".join(lines).encode() + b"\r\n\r\n")
        status, answer = await self.read_head()
        if status == 101:
            want = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()
            assert answer.get("sec-websocket-accept") == want, answer
        return status, answer

    async def read_head(self, seconds=SECONDS):
        """One HTTP response head: (status, headers by lower-case name)."""
        head = await within(self.reader.readuntil(b"\r\n\r\n"), "HTTP response", seconds)
        first, *rest = head.decode("latin-1").split("\r\n")[:-2]
        headers = dict((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in rest))
        return int(first.split()[1]), headers

    async def send_bytes(self, data, seconds=SECONDS):
        self.writer.write(data)
        await within(self.writer.drain(), "room to send", seconds)

    async def send_frame(self, opcode, payload=b"", **options):
        await self.send_bytes(frame(opcode, payload, **options))

    async def send_text(self, text, **options):
        await self.send_frame(TEXT, text.encode(), **options)

    async def read_frame(self, seconds=SECONDS):
        """(fin, opcode, payload), or None at the end of the stream."""

        async def read():
            try:
                first, second = await self.reader.readexactly(2)
                length = second & 127
                if length == 126:
                    (length,) = struct.unpack("!H", await self.reader.readexactly(2))
                elif length == 127:
                    (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
                assert not second & 0x80, "the server masked a frame"
                assert not first & 0x70, "a reserved bit without an extension"
                return bool(first & 0x80), first & 15, await self.reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                return None

        return await within(read(), "frame", seconds)

    async def read_message(self, seconds=SECONDS):
        """The payload of the next text message, or None at the end; pings are answered."""
        whole = b""
        while True:
            got = await self.read_frame(seconds)
            if got is None or got[1] == CLOSE:
                return None
            fin, opcode, payload = got
            if opcode == PING:
                await self.send_frame(PONG, payload)
            elif opcode in (TEXT, CONTINUATION):
                whole += payload
                if fin:
                    return whole

    async def read_close(self, seconds=SECONDS):
        """Reads on to the end: the code of the server's close frame, or None when there was none."""
        code = None
        while (got := await self.read_frame(seconds)) is not None:
            if got[1] == CLOSE and code is None:
                code = struct.unpack("!H", got[2][:2])[0] if len(got[2]) >= 2 else 1005
                await self.send_frame(CLOSE, got[2][:2])
        return code

    async def close(self):
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            pass
