#!/usr/bin/python3
"""A file system that does not answer holds up those who asked it, and nobody else."""

import os
import signal
import sys

from files import OLD, V1, in_both
from hung import can_hang, hung_files
from support import children, needs_native, run, unb64, until, within

from px import tap

THREADS = 4  # by default; one connection has one less


async def well_served(files, folder):
    """Small things are done to files elsewhere, and programs run."""
    await files("writeFile", f"{folder}/file", OLD)
    assert unb64((await files("readFile", f"{folder}/file"))[files.chunk]) == OLD
    assert "file" in await files.listed(folder)


@in_both
async def opened(t, dialect):
    """More connections than there are threads wait for it, end, and come again: others are served all the time."""
    folder, place = t.folder(), t.folder()
    server = await t.server()
    other = await dialect.connect(server)
    async with hung_files(place) as hung:
        for round in range(1, 3):
            victims = [await dialect.connect(server) for _ in range(2 * THREADS)]
            asked = []
            for files in victims:
                asked += [await files.ask("readFile", f"{place}/open") for _ in range(THREADS)]
            await well_served(other, folder)
            # Each has one thread at least, in the end.
            await within(hung.holding(2 * THREADS * round), "requests that hang")
            await well_served(other, folder)
            if round == 1:
                for files in victims:
                    await files.conn.cut()
        await well_served(await dialect.connect(server), folder)
        assert not any(one.done() for one in asked)
    for one in asked:
        error = (await within(one, "answer"))["error"]
        # What began late found nothing there any more.
        assert error["data"]["kind"] in ("ioError", "noSuchFile"), error
    for files in victims:
        await well_served(files, folder)


@in_both
async def read_and_closed(t, dialect):
    """The end of a connection waits for no file that it had open, nor does the close of one that it asked for."""
    folder, place = t.folder(), t.folder()
    server = await t.server()
    other = await V1.connect(server)
    async with hung_files(place) as hung:
        for count, end in enumerate(("cut", "close", "close and cut", "read and cut"), 1):
            files = await dialect.connect(server)
            name = "read" if "read" in end else "flush"
            await files("open", f"{place}/{name}", handleId="h")
            if "close" in end:
                await files.ask("close", handleId="h")
            if "read" in end:
                await files.ask("readBlock", handleId="h", offset=0, **{files.length: 4})
                await within(hung.holding(count), "reading that hangs")
            if "cut" in end:
                await files.conn.cut()
            await within(hung.holding(count), f"request that hangs, {end}")
            await well_served(other, folder)
            session = await run(other.conn, "exit", 3)
            assert session.output.exited["exitCode"] == 3


def wasteful():
    """An environment in which a sanitized server may leave memory behind, as it does with a thread."""
    return dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")


@in_both
async def ended(t, dialect):
    """The server's end waits for it for a while, and goes on; what is over by then is over."""
    observer = (await V1.connect(await t.server())).conn
    for name, refused in (("flush", False), ("open", True)):
        place = t.folder()
        server = await t.server(env=wasteful())
        async with hung_files(place) as hung:
            files = await dialect.connect(server)
            asked = await files.ask("open", f"{place}/{name}", handleId="h")
            if not refused:
                await within(asked, "answer")
            else:
                await within(hung.holding(1), "opening that hangs")
            os.kill(server.pid, signal.SIGTERM)
            await within(hung.holding(1), "request that hangs")
            await server.log_line(lambda line: "info disconnect" in line)
            if refused:
                hung.refuse()
            # The guardian goes when nothing else is left to do.
            await until(observer, lambda _: not children(server.pid), "end of the guardian")
        await server.stop()


if can_hang():
    test_opened, test_read_and_closed = opened, read_and_closed
    test_ended = needs_native(ended)


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
