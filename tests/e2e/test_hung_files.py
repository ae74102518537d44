#!/usr/bin/python3
"""A file system that does not answer holds up those who asked it, and nobody else."""

import sys

from files import OLD, V1, in_both
from hung import can_hang, hung_files
from support import run, unb64, within

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


if can_hang():
    test_opened, test_read_and_closed = opened, read_and_closed


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
