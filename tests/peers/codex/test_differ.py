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
from differ_servers import Ours, on_pipes, on_web_sockets  # noqa: E402
from differ_side import Side  # noqa: E402

from px import tap  # noqa: E402
from px.tap import deadline  # noqa: E402

GROUPS = {"params": differ_params.cases, "files": differ_files.cases, "blocks": differ_blocks.cases,
          "process": differ_process.cases, "wire": differ_wire.cases}
# On pipes each connection has a server of its own, which takes its time to begin. What does not depend on the
# transport is there in samples.
PIPED = {"params": lambda: differ_params.cases()[::10], "files": lambda: differ_files.cases()[::60],
         "blocks": lambda: differ_blocks.cases()[::8], "process": lambda: differ_process.alone()[::3],
         "wire": differ_wire.lines}
AT_ONCE = 6  # cases of a group
SHOWN = 40  # differences of a test


class Pair:
    """Both servers, with the same environment and directory, begun by 'begin'."""

    def __init__(self, begin):
        self.begin = begin
        self.theirs = self.ours = None
        self.homes = []
        self.groups = set()

    async def start(self):
        if self.theirs is not None:
            return
        self.homes = [tempfile.mkdtemp(prefix="px-differ-home-") for _ in range(2)]
        self.theirs, self.ours = await self.begin(*self.homes)

    async def stop(self):
        if self.theirs is None:
            return
        try:
            await self.theirs.stop()
            await self.ours.stop()
        finally:
            for home in self.homes:
                shutil.rmtree(home, ignore_errors=True)

    async def play(self, case, function):
        """Both sides of one case; its differences."""
        sides = Side("theirs", self.theirs), Side("ours", self.ours)
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


def group(pair, where, name, cases):
    @deadline(600)
    async def test(t):
        await pair.start()
        if isinstance(pair.ours, Ours):
            t.watched.append(pair.ours.server)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(case, function):
            async with gate:
                return await pair.play(case, function)

        played = await asyncio.gather(*(one(*case) for case in cases()))
        pair.groups.add(name)
        left = unlisted([difference for differences in played for difference in differences], ROWS)
        told = "\n".join(f"{d.case}: {d.label} | {d.member}\n    theirs {d.theirs}\n    ours   {d.ours}" for d in left[:SHOWN])
        assert not left, f"{len(left)} differences that are not listed\n{told}"

    return f"differ {name}{where}", test


def last(web, pipes):
    async def nothing_is_listed_that_does_not_show(t):
        for pair in (web, pipes):
            await pair.stop()
        if web.groups == set(GROUPS) and pipes.groups == set(PIPED):  # else only some of them were asked for
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
    web, pipes = Pair(on_web_sockets), Pair(on_pipes)
    tests = [group(web, "", name, cases) for name, cases in GROUPS.items()]
    tests += [group(pipes, " on pipes", name, cases) for name, cases in PIPED.items()]
    return tap.main(tests + last(web, pipes))


if __name__ == "__main__":
    sys.exit(main())
