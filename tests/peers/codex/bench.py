#!/usr/bin/python3
"""
What a tool call costs as the model sees it: ./dev bench codex [PAIRS]

From the model's answer, which calls a tool, to the CLI's next request, which
has the result: with the CLI's own exec-server and with ours, in turn. Two CLIs
run all the time, one for each.
"""

import asyncio
import contextlib
import re
import statistics
import sys

from codex import program, working

from px import tap
from px.deadline import within
from px.server import Server, ended, send_signal, spawn

PAIRS = 100


async def begin(model):
    """What is measured assumes that a call has been made before."""
    told = await model.run("true")
    assert told.status == 0, told


async def command(model, **arguments):
    told = await model.run("true", **arguments)
    assert told.status == 0, told


async def terminal(model):
    await command(model, tty=True)


async def much(model, **arguments):
    told = await model.run("head -c 3000000 /dev/zero | tr '\\0' x", **arguments)
    assert "Original token count: 750000" in told.text, told.text[:200]


async def much_on_a_terminal(model):
    await much(model, tty=True)


async def patch(model):
    told = await model.patch("*** Add File: new/file", "+x", "*** Update File: old", "@@", "-a", "+b")
    assert "Success." in told.text, told


async def patch_back(model):
    told = await model.patch("*** Delete File: new/file", "*** Update File: old", "@@", "-b", "+a")
    assert "Success." in told.text, told


# (what, how it is done, what undoes it, the part of the pairs that is enough)
FIGURES = [
    ("exec_command true", command, None, 1),
    ("exec_command true, tty", terminal, None, 1),
    ("exec_command, 3 MB", much, None, 0.2),
    ("exec_command, 3 MB, tty", much_on_a_terminal, None, 0.2),
    ("apply_patch, 2 files", patch, patch_back, 0.5),
]


class Folders:
    """What Codex.start() needs of a test."""

    def __init__(self):
        self._context = tap.Context(None, "bench")
        self.folder = self._context.folder

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self._context.finish()


@contextlib.asynccontextmanager
async def own_server():
    """The CLI's own exec-server: its URL."""
    process = await spawn(program(), "exec-server", "--listen", "ws://127.0.0.1:0",
                          stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, start_new_session=True)
    try:
        line = await within(process.stdout.readline(), "URL of the CLI's server")
        yield re.search(rb"ws://\S+", line)[0].decode()
    finally:
        send_signal(process, 15)
        await ended(process)


@contextlib.asynccontextmanager
async def our_server():
    server = await Server.start(listen=("ws",))
    try:
        yield server.url("ws")
    finally:
        await server.stop()


async def measure(models, what, act, undo, pairs):
    """A line: the median of each, its greatest, and the median of the ratios."""
    seconds = [[], []]
    for pair in range(pairs):
        for which in (0, 1) if pair % 2 else (1, 0):
            await act(models[which])
            seconds[which].append(models[which].seconds)
            if undo is not None:
                await undo(models[which])
    ratio = statistics.median(ours / theirs for theirs, ours in zip(*seconds))
    columns = [f"{statistics.median(one) * 1000:8.1f} {sorted(one)[int(len(one) * 0.9)] * 1000:8.1f} {max(one) * 1000:8.1f}"
               for one in seconds]
    print(f"{what:26} {pairs:5}  {columns[0]}  {columns[1]}  {ratio:6.2f}", flush=True)


async def main(pairs):
    async with contextlib.AsyncExitStack() as stack:
        folders = await stack.enter_async_context(Folders())
        models = []
        for server in (own_server, our_server):
            url = await stack.enter_async_context(server())
            codex = await stack.enter_async_context(working(folders, url))
            (codex.work / "old").write_text("a\n")
            models.append(codex.model)
            await begin(codex.model)
        print(f"{'milliseconds':26} {'pairs':>5}  {'own server: median, 90 %, worst':>26}  {'ptyexecd':>26}  {'ratio':>6}")
        for what, act, undo, part in FIGURES:
            await measure(models, what, act, undo, max(int(pairs * part), 5))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS))
