#!/usr/bin/python3
"""The dialect codex across lost connections: what a client has not read is kept, however it got lost."""

import random
import sys

from codex import FOREVER, MB, SMALL, Proxy, a_client, complete, ended_with_all, held_back, program_of
from support import Watched, child, children

from px import tap
from px.tap import deadline


# What is under way


@deadline(60)
async def test_more_under_way_than_is_kept(t):
    """Whatever the network has taken and the client has not read is still there when the client comes back."""
    server = await t.server(listen=("ws",))
    async with Proxy.to(server) as proxy:
        client = await a_client(server, to=proxy.url)
        process = await client.start("p", child(), "spew", FOREVER)
        await process.until(lambda p: p.bytes() >= MB)
        proxy.hold()
        await held_back(program_of(server))
        await client.cut()
        client.plain = {}
        await client.come_back()
    seen = process.bytes()
    assert seen > 4 * MB, seen
    await ended_with_all(process, seen + MB)


@deadline(120)
async def test_small_buffer(t):
    """With a buffer smaller than any socket's, cut again and again, also before the recovery was read."""
    total = 12 * MB
    server = await t.server(*SMALL, listen=("ws",))
    chance = random.Random(7)
    client = await a_client(server)
    process = await client.start("p", child(), "spew", str(total))
    for place in sorted(chance.randrange(total) for _ in range(25)):
        await process.until(lambda p, place=place: p.bytes() >= place or p.closed)
        await client.cut()
        for _ in range(chance.randrange(3)):
            await client.come_back_in_vain(chance.choice([0, 0.001, 0.01, 1]))
        await client.come_back()
    await process.until(lambda p: p.closed)
    complete(process, total)


@deadline(60)
async def test_reading_piece_by_piece(t):
    """A recovery in small pieces, cut in between: each piece that was read makes room, and no other."""
    server = await t.server(*SMALL, listen=("ws",))
    client = await a_client(server)
    process = await client.start("p", child(), "spew", FOREVER)
    pid = program_of(server)
    await process.until(lambda p: p.bytes() >= MB)
    await client.cut()
    await held_back(pid)
    for _ in range(4):
        await client.connect()
        answer = await client.read(process, maxBytes=10000)
        assert [chunk["seq"] for chunk in answer["chunks"]] == [process.last + 1]
        answer.update(exited=False, closed=False)
        process.recover(answer)
        await client.conn.cut()
    await client.come_back()
    await ended_with_all(process, process.bytes() + MB)


@deadline(120)
async def test_slow_reader(t):
    """A client that reads slowly holds the program back, and is never in want of anything."""
    total = 3 * MB
    server = await t.server(*SMALL, listen=("ws",))
    client = await a_client(server, rcvbuf=4096)
    process = await client.start("p", child(), "spew", str(total))
    pid = program_of(server)
    while not process.closed:
        client.conn.pause()
        await held_back(pid)
        client.conn.resume()
        before = process.bytes()
        await process.until(lambda p, before=before: p.closed or p.bytes() >= before + MB)
    complete(process, total)


# Who answers no ping


@deadline(120)
async def test_mute_client(t):
    """One that answers no ping has its output all the same, and after a cut what is kept by the rule for it."""
    total = 24 * MB
    server = await t.server(listen=("ws",))
    client = await a_client(server, mute=True, rcvbuf=MB)
    process = await client.start("p", child(), "spew", str(total))
    for place in (MB, 9 * MB, 17 * MB):
        await process.until(lambda p, place=place: p.bytes() >= place)
        await client.cut()
        await client.come_back()
        assert client.conn.transport.pings == 1
    await process.until(lambda p: p.closed)
    complete(process, total)


@deadline(60)
async def test_client_that_falls_silent(t):
    """One that has answered and does not any more is waited for as long as one that is gone, and heard when it speaks."""
    server = await t.server(*SMALL, "--detach-ttl-ms", 500, listen=("ws",))
    client = await a_client(server)
    process = await client.start("p", child(), "spew", FOREVER)
    await process.until(lambda p: p.bytes() >= MB)
    client.conn.transport.mute = True
    await ended_with_all(process, 3 * MB)


# Nobody there


@deadline(60)
async def test_small_chunks_are_joined(t):
    """50,000 writes of one byte while nobody is there use up few numbers, and none is lost, with a small buffer too."""
    script = "import os, sys\nsys.stdin.buffer.read(1)\nfor i in range(50000): os.write(1, b'%d' % (i % 10))"
    for flags in ((), SMALL):
        server = await t.server(*flags, listen=("ws",))
        client = await a_client(server)
        process = await client.start("p", sys.executable, "-c", script, pipeStdin=True)
        pid = max(children(server.pid))
        await client.conn.ask("process/write", {"processId": "p", "chunk": "eA==", "writeId": "1"})
        await client.conn.request("environment/status")
        await client.cut()
        if not flags:
            await Watched(pid).gone()
        await client.come_back()
        assert process.last < 3000, process.last
        await process.until(lambda p: p.closed)
        assert bytes(process.streams["stdout"]) == b"0123456789" * 5000


@deadline(120)
async def test_many_with_unread_output(t):
    """200 programs that write, each with a small buffer, across a cut and a half-open end."""
    count, each = 200, 150000
    server = await t.server(*SMALL, listen=("ws",))
    async with Proxy.to(server) as proxy:
        client = await a_client(server, to=proxy.url)
        for i in range(count):
            await client.start(f"p{i}", child(), "spew", str(each + i))
        proxy.leave()
        await client.cut()
        await client.come_back()
        await client.cut()
        await client.come_back()
        for i, process in enumerate(list(client.processes.values())):
            await process.until(lambda p: p.closed)
            complete(process, each + i)


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
