#!/usr/bin/python3
"""The dialect codex where a dialogue does not reach: cuts under load, back-pressure, many processes at once."""

import asyncio
import random
import sys

from codex import MB, Client, held_back, program_of
from support import Watched, b64, child, descendants, refused, unb64

from px import pattern, tap
from px.tap import deadline


@deadline(120)
async def test_cuts_under_load(t):
    """A program that writes as fast as it can, and a connection cut again and again: nothing is missing."""
    total = 24 * MB
    for scheme in ("ws", "unix"):
        client = Client(await t.server(listen=(scheme,)), scheme)
        await client.connect()
        process = await client.start("p", child(), "spew", str(total))
        for place in sorted(random.Random(scheme).randrange(total) for _ in range(12)):
            await process.until(lambda p, place=place: p.bytes() >= place)
            await client.cut()
            await client.come_back()
        await process.until(lambda p: p.closed)
        assert bytes(process.streams["stdout"]) == pattern.spew(total)
        assert process.exit_code == 0


@deadline(60)
async def test_cut_while_not_reading(t):
    """A client that has read nothing for a while, with all buffers on the way full, is cut off: it still has it all."""
    total = 40 * MB
    server = await t.server(listen=("ws",))
    client = Client(server)
    await client.connect()
    process = await client.start("p", child(), "spew", str(total))
    await process.until(lambda p: p.bytes() >= 4 * MB)
    client.conn.pause()
    await held_back(program_of(server))
    await client.cut()
    await client.come_back()
    await process.until(lambda p: p.closed)
    assert bytes(process.streams["stdout"]) == pattern.spew(total)


async def test_detached_program_is_held_back(t):
    """Nobody is there: a program that writes without end stops in time, and nothing of what it wrote is lost."""
    server = await t.server(listen=("ws",))
    client = Client(server)
    await client.connect()
    process = await client.start("p", child(), "spew", str(10**12))
    await process.until(lambda p: p.bytes() >= MB)
    await client.cut()
    await held_back(program_of(server))
    await client.come_back()
    before = process.bytes()
    await process.until(lambda p: p.bytes() >= before + 3 * MB)
    assert bytes(process.streams["stdout"]) == pattern.spew(process.bytes())
    assert await client.conn.request("process/terminate", {"processId": "p"}) == {"running": True}
    await process.until(lambda p: p.closed)
    assert process.exit_code == 137


@deadline(120)
async def test_many_at_once(t):
    """30 programs write at the same time, one of them does not read its input: all of it comes, in order."""
    count, each = 30, 2 * MB
    client = Client(await t.server("--stdin-queue-bytes", 4096, listen=("ws",)))
    await client.connect()
    deaf = await client.start("deaf", "sleep", "100000", pipeStdin=True)
    unread = asyncio.ensure_future(client.write("deaf", bytes(MB), "1"))
    processes = [await client.start(f"p{i}", child(), "spew", str(each)) for i in range(count)]
    for process in processes:
        await process.until(lambda p: p.closed)
        assert bytes(process.streams["stdout"]) == pattern.spew(each)
        assert await client.conn.request("environment/status") == {"status": "ready"}
    assert not unread.done()
    assert await client.conn.request("process/terminate", {"processId": "deaf"}) == {"running": True}
    assert await unread == {"status": "accepted"}
    await deaf.until(lambda p: p.closed)


async def test_input_across_a_cut(t):
    """A write that was not answered is repeated under its id, and is written once."""
    client = Client(await t.server("--stdin-queue-bytes", 4096, listen=("ws",)))
    await client.connect()
    process = await client.start("p", "sh", "-c", "read go; cat", pipeStdin=True)
    data = pattern.spew(300000)
    await client.write("p", b"go\n", "0")
    await client.conn.ask("process/write", {"processId": "p", "chunk": b64(data), "writeId": "1"})
    await client.cut()
    await client.come_back()
    assert await client.write("p", data, "1") == {"status": "accepted"}
    assert await client.write("p", b"end", "2") == {"status": "accepted"}
    await process.until(lambda p: p.bytes() >= len(data) + 3)
    assert bytes(process.streams["stdout"]) == data + b"end"


async def test_expiry(t):
    """A session whose client does not come back ends with all that it started, and is unknown then."""
    server = await t.server("--detach-ttl-ms", 100, "--shutdown-grace-period-ms", 100, listen=("ws",))
    own = set(descendants(server.pid))
    client = Client(server)
    await client.connect()
    process = await client.start("p", "sh", "-c", "setsid sleep 100000 & sleep 100000 & echo $!; sleep 100000")
    await process.until(lambda p: p.bytes() > 0)
    left = Watched.all(descendants(server.pid) - own)
    await client.cut()
    for one in left:
        await one.gone()
    async with refused("unknownToken", -32600):
        await client.connect()


async def test_large_answer(t):
    """What is kept comes in one answer, however large it is."""
    client = Client(await t.server("--codex-replay-bytes", 16 * MB, listen=("ws",)))
    await client.connect()
    process = await client.start("p", child(), "spew", str(12 * MB))
    await process.until(lambda p: p.closed)
    answer = await client.conn.request("process/read", {"processId": "p"})
    assert b"".join(unb64(chunk["chunk"]) for chunk in answer["chunks"]) == pattern.spew(12 * MB)



async def test_ignored_sandbox_in_the_log(t):
    """What goes on unconfined is named, a file by its path, and nothing of what is written."""
    server = await t.server("--codex-ignore-sandbox", listen=("ws",))
    conn = await server.connect()
    await conn.initialize_codex()
    path = f"{t.folder()}/a b"
    await conn.request("fs/writeFile", {"path": f"file://{urllib.parse.quote(path)}", "dataBase64": b64("secret" * 1000),
                                        "sandbox": {"permissions": {"type": "managed"}}})
    _, line = await server.log_line(lambda line: " unconfined " in line)
    assert line.endswith(f' subject="{path}" reason=codex_ignore_sandbox'), line

if __name__ == "__main__":
    sys.exit(tap.main(globals()))
