#!/usr/bin/python3
"""The sandbox that the Codex CLI asks for."""

import sys

from codex import sandboxed, working

from px import tap

async def test_refused(t):
    """The server cannot confine a program: it runs none and writes no file, and the model learns why."""
    server = await t.server(listen=("ws",))
    for mode in ("workspace-write", "read-only"):
        async with working(t, server.url("ws"), mode=sandboxed(mode)) as codex:
            told = await codex.model.run("touch here")
            assert told.status is None and "this server cannot confine a program" in told.text, told
            told = await codex.model.patch("*** Add File: here", "+x")
            assert "Success" not in told.text, told
            assert [path.name for path in codex.work.iterdir()] == [".git"]


async def test_ignored(t):
    """The operator's choice: unconfined, and the log says so of each command."""
    server = await t.server("--codex-ignore-sandbox", listen=("ws",))
    async with working(t, server.url("ws"), mode=sandboxed("workspace-write")) as codex:
        told = await codex.model.run("touch .git/here; echo done")
        assert (told.status, told.output) == (0, "done\n"), told
        await server.log_line(lambda line: "unconfined" in line)
        told = await codex.model.patch("*** Add File: new", "+x")
        assert (codex.work / "new").read_text() == "x\n", told
        assert (codex.work / ".git/here").exists()


if __name__ == "__main__":
    sys.exit(tap.main(globals(), jobs=2))
