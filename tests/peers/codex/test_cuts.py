#!/usr/bin/python3
"""The connection of the Codex CLI is cut, at every single message of a session in turn: it comes back, and goes on."""

import asyncio
import itertools
import sys

from codex import project, working
from cutter import cutting
from model import SHORT_MS
from support import serving

from px import tap
from px.tap import deadline

DETACHED_MS = 8000  # longer than any CLI needs to come back
AT_ONCE = 5  # CLIs

RULES = "Be kind to herons."
LOST = "exec-server transport disconnected"

# The requests that the CLI does not repeat when their answer, or they themselves, are lost: what
# the model is told then. It begins a command anew; what a patch has done before it failed stays.
NOT_REPEATED = {
    # Whether there is such a process is not known, so it is terminated.
    ("process/start", 1): LOST,
    ("process/start", 2): LOST,
    # A patch is first verified against the files,
    ("fs/readFile old", 1): "verification failed",
    ("fs/readFile gone", 1): "verification failed",
    # then done, one file after the other. To add one, it is written, with its folder if that is missing.
    ("fs/writeFile new", 1): "Failed to write file",
    ("fs/createDirectory folder", 1): "Failed to create parent directories",
    ("fs/writeFile new", 2): "Failed to write file",
    ("fs/readFile old", 2): "Failed to read file to update",
    ("fs/writeFile old", 1): "Failed to write file",
    ("fs/getMetadata gone", 2): "Failed to delete file",
    ("fs/remove gone", 1): "Failed to delete file",
}

# From its first look for the project to the content of its instructions, the CLI has requests under
# way, or sends them before it knows of the cut: the instructions may be missing then.
PROJECT, RULES_FILE = "fs/getMetadata .git", "fs/readFile AGENTS.md"

# What the CLI does beside its work, which may have requests under way at that time.
BESIDE = (PROJECT, "fs/getMetadata skills", "fs/watchMissing")

FILES = [  # as the patch goes on
    {"AGENTS.md": RULES, "old": "one\n", "gone": ""},
    {"AGENTS.md": RULES, "old": "one\n", "gone": "", "folder/new": "new\n"},
    {"AGENTS.md": RULES, "old": "1\n", "gone": "", "folder/new": "new\n"},
    {"AGENTS.md": RULES, "old": "1\n", "folder/new": "new\n"},
]


def files(work):
    return {str(path.relative_to(work)): path.read_text() for path in work.rglob("*") if path.is_file()}


class Session:
    """One session, cut at the first message that 'where' accepts; without 'after', before that is passed on."""

    def __init__(self, where, after=False):
        self._where, self._after = where, after
        self._reads_rules = self._has_rules = self._may_lack_rules = False

    def _cuts(self, message):
        if message.name == PROJECT and not self._has_rules:
            self._reads_rules = True
        cuts = self._where(message)
        self._may_lack_rules |= cuts and self._reads_rules
        if message.name == RULES_FILE and message.response:
            self._reads_rules, self._has_rules = False, True
        return cuts

    async def go(self, t, server):
        """The message at which it was cut, if it was."""
        self._work = project(t)
        for name, text in FILES[0].items():
            (self._work / name).write_text(text)
        async with cutting(server.url("ws"), self._cuts, self._after) as self._cutter:
            try:
                async with working(t, self._cutter.url, work=self._work) as codex:
                    self._model = codex.model
                    await self._talk()
            except Exception as failure:
                failure.add_note(f"cut {'behind' if self._after else 'before'} {self._cutter.cut}")
                raise
        return self._cutter.cut

    async def _talk(self):
        rules = (await self._model.listen()).text()
        assert self._may_lack_rules or RULES in rules, "no instructions"
        await self._patch()
        await self._command(self._terminal, 4, "yo\r\ngot yo\r\n")
        await self._command(lambda: self._model.run("echo one; exit 3"), 3, "one\n")

    async def _step(self, act):
        """What act() gives, and whether that has been lost, as the list above says, to a cut that came meanwhile."""
        await self._cutter.settled()
        was_cut = self._cutter.cut is not None
        told = await act()
        await self._cutter.settled()
        cut = self._cutter.cut
        if was_cut or cut is None:
            return told, False
        if cut.name in BESIDE:
            return told, any(text in told.text for text in NOT_REPEATED.values())
        text = NOT_REPEATED.get((cut.name, cut.number))
        assert text is None or text in told.text, told
        return told, text is not None

    async def _command(self, act, status, output):
        """A command, which the model gives again when it is told that its start was lost."""
        told, lost = await self._step(act)
        if lost:
            told, _ = await self._step(act)
        assert (told.status, told.output) == (status, output), told

    async def _terminal(self):
        told = await self._model.run("read -r line; echo got $line; exit 4", tty=True, yield_time_ms=SHORT_MS)
        if told.session is None:
            return told
        more = await self._model.write(told.session, "yo\n")
        more.output = told.output + more.output
        return more

    async def _patch(self):
        told, lost = await self._step(lambda: self._model.patch(
            "*** Add File: folder/new", "+new",
            "*** Update File: old", "@@", "-one", "+1",
            "*** Delete File: gone"))
        assert lost or "Success." in told.text, told
        assert files(self._work) in (FILES if lost else FILES[-1:]), files(self._work)


@deadline(600)
async def test_every_message(t):
    """Before each message, and behind those that the list names: nothing else is lost, and nothing is left behind."""
    async with serving(t, "--detach-ttl-ms", DETACHED_MS, listen=("ws",)) as server:
        behind = iter([*NOT_REPEATED, ("process/write", 1)])
        before = itertools.count(1)
        all_cut = False

        async def work():
            nonlocal all_cut
            for name in behind:
                session = Session(lambda message: (message.name, message.number) == name, after=True)
                assert await session.go(t, server) is not None, f"there was no {name}"
            for index in before:
                if all_cut:
                    break
                all_cut |= await Session(lambda message: message.index == index).go(t, server) is None

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def numbers(t, server, count, where):
    """What the model is told of a command that writes 'count' numbers while the connection is cut."""
    async with cutting(server.url("ws"), where) as cutter, working(t, cutter.url) as codex:
        told = await codex.model.run(f"seq -f %06g 0 {count - 1}; exit 5")
        await cutter.settled()
    assert told.status == 5 and f"Original token count: {count * 7 // 4}\n" in told.text, told.text[:200]
    return told.output, cutter.cut


def is_output(number):
    return lambda message: (message.name, message.number) == ("process/output", number)


@deadline(300)
async def test_amid_much_output(t):
    """3 MB come over several connections: the model is told of as many bytes, and shown the same."""
    async with serving(t, "--detach-ttl-ms", DETACHED_MS, listen=("ws",)) as server:
        plain, _ = await numbers(t, server, 430_000, lambda _: False)
        for number in (1, 2, 100, 300):
            output, cut = await numbers(t, server, 430_000, is_output(number))
            assert cut is not None and output == plain, output[:200]


@deadline(300)
async def test_amid_recovery(t):
    """The connection that follows a cut is cut as well, at each of the first messages: nothing is lost either."""

    def twice(second):
        first, since = is_output(20), None

        def where(message):
            nonlocal since
            if since is None:
                since = 0 if first(message) else None
                return since == 0
            since += 1
            return since == second

        return where

    async with serving(t, "--detach-ttl-ms", DETACHED_MS, listen=("ws",)) as server:
        plain, _ = await numbers(t, server, 100_000, lambda _: False)
        for second in range(1, 8):
            output, cut = await numbers(t, server, 100_000, twice(second))
            assert not is_output(20)(cut) and output == plain, (cut, output[:200])


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
