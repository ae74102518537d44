#!/usr/bin/python3
"""The dialect codex where a dialogue does not reach: cuts under load, back-pressure, many processes at once."""

import os
import random
import sys
import urllib.parse

from codex import CHUNK_MAX, MB, Client, Process, held_back, program_of
from support import Watched, b64, child, descendants, refused, unb64

from px import pattern, tap
from px.tap import deadline

OTHER_REQUESTS = (
    ("environment/status",),
    ("fs/getMetadata", {"path": "file:///"}),
    ("process/terminate", {"processId": "none"}),
    ("process/read", {"processId": "deaf"}),
)


class Spew(Process):
    """One that writes the pattern: what has come is compared and forgotten."""

    def __init__(self, client, name):
        super().__init__(client, name)
        self.came = 0

    def _output(self, chunk):
        data = unb64(chunk["chunk"])
        assert 0 < len(data) <= CHUNK_MAX and chunk["stream"] == "stdout", (len(data), chunk["stream"])
        assert data == pattern.spew(len(data), self.came), f"{self.name}: other bytes from {self.came} on"
        self.came += len(data)

    def bytes(self):
        return self.came


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


@deadline(240)
async def test_many_at_once(t):
    """
    30 programs write 20 MB each at the same time, one does not read the 1 MB that is written to it: all of it comes,
    in order, and whatever is asked meanwhile is answered before the end of the flood.
    """
    count, each = 30, 2 * MB if os.environ.get("PTYEXECD_WRAPPER") else 20 * 1000 * 1000
    client = Client(await t.server("--stdin-queue-bytes", 4096, listen=("ws",)))
    client.kind = Spew
    await client.connect()
    deaf = await client.start("deaf", "sleep", "100000", pipeStdin=True)
    unread = await client.conn.ask("process/write", {"processId": "deaf", "chunk": b64(bytes(MB)), "writeId": "1"})
    processes = [await client.start(f"p{i}", child(), "spew", str(each)) for i in range(count)]
    asked = 0
    while any(not process.closed for process in processes):
        asked += 1
        await client.until_bytes(asked * count * each // 20)
        answer = await client.conn.ask(*OTHER_REQUESTS[asked % len(OTHER_REQUESTS)])
        while not answer.done() and any(not process.closed for process in processes):
            await client.take()
        # What is asked in the second half of the flood may find nothing left of it.
        assert answer.done() or asked > 10, f"request {asked} was answered behind the whole flood"
        assert "result" in await answer, await answer
    assert asked > 10 and all(process.bytes() == each and process.exit_code == 0 for process in processes)
    assert not unread.done()
    assert await client.conn.request("process/terminate", {"processId": "deaf"}) == {"running": True}
    assert (await unread)["result"] == {"status": "accepted"}
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
    # More than the queue takes was left behind, and comes first.
    await process.until(lambda p: p.bytes() >= len(data))
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
    assert len(left) >= 3, left
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
