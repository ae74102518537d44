#!/usr/bin/python3
"""
Sends the same requests to the CLI's own server and to ours, and compares the
answers member by member. What differs is in differ_known.py, each row with its
reason in protocol/codex.md: a difference that is not listed fails, and so does
a row that no longer shows. TAP on stdout; arguments are patterns of test names.

PX_CODEX names the CLI's launcher, PTYEXECD our server, PX_CHILD the puppet.
"""

import asyncio
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
sys.path[:0] = [os.path.join(ROOT, "tests", "lib"), HERE]

import differ_blocks  # noqa: E402
import differ_files  # noqa: E402
import differ_params  # noqa: E402
import differ_process  # noqa: E402
import differ_wire  # noqa: E402
from differ_compare import compare, reasons, unlisted  # noqa: E402
from differ_known import ROWS  # noqa: E402
from differ_side import Reference, Side, environment  # noqa: E402

from px import tap  # noqa: E402
from px.server import Server  # noqa: E402
from px.tap import deadline  # noqa: E402

GROUPS = {"params": differ_params, "files": differ_files, "blocks": differ_blocks, "process": differ_process,
          "wire": differ_wire}
AT_ONCE = 6  # cases of a group
SHOWN = 40  # differences of a test


class Pair:
    """Both servers, with the same environment and directory."""

    def __init__(self):
        self.theirs = self.ours = None
        self.homes = []
        self.groups = set()

    async def start(self):
        if self.theirs is not None:
            return
        self.homes = [tempfile.mkdtemp(prefix="px-differ-home-") for _ in range(2)]
        self.theirs = await Reference.start(self.homes[0], "/")
        self.ours = await Server.start(listen=("ws",), env=environment(self.homes[1]), cwd="/")

    async def stop(self):
        try:
            await self.theirs.stop()
            await self.ours.stop()
        finally:
            for home in self.homes:
                shutil.rmtree(home, ignore_errors=True)

    async def play(self, case, function):
        """Both sides of one case; its differences."""
        sides = (Side("theirs", self.theirs.url, self.homes[0]), Side("ours", self.ours.url("ws"), self.homes[1]))
        try:
            failures = await asyncio.gather(*(function(side) for side in sides), return_exceptions=True)
            for side, failure in zip(sides, failures):
                if failure is not None:
                    side.seen["failed"] = f"{type(failure).__name__}: {failure}"
            assert not all(failures), f"{case}: both: {failures}"
            return list(compare(case, *(side.seen for side in sides)))
        finally:
            for side in sides:
                await side.close()


def group(pair, name, module):
    @deadline(600)
    async def test(t):
        await pair.start()
        t.watched.append(pair.ours)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(case, function):
            async with gate:
                return await pair.play(case, function)

        played = await asyncio.gather(*(one(*case) for case in module.cases()))
        pair.groups.add(name)
        left = unlisted([difference for differences in played for difference in differences], ROWS)
        told = "\n".join(f"{d.case}: {d.label} | {d.member}\n    theirs {d.theirs}\n    ours   {d.ours}" for d in left[:SHOWN])
        assert not left, f"{len(left)} differences that are not listed\n{told}"

    return f"differ {name}", test


def last(pair):
    async def nothing_is_listed_that_does_not_show(t):
        await pair.stop()
        if pair.groups == set(GROUPS):  # else only some of them were asked for
            silent = [str(row) for row in ROWS if not row.shown]
            assert not silent, "no longer seen:\n" + "\n".join(silent)

    async def every_row_has_its_reason(t):
        with open(os.path.join(ROOT, "protocol", "codex.md"), encoding="utf-8") as file:
            there = reasons(file.read())
        missing = {row.row for row in ROWS if not any(reason.startswith(row.row) for reason in there)}
        assert not missing, f"not in the table of protocol/codex.md: {sorted(missing)}"

    return [("nothing is listed that does not show", nothing_is_listed_that_does_not_show),
            ("every difference has its reason", every_row_has_its_reason)]


def main():
    pair = Pair()
    return tap.main([group(pair, name, module) for name, module in GROUPS.items()] + last(pair))


if __name__ == "__main__":
    sys.exit(main())
