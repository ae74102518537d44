#!/usr/bin/python3
"""The dialect codex: sessions that are taken over, what is over, and ends without a word."""

import asyncio
import random
import signal
import sys

from codex import FOREVER, MB, SMALL, Client, Proxy, a_client, complete, ended_with_all, held_back, program_of
from support import Watched, child, descendants, needs_native, refused, shell, until, v1, wrapper

from px import tap
from px.conn import Ended
from px.server import send_signal
from px.tap import deadline


# Taken over


@deadline(60)
async def test_taken_over_with_a_full_queue(t):
    """The old connection is half-open and full: the new one has everything, and the old one goes."""
    server = await t.server(listen=("ws",))
    observer = await v1(server)
    async with Proxy.to(server) as proxy:
        client = await a_client(server, to=proxy.url)
        process = await client.start("p", child(), "spew", FOREVER)
        await process.until(lambda p: p.bytes() >= MB)
        proxy.freeze()
        await held_back(program_of(server))
        old, client.plain = client.conn, {}
        client.drain()
        await client.come_back()
        await ended_with_all(process, process.bytes() + MB)
        await until(observer, lambda counts: counts["connections"] == 2, "end of the old connection")
        await old.close()


@deadline(60)
async def test_racing_resumes(t):
    """Many resume the same session at once: the last one has it, the others are ended, and nothing is lost."""
    total = 8 * MB
    server = await t.server(*SMALL, listen=("ws",))
    client = await a_client(server)
    process = await client.start("p", child(), "spew", str(total))
    for _ in range(8):
        place = process.bytes() + MB // 2
        await process.until(lambda p, place=place: p.closed or p.bytes() >= place)
        client.drain()
        racers = [Client(server, plain={}) for _ in range(5)]
        for racer in racers:
            racer.session = client.session
        await asyncio.gather(*(racer.connect() for racer in racers), return_exceptions=True)
        await client.cut()
        await client.come_back()
        for racer in racers:
            if racer.conn is not None:
                await racer.conn.end()
    await process.until(lambda p: p.closed)
    complete(process, total)


@deadline(60)
async def test_resume_while_requests_wait(t):
    """A reading, a write, a start and work on files of the old connection: the first ends, the others have happened or not."""
    server = await t.server("--stdin-queue-bytes", 4096, listen=("ws",))
    client = await a_client(server)
    await client.start("deaf", "sleep", "100000", pipeStdin=True)
    conn = client.conn
    waiting = [await conn.ask("process/read", {"processId": "deaf", "afterSeq": 0, "waitMs": 100000}),
               await conn.ask("process/write", {"processId": "deaf", "chunk": "A" * 80000, "writeId": "1"})]
    for i in range(50):
        waiting.append(await conn.ask("fs/walk", {"path": "file:///usr/lib", "options": {
            "maxDepth": 6, "maxDirectories": 2000, "maxEntries": 20000, "followDirectorySymlinks": True,
            "pruneHiddenDirectories": True}}))
    waiting.append(await client.ask_start("late", child(), "spew", "100000"))
    other = Client(server, plain={})
    other.session = client.session
    other.processes = client.processes
    for process in client.processes.values():
        process.client = other
    await other.connect()
    await conn.end()
    for one in waiting:
        assert one.done()
    late = client.processes["late"]
    answer = await (await other.conn.ask("process/read", {"processId": "late"}))
    if "result" in answer:
        late.recover(answer["result"])
        await late.until(lambda p: p.closed)
        complete(late, 100000)
    else:
        assert answer["error"]["message"] == "unknown process id late"
    assert await other.conn.request("process/terminate", {"processId": "deaf"}) == {"running": True}
    await other.processes["deaf"].until(lambda p: p.closed)


@deadline(60)
async def test_input_left_behind(t):
    """Writes that ended connections left waiting stay, but not without bound: more is refused, not accepted and lost."""
    server = await t.server("--stdin-queue-bytes", 65536, listen=("ws",))
    client = await a_client(server)
    await client.start("deaf", "sleep", "100000", pipeStdin=True)
    waiting = await client.conn.ask("process/write", {"processId": "deaf", "chunk": "A" * 400000, "writeId": "1"})
    await client.conn.request("environment/status")
    assert not waiting.done()
    await client.cut()
    await client.connect()
    async with refused("overloaded", -32001):
        await client.write("deaf", b"more", "2")
    assert await client.write("deaf", b"again", "1") == {"status": "accepted"}
    assert await client.conn.request("process/terminate", {"processId": "deaf"}) == {"running": True}
    await client.processes["deaf"].until(lambda p: p.closed)
    assert await client.write("deaf", b"more", "2") == {"status": "accepted"}


# What is over


@deadline(60)
async def test_closed_are_bounded(t):
    """Of processes that have closed the oldest go when all keep too much, but none of which something was not read."""
    server = await t.server("--codex-closed-bytes", 3 * MB, listen=("ws",))
    client = await a_client(server)
    for i in range(8):
        process = await client.start(f"p{i}", child(), "spew", str(MB))
        await process.until(lambda p: p.closed)
    await client.conn.request("environment/status")

    async def known():
        answers = [await (await client.conn.ask("process/read", {"processId": f"p{i}"})) for i in range(8)]
        return ["result" in answer for answer in answers]

    while len([one for one in await known() if one]) > 3:
        pass
    kept = await known()
    assert kept == sorted(kept) and kept[-1], kept
    # Nobody has read these.
    client.conn.transport.mute = True
    for i in range(8, 16):
        await client.start(f"p{i}", child(), "spew", str(MB))
    await client.cut()
    client.plain = {}
    await client.come_back()
    for process in client.processes.values():
        await process.until(lambda p: p.closed)
        complete(process, MB)


# Few descriptors


@needs_native
@deadline(60)
async def test_few_descriptors(t):
    """A server that has no descriptor left refuses starts, keeps what it has, and is come back to."""
    with wrapper("prlimit", "--nofile=64:64"):
        server = await t.server(*SMALL, listen=("ws",))
    client = await a_client(server)
    refusals = 0
    for i in range(40):
        response = await (await client.ask_start(f"p{i}", *shell("$child spew 300000; exec sleep 100000")))
        if "error" in response:
            assert response["error"]["data"]["kind"] in ("spawnFailed", "internalError", "limitExceeded"), response
            del client.processes[f"p{i}"]
            refusals += 1
        if i % 10 == 9:
            await client.cut()
            await client.come_back()
    assert refusals > 0 and client.processes
    for process in client.processes.values():
        await ended_with_all(process, 300000)


# kill -9


@deadline(60)
async def test_server_killed(t):
    """Nothing that the server has started outlives it, and the next server knows no session."""
    server = await t.server(listen=("ws",))
    own = set(descendants(server.pid))
    client = await a_client(server)
    await client.start("a", child(), "spew", FOREVER)
    await client.start("b", "sh", "-c", "setsid sleep 100000 & sleep 100000")
    await client.start("c", child(), "no-read", tty=True)
    left = Watched.all(descendants(server.pid))
    assert len(left) > len(own)
    send_signal(server.process, signal.SIGKILL)
    for one in left:
        await one.gone()
    await server.kill()
    client.server = await t.server(listen=("ws",))
    async with refused("unknownToken", -32600):
        await client.connect()


async def busy(client):
    """Starts, writes and comes back until the server is gone."""
    try:
        for i in range(10**6):
            name = f"{client.session}-{i}"
            argv = random.choice([[child(), "spew", FOREVER], [child(), "tree", "3"], [child(), "setsid-child"], [child(), "daemonize"]])
            await client.start(name, *argv, tty=random.random() < 0.5)
            if i % 3 == 2:
                await client.conn.request("process/terminate", {"processId": name})
            if i % 7 == 6:
                await client.cut()
                await client.come_back()
    except (Ended, OSError, asyncio.IncompleteReadError):
        return


@deadline(120)
async def test_server_killed_at_any_moment(t):
    """While clients start and end and come back: nothing of what was started stays."""
    for moment in (0.1, 0.3, 0.7, 1.5):
        server = await t.server(*SMALL, listen=("ws",))
        clients = [await a_client(server) for _ in range(3)]
        working = [asyncio.ensure_future(busy(client)) for client in clients]
        await asyncio.sleep(moment)
        # Stopped, so that what it has begun is all that there is.
        send_signal(server.process, signal.SIGSTOP)
        left = Watched.all(descendants(server.pid))
        send_signal(server.process, signal.SIGKILL)
        for one in left:
            await one.gone()
        await server.kill()
        await asyncio.gather(*working)


@deadline(60)
async def test_client_killed(t):
    """A client that is killed with all buffers full leaves nothing behind when its time is over."""
    server = await t.server("--detach-ttl-ms", 300, "--shutdown-grace-period-ms", 100, listen=("ws",))
    own = set(descendants(server.pid))
    client = await a_client(server)
    for i in range(5):
        await client.start(f"p{i}", child(), "spew", FOREVER)
        await client.start(f"t{i}", child(), "tree", "3", tty=True)
    client.conn.pause()
    await held_back(max(descendants(server.pid) - own))
    left = Watched.all(descendants(server.pid) - own)
    assert len(left) >= 10
    client.conn.transport.cut()
    for one in left:
        await one.gone()


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
