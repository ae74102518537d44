#!/usr/bin/python3
"""A Codex CLI or its server ends where it should not: nothing is left behind, and the other one goes on."""

import asyncio
import contextlib
import random
import signal
import sys

from codex import Codex, working
from cutter import cutting
from model import Hung
from support import Watched, serving

from px import tap
from px.server import send_signal
from px.tap import deadline

# A command with a child, and with one in a session of its own; they end when they are killed.
FAMILY = "sleep 100000 & echo $! >>pids; setsid sleep 100000 & echo $! >>pids; echo $$ >>pids; echo ready; "
VICTIMS, AT_ONCE = 12, 3


def family(work):
    """The processes of FAMILY commands that have begun."""
    with contextlib.suppress(FileNotFoundError):
        return Watched.all(int(word) for word in (work / "pids").read_text().split())
    return []


async def work_on(model):
    """What a CLI does until it is killed."""
    await model.listen()
    while True:
        told = await model.begin(FAMILY + "wait", "ready")
        await model.run("seq 1 100000; echo x >x", tty=True)
        await model.patch("*** Add File: new/file", "+x", "*** Delete File: x")
        await model.write(told.session, "\x03")
        told = await model.begin(FAMILY + "read -r line", "ready", tty=True)
        await model.write(told.session, "\n")


@deadline(300)
async def test_client_killed(t):
    """SIGKILL at any message: another CLI works on meanwhile, and all that the dead one began is soon gone."""
    dice = random.Random("kill")
    moments = iter([dice.randrange(1, 150) for _ in range(VICTIMS)])
    async with serving(t, "--detach-ttl-ms", 200, listen=("ws",)) as server, working(t, server.url("ws")) as other:
        told = await other.model.begin("while read -r line; do echo $line; done", tty=True)

        async def victim(moment):
            codex = None

            def look(message):
                if message.index == moment:
                    codex.kill()
                return False

            async with cutting(server.url("ws"), look) as cutter:
                codex = await Codex.start(t, cutter.url)
                try:
                    await work_on(codex.model)
                except Hung:
                    assert await codex.wait() == -signal.SIGKILL, codex.log()
                finally:
                    await codex.clear()
            for process in family(codex.work):
                await process.gone()

        async def one_after_the_other():
            for moment in moments:
                await victim(moment)

        await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
        echo = await other.model.write(told.session, "still\n", yield_time_ms=250)
        await other.model.until("still\r\nstill\r\n", echo)


@deadline(300)
async def test_server_killed(t):
    """SIGKILL amid a command, and a new server on the port: the command has failed, and the next one works."""
    server = await t.server(listen=("ws",))
    url = server.url("ws")
    async with working(t, url) as codex:
        for tty in (False, True):
            told = await codex.model.begin(FAMILY + "wait", "ready", tty=tty)
            processes = family(codex.work)
            assert processes
            waiting = asyncio.create_task(codex.model.write(told.session, ""))
            send_signal(server.process, signal.SIGKILL)
            for process in processes:
                await process.gone()
            await server.kill()
            server = await t.server(listen=(url,))
            told = await waiting
            assert told.session is None and told.status is None, told
            assert "exec-server transport disconnected" in told.text, told
            told = await codex.model.run("echo again", tty=tty)
            assert (told.status, told.output.split()) == (0, ["again"]), told
            (codex.work / "pids").unlink()


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
