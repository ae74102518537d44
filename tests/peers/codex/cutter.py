"""A proxy between the CLI and the server that cuts the TCP connections at one message (RFC 6455) of the session."""

import asyncio
import collections
import contextlib
import json
import struct
from urllib.parse import urlsplit

from px.deadline import within

CHUNK = 1 << 16
TEXT = 1


def _frame(data):
    """The first frame of 'data': (its length, opcode, payload); None when it is not complete."""
    if len(data) < 2:
        return None
    masked, length = data[1] & 0x80, data[1] & 0x7F
    start = {126: 4, 127: 10}.get(length, 2) + (4 if masked else 0)
    if len(data) < start:
        return None
    if length > 125:
        (length,) = struct.unpack_from("!H" if length == 126 else "!Q", data, 2)
    if len(data) < start + length:
        return None
    payload = bytes(data[start:start + length])
    if masked:
        mask = data[start - 4:start]
        payload = bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload))
    return start + length, data[0] & 15, payload


class Message:
    """
    One message of a session. 'name' is the method, also of a response, and the
    name of the file if it is about one; 'number' counts the requests of that
    name, 'index' all messages, each from 1.
    """

    def __init__(self, index, request, number, response):
        self.index, self.number, self.response = index, number, response
        self.method, self.name = request["method"], _name(request)

    def __repr__(self):
        return f"{self.name} ({self.number}){', the answer' if self.response else ''}, message {self.index}"


def _name(request):
    path = (request.get("params") or {}).get("path")
    return request["method"] + (f" {path.rpartition('/')[2]}" if path else "")


class Link:
    """A connection of the client and the one to the server that goes with it."""

    def __init__(self):
        self.writers, self.requests = [], {}

    def close(self):
        """What has been passed on still arrives, nothing follows."""
        for writer in self.writers:
            writer.close()


class Cutter:
    """
    Passes messages on, counting those of all connections and both directions.
    At those that 'where' accepts it cuts the connection: before the message has
    been passed on, or, with 'after', then. 'cut' is the last of them.
    """

    def __init__(self, target, where, after):
        self._target, self._where, self._after = urlsplit(target), where, after
        self.cut = None
        self._relays, self._changed = set(), asyncio.Condition()
        self._count, self._names = 0, collections.Counter()
        self._unfinished, self._back = 0, False

    @classmethod
    async def start(cls, target, where, after=False):
        self = cls(target, where, after)
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def close(self):
        self._server.close()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    async def settled(self):
        """
        Waits until the CLI has said all of what it has begun (it terminates
        each command, also those that have ended), or is back after a cut.
        """
        async with self._changed:
            await within(self._changed.wait_for(self._is_settled), "end of the messages")

    def _is_settled(self):
        return self._unfinished == 0 if self.cut is None else self._back

    async def _relay(self, reader, writer):
        relay = asyncio.current_task()
        self._relays.add(relay)
        link, ways = Link(), []
        link.writers.append(writer)
        try:
            there_reader, there_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
            link.writers.append(there_writer)
            ways = [asyncio.create_task(self._way(link, reader, there_writer)),
                    asyncio.create_task(self._way(link, there_reader, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except ConnectionError:
            pass  # the server has gone: the client sees the same
        finally:
            self._relays.discard(relay)
            for way in ways:
                way.cancel()
            link.close()

    async def _way(self, link, reader, writer):
        """One direction, until it ends or is cut."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            writer.write(await reader.readuntil(b"\r\n\r\n"))
            held = bytearray()
            while data := await reader.read(CHUNK):
                held += data
                while (found := _frame(held)) is not None and not writer.is_closing():
                    length, opcode, payload = found
                    frame = bytes(held[:length])
                    del held[:length]
                    cuts = opcode == TEXT and await self._take(link, json.loads(payload))
                    if not cuts or self._after:
                        writer.write(frame)
                    if cuts:
                        link.close()
                await writer.drain()

    async def _take(self, link, message):
        """Counts a message; whether to cut here."""
        response = "method" not in message
        if response:
            request, number = link.requests[message["id"]]
        else:
            request = message
            self._names[_name(message)] += 1
            number = self._names[_name(message)]
            link.requests[message.get("id")] = request, number
        self._count += 1
        one = Message(self._count, request, number, response)
        async with self._changed:
            self._unfinished += one.method == "process/start" and not response
            self._unfinished -= one.method == "process/terminate" and response
            self._back |= one.method == "initialized"
            cuts = self._where(one)
            if cuts:
                self.cut, self._back = one, False
            self._changed.notify_all()
        return cuts


@contextlib.asynccontextmanager
async def cutting(*args, **options):
    cutter = await Cutter.start(*args, **options)
    try:
        yield cutter
    finally:
        await cutter.close()
