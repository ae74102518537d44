#!/usr/bin/python3
"""
Peers that say nothing, stop in the middle, never read, come in crowds or speak
another protocol. Each ends as it must, memory stays bounded, and a connection
over another transport does not notice.
"""

import asyncio
import contextlib
import json
import os
import socket
import sys
import zlib

from support import Session, b64, child, pty, refused, v1, within

from px import pattern, tap
from px.bystander import Bystander
from px.conn import parse
from px.rawstream import INITIALIZE, RawStream as Raw
from px.rawws import CLOSE, PING, TEXT, frame

INFO = b'{"id":1,"method":"server/info"}'
GARBAGE = b'{"id":'
HIGH_WATER = 65536


async def counts(bystander, **wanted):
    """Waits until the server counts so many connections, sessions, ..."""

    async def turn():
        while True:
            seen = (await bystander.conn.request("server/info"))["counts"]
            if {name: seen[name] for name in wanted} == wanted:
                return

    await within(turn(), f"counts {wanted}")


def both(test):
    """The test over either transport, the bystander on the other."""

    def make(scheme, other):
        async def one(t):
            await test(t, scheme, other)

        return f"{scheme} {test.__name__.replace('_', '-')}", one

    ALL.extend([make("unix", "ws"), make("ws", "unix")])
    return test


ALL = []


# Silence


@both
async def silence(t, scheme, other):
    """Nothing, half a message, a byte now and then: gone when the time for initialize is over; who has initialized stays."""
    server = await t.server("--initialize-timeout-ms", 400, listen=("unix", "ws"))
    async with Bystander(server, other) as bystander:
        stays = await Raw.initialized(server, scheme)
        peers = [await Raw.connect(server, scheme) for _ in range(20)]
        await peers[1].send(INITIALIZE[:20] if scheme == "unix" else b"GET / HT")
        over = asyncio.Event()

        async def drops():
            with contextlib.suppress(ConnectionError):
                while not over.is_set():
                    await peers[2].send(b" " if scheme == "unix" else b"G")
                    await bystander.echoes()

        task = asyncio.create_task(drops())
        for peer in peers:
            assert await peer.rest() == b""
        over.set()
        await task
        for peer in peers:
            peer.close()
        await counts(bystander, connections=2)
        await stays.send(stays.message(INFO))
        assert parse(await stays.receive())["id"] == 1


# The end in the middle


@both
async def half_closed(t, scheme, other):
    """The end of what the peer says is the end: what was answered still comes, what waits does not, its session goes."""
    server = await t.shared()
    async with Bystander(server, other):
        peer = await Raw.initialized(server, scheme)
        start = json.dumps({"id": "start", "method": "process/start", "params": {
            "sessionId": "s", "direct": {"argv": [child(), "no-read"]}, "io": {"pty": {"rows": 9, "cols": 9}}, "onDisconnect": "kill"}})
        wait = json.dumps({"id": "wait", "method": "process/wait", "params": {"sessionId": "s"}})
        await peer.send(b"".join(map(peer.message, (start.encode(), wait.encode(), INFO))) + peer.message(INFO)[:-1])
        peer.socket.shutdown(socket.SHUT_WR)
        said = await peer.rest()
        assert b'"id":"start"' in said and said.count(b'"id":1,') == 1 and b'"id":"wait"' not in said, said
        peer.close()


@both
async def reset(t, scheme, other):
    """A reset at every stage: the connection and its sessions go, whether they wait, write or read."""
    server = await t.server("--detach-ttl-ms", 0, listen=("unix", "ws"))
    starts = [{"direct": {"argv": argv}, "io": io} for argv, io in (
        ([child(), "no-read"], {"pty": {"rows": 9, "cols": 9}}), ([child(), "spew", "1000000000"], {"pipe": {"stdin": "closed"}}),
        ([child(), "spew", "1000000000"], {"pty": {"rows": 9, "cols": 9}}))]
    async with Bystander(server, other) as bystander:
        for data in (b"", b"G", b"GET / HTTP/1.1\r\n", INITIALIZE[:9]):
            peer = await Raw.connect(server, scheme)
            await peer.send(data)
            peer.reset()
        for start in starts:
            for last in (b"", INFO, json.dumps({"id": 9, "method": "process/wait", "params": {"sessionId": "s"}}).encode(),
                         json.dumps({"id": 9, "method": "process/write", "params": {"sessionId": "s", "chunk": "x" * 4_000_000}}).encode(),
                         json.dumps({"id": 9, "method": "process/terminate", "params": {"sessionId": "s"}}).encode()):
                for cut in (None, -1):
                    peer = await Raw.initialized(server, scheme)
                    params = {"sessionId": "s", **start}
                    await peer.send(peer.message(json.dumps({"id": 8, "method": "process/start", "params": params}).encode()))
                    await peer.receive()
                    await peer.send(peer.message(last)[:cut])
                    peer.reset()
        await counts(bystander, connections=1, workspaces=1, sessions=1, running=1)


@both
async def crowd(t, scheme, other):
    """Many that come and go at once, some without a word, some in the middle of one."""
    server = await t.server("--detach-ttl-ms", 0, listen=("unix", "ws"))
    async with Bystander(server, other) as bystander:

        async def one(i):
            if i % 4 == 0:
                peer = await Raw.initialized(server, scheme)
                await peer.send(peer.message(INFO) * (i % 7))
            else:
                peer = await Raw.connect(server, scheme)
                await peer.send(b"x" * (i % 3))
            (peer.reset if i % 2 else peer.close)()

        for _ in range(10):
            await asyncio.gather(*(one(i) for i in range(100)))
        await counts(bystander, connections=1, workspaces=1)


@both
async def too_many(t, scheme, other):
    """One connection more than max_connections is told so and ends; when one has gone, another may come."""
    server = await t.server("--max-connections", 4, listen=("unix", "ws"))
    async with Bystander(server, other) as bystander:
        held = [await Raw.initialized(server, scheme) for _ in range(2)] + [await Raw.connect(server, scheme)]
        await counts(bystander, connections=4)
        for _ in range(20):
            peer = await Raw.connect(server, scheme)
            said = await peer.rest()
            if scheme == "unix":
                answer = parse(said)
                assert answer["id"] is None and answer["error"]["code"] == -32008, answer
                assert answer["error"]["data"] == {"kind": "limitExceeded", "limit": "max_connections", "value": 4}, answer
            else:
                head, _, body = said.partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 503 ") and b"Content-Length: %d\r\n" % len(body) in head + b"\r\n", said
            peer.close()
        held.pop().close()
        await counts(bystander, connections=3)
        held.append(await Raw.initialized(server, scheme))
        await held[-1].send(held[-1].message(INFO))
        assert parse(await held[-1].receive())["id"] == 1


# Those that never read


async def queued(server):
    """The bytes that wait in the server for all peers together."""
    peer = await Raw.connect(server, "ws")
    await peer.send(b"GET /metrics HTTP/1.0\r\n\r\n")
    page = (await peer.rest()).decode()
    peer.close()
    return next(int(line.split()[1]) for line in page.splitlines() if line.startswith("ptyexec_outbound_queue_bytes "))


async def taken_in_order(peer, bystander, server, piece, biggest, expect):
    """Floods, looks at what waits, then reads: every request has its answer, in order."""
    n, missing = await peer.flood(piece, bystander)
    waiting = await queued(server)
    assert HIGH_WATER < waiting <= 2 * HIGH_WATER + biggest, f"{waiting} bytes wait"
    # There is room for it once nearly all is read, which takes as long as it takes.
    rest = asyncio.create_task(peer.send(missing + peer.message(b'{"id":"last","method":"no/such"}'), None))
    for i in range(n):
        expect(await peer.receive(), i)
    await rest
    assert parse(await peer.receive())["id"] == "last"


def answered_by(kind):
    def expect(message, i):
        answer = parse(message)
        assert answer.get("error", {}).get("data", {}).get("kind") == kind, (i, message[:200])

    return expect


@both
async def unread_errors(t, scheme, other):
    """Garbage without end, and nobody takes the errors."""
    server = await t.server("--outbound-high-water-bytes", HIGH_WATER, "--log-level", "warn", listen=("unix", "ws"))
    async with Bystander(server, other) as bystander:
        peer = await Raw.initialized(server, scheme)
        await taken_in_order(peer, bystander, server, peer.message(GARBAGE), 4096, answered_by("parseError"))


@both
async def unread_answers(t, scheme, other):
    """Requests with large answers, which nobody takes."""
    server = await t.server("--outbound-high-water-bytes", HIGH_WATER, listen=("unix", "ws"))
    async with Bystander(server, other) as bystander:
        peer = await Raw.initialized(server, scheme)
        start = {"sessionId": "s", "direct": {"argv": [child(), "spew", "1000000"]}, "io": {"pipe": {"stdin": "closed"}}}
        await peer.send(peer.message(json.dumps({"id": 1, "method": "process/run", "params": start}).encode()))
        assert parse(await peer.receive())["result"]["exitCode"] == 0
        # Padding, so that the flood is not as much larger again as the answers are.
        snapshot = {"id": 1, "method": "process/snapshot", "params": {"sessionId": "s", "padding": "x" * 500_000}}
        whole = b64(pattern.spew(1000000))

        def expect(message, i):
            assert parse(message)["result"]["stdout"] == whole, i

        await taken_in_order(peer, bystander, server, peer.message(json.dumps(snapshot).encode()), 3 * 1024 * 1024, expect)


async def test_unread_pongs(t):
    """Pings without end, and nobody takes the pongs."""
    server = await t.server("--outbound-high-water-bytes", HIGH_WATER, listen=("unix", "ws"))
    async with Bystander(server, "unix") as bystander:
        peer = await Raw.initialized(server, "ws")

        def expect(message, i):
            assert message == b"x" * 125, (i, message[:200])

        await taken_in_order(peer, bystander, server, frame(PING, b"x" * 125), 131072, expect)


@both
async def unread_output(t, scheme, other):
    """A program's output that nobody takes waits with the program; ended, read to the end, nothing is missing."""
    server = await t.server("--outbound-high-water-bytes", HIGH_WATER, listen=("unix", "ws"))
    size = 30_000_000
    async with Bystander(server, other) as bystander:
        conn = await v1(server, scheme)
        session = await Session.start(conn, "spew", size, io={"pipe": {"stdin": "closed"}})
        conn.pause()
        await bystander.echoes(20)
        assert await queued(server) <= 2 * HIGH_WATER + 1024 * 1024
        conn.resume()
        await session.closed()
        assert zlib.crc32(session.data()) == zlib.crc32(pattern.spew(size))


@both
async def batch_of_large_answers(t, scheme, other):
    """One batch asks for much over and over: past the bound its requests are refused, and not one is left without an answer."""
    server = await t.server("--max-message-bytes", "4M", listen=("unix", "ws"))
    async with Bystander(server, other):
        conn = await v1(server, scheme)
        spew = {"sessionId": "s", "direct": {"argv": [child(), "spew", "900000"]}, "io": {"pipe": {"stdin": "closed"}}}
        size = len((await conn.request("process/run", spew))["stdout"])
        snapshot = '{"id":%d,"method":"process/snapshot","params":{"sessionId":"s"}}'
        await conn.send_raw("[%s]" % ",".join(snapshot % i for i in range(1000, 1128)))
        answers = await conn.recv()
        assert [one["id"] for one in answers] == list(range(1000, 1128))
        whole = (4 << 20) // size + 1
        assert all(len(one["result"]["stdout"]) == size for one in answers[:whole])
        assert {one["error"]["data"]["kind"] for one in answers[whole:]} == {"overloaded"}
        assert len((await conn.request("process/snapshot", {"sessionId": "s"}))["stdout"]) == size


# Other protocols


async def test_other_protocols_on_the_unix_socket(t):
    """Bytes of any kind: each line that is not blank is answered, then comes an honest request."""
    server = await t.shared()
    noise = [b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
             b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\n",
             frame(TEXT, INITIALIZE) + b"\n", frame(CLOSE, b"\x03\xe8") + b"\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\xff" * 1000 + b"\n",
             b"\0" * 60_000 + b"\n", b"\n\n \t\r\n\r\r\n", b"Content-Length: 5\r\n\r\n{}", b"\n", bytes(range(256)) * 100 + b"\n"]
    noise += [os.urandom(20_000).replace(b"[", b"") + b"\n" for _ in range(20)]
    data = b"".join(noise)
    async with Bystander(server, "ws"):
        peer = await Raw.connect(server, "unix")
        sending = asyncio.create_task(peer.send(data))
        for line in data.split(b"\n")[:-1]:
            if line.strip(b" \t\r"):
                answer = parse(await peer.receive())
                assert answer["id"] is None and answer["error"]["code"] in (-32700, -32600), (line, answer)
        await sending
        await peer.send(peer.message(INITIALIZE))
        assert parse(await peer.receive())["id"] == 0
        peer.close()


async def test_endless_line(t):
    """A line that never ends: before initialize and after it, one error at the limit, then the end."""
    server = await t.server("--max-message-bytes", "1M", listen=("unix", "ws"))
    async with Bystander(server, "ws"):
        for connect, limit in ((Raw.connect, 65536), (Raw.initialized, 1 << 20)):
            for filler in (b"x", b" ", b"\0", b"\xff", b"["):
                peer = await connect(server, "unix")
                with contextlib.suppress(ConnectionError):
                    await peer.send(filler * (4 << 20))
                said = await peer.rest()
                answer = parse(said)
                assert answer["error"]["code"] == -32600 and str(limit) in answer["error"]["message"], answer
                peer.close()


@both
async def pipelined(t, scheme, other):
    """Ten thousand requests in one piece: as many answers, in order."""
    server = await t.shared()
    async with Bystander(server, other):
        peer = await Raw.initialized(server, scheme)
        data = b"".join(peer.message(b'{"id":%d,"method":"no/such"}' % i) for i in range(10_000))
        sending = asyncio.create_task(peer.send(data))
        for i in range(10_000):
            assert parse(await peer.receive())["id"] == i
        await sending
        peer.close()


# Much input


@both
async def paste(t, scheme, other):
    """10 MB in one write: every byte arrives, on pipes and on a terminal, and other requests go on meanwhile."""
    server = await t.shared()
    data = pattern.spew(10_000_000)
    async with Bystander(server, other):
        conn = await v1(server, scheme)
        for io in ({"pipe": {"stdin": "open"}}, pty(24, 80)):
            session = await Session.start(conn, *(["sink"] if "pipe" in io else ["raw-sink", len(data)]), io=io)
            if "pty" in io:
                await session.until("ready")
            writing = await session.ask("write", chunk=b64(data))
            closing = await session.ask("closeStdin") if "pipe" in io else None
            assert (await conn.request("server/info"))["name"] == "ptyexecd"
            assert (await within(writing, "end of the write"))["result"] == {"accepted": True}
            if closing is not None:
                assert (await within(closing, "end of input"))["result"] == {}
            await session.closed()
            assert f"{len(data)} bytes crc32 {zlib.crc32(data):08x}" in session.text(), session.text()


@both
async def paste_unread(t, scheme, other):
    """10 MB for a program that never reads: the write waits, a second is one too many, an end of the program answers."""
    server = await t.server("--max-message-bytes", "16M", listen=("unix", "ws"))
    chunk = b64(bytes(10_000_000))
    async with Bystander(server, other) as bystander:
        conn = await v1(server, scheme)
        session = await Session.start(conn, "no-read", io=pty(24, 80))
        await session.until("ready")
        writing = await session.ask("write", chunk=chunk)
        async with refused("overloaded", -32001):
            await session("write", chunk=chunk)
        await bystander.echoes(5)
        assert not writing.done()
        await session("terminate", mode="force")
        assert (await within(writing, "end of the write"))["error"]["data"]["kind"] == "stdinClosed"
        await session.closed()


if __name__ == "__main__":
    sys.exit(tap.main(tap.discover(globals()) + ALL, jobs=2))
