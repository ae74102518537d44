#!/usr/bin/python3
"""The ways to name the server to the Codex CLI, and several CLIs with one."""

import asyncio
import json
import sys

from codex import working
from support import Watched, serving

from px import tap
from px.server import binary
from px.tap import deadline

CLIS = 4


def environments(**members):
    """An environments.toml with one environment, and none of the CLI's own."""
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in members.items())
    return f'default = "box"\ninclude_local = false\n[[environments]]\nid = "box"\n{lines}\n'


async def test_url(t):
    server = await t.server(listen=("ws",))
    async with working(t, environments=environments(url=server.url("ws"))) as codex:
        told = await codex.model.run("echo $PPID; exit 3")
        assert (told.status, told.output) == (3, f"{server.pid}\n"), told


async def test_program(t):
    """The CLI starts the server, which ends with it and takes along what still runs."""
    async with working(t, environments=environments(program=binary(), args=["--listen", "stdio://"])) as codex:
        told = await codex.model.begin("cat", tty=True)
        told = await codex.model.begin("setsid sleep 100000 & echo $PPID $$ $! ready; wait", "ready")
        *pids, _ = told.output.split()
        processes = Watched.all(map(int, pids))
        assert len(processes) == 3, pids
        told = await codex.model.patch("*** Add File: new", "+x")
        assert (codex.work / "new").read_text() == "x\n", told
    for process in processes:
        await process.gone()


async def test_no_server(t):
    """Without a server no command is run at all, and none on the CLI's own machine."""
    server = await t.server(listen=("ws",))
    url = server.url("ws")
    await server.stop()
    for how in ({"url": url}, {"environments": environments(url=url)}):
        async with working(t, **how) as codex:
            told = await codex.model.run("touch there")
            print("#", told)
            assert told.status is None and list(codex.work.iterdir()) == [codex.work / ".git"], told


@deadline(300)
async def test_several(t):
    """CLIs on one server at the same time: each has its own processes, all are told of the right ones."""
    async with serving(t, listen=("ws",)) as server:
        met = asyncio.Barrier(CLIS)

        async def one(number):
            async with working(t, server.url("ws")) as codex:
                told = await codex.model.begin(f"while read -r line; do echo {number} $line; done; exit {number}", tty=True)
                await met.wait()  # all have one that runs
                told = await codex.model.write(told.session, "word\n\x04")
                assert (told.status, told.output.split("\r\n")) == (number, ["word", f"{number} word", ""]), told
                told = await codex.model.run(f"seq {number}000 {number}999; pwd")
                assert told.output.split() == [*map(str, range(number * 1000, (number + 1) * 1000)), str(codex.work)]

        await asyncio.gather(*(one(number) for number in range(1, CLIS + 1)))


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
