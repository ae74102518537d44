#!/usr/bin/python3
"""The sandbox that the Codex CLI asks for holds, and the model learns what it has denied."""

import contextlib
import os
import pathlib
import sys
import tempfile

from codex import sandboxed, working
from support import Watched, descendants

from px import tap

READ_ONLY = "Read-only file system"


@contextlib.contextmanager
def outside():
    """A folder that no sandbox of the CLI lets anybody write to; those of the tests are below /tmp, which it does."""
    with tempfile.TemporaryDirectory(prefix="px-test-", dir="/var/tmp") as folder:
        yield pathlib.Path(folder)


@contextlib.asynccontextmanager
async def confined(t, mode):
    """A CLI in a sandbox, and the home of its server."""
    with outside() as home:
        server = await t.server(listen=("ws",), env={**os.environ, "HOME": str(home)})
        async with working(t, server.url("ws"), mode=sandboxed(mode)) as codex:
            yield codex, home
        assert not list(home.iterdir())


async def denied(model, cmd, reason, **arguments):
    told = await model.run(cmd, **arguments)
    assert told.status not in (0, None) and reason in told.output, told


async def test_workspace_write(t):
    """The workspace and /tmp can be written, nothing else and no .git; there is no network."""
    async with confined(t, "workspace-write") as (codex, home):
        model = codex.model
        for tty in (False, True):
            told = await model.run("echo x >here && cat here && mktemp -u >/dev/null && t=$(mktemp) && rm $t; exit 3", tty=tty)
            assert (told.status, told.output.split()) == (3, ["x"]), told
            await denied(model, "touch ~/x", READ_ONLY, tty=tty)
            await denied(model, "touch /etc/px-test", READ_ONLY, tty=tty)
            await denied(model, "touch .git/config", READ_ONLY, tty=tty)
            await denied(model, f"ln -sf {home} away && touch away/x", READ_ONLY, tty=tty)
            # The CLI itself has just talked to this address.
            host, port = model.url.removeprefix("http://").removesuffix("/v1").split(":")
            await denied(model, f"exec 3<>/dev/tcp/{host}/{port}", "not permitted", tty=tty)
        assert (codex.work / "here").read_text() == "x\n" and not list((codex.work / ".git").iterdir())


async def test_patches(t):
    """A patch changes files of the workspace; neither a path nor a link leads one out of it, nor into .git."""
    async with confined(t, "workspace-write") as (codex, home):
        told = await codex.model.patch("*** Add File: new", "+x")
        assert "Success." in told.text and (codex.work / "new").read_text() == "x\n", told
        (codex.work / "away").symlink_to(home)
        (codex.work / "inside").symlink_to(".git")
        for path in (f"{home}/x", "away/x", ".git/x", "inside/x"):
            told = await codex.model.patch(f"*** Add File: {path}", "+x")
            assert "Success." not in told.text, told
        assert not list((codex.work / ".git").iterdir())


async def test_interactive(t):
    """Input, ^C and the statuses of signals are as without a sandbox."""
    async with confined(t, "workspace-write") as (codex, _):
        told = await codex.model.begin("read -r line; echo got $line; exit 5", tty=True)
        told = await codex.model.write(told.session, "yo\n")
        assert (told.status, told.output) == (5, "yo\r\ngot yo\r\n"), told
        for tty, echo in ((False, ""), (True, "^C")):
            told = await codex.model.begin("sleep 1000", tty=tty)
            told = await codex.model.write(told.session, "\x03")
            assert told.status == 130, told
            loop = "trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.1; done"
            told = await codex.model.begin(loop, "ready", tty=tty)
            told = await codex.model.write(told.session, "\x03")
            assert (told.status, told.output.split()) == (7, [echo + "caught"]), told


async def test_ends(t):
    """Whichever of both is killed, CLI or server: all that ran in the sandbox ends."""
    forever = "setsid sleep 100000 & sleep 100000 & echo ready; wait"
    server = await t.server("--detach-ttl-ms", 200, listen=("ws",))
    own = descendants(server.pid)
    async with working(t, server.url("ws"), mode=sandboxed("workspace-write")) as other:
        async with working(t, server.url("ws"), mode=sandboxed("workspace-write")) as codex:
            await codex.model.begin(forever, "ready")
            processes = Watched.all(descendants(server.pid) - own)
            assert len(processes) >= 3
            codex.kill()
            for process in processes:
                await process.gone()

        await other.model.begin(forever, "ready", tty=True)
        processes = Watched.all(descendants(server.pid) - own)
        assert len(processes) >= 3
        await server.kill()
        for process in processes:
            await process.gone()
        other.kill()


async def test_read_only(t):
    """Everything can be read and nothing written."""
    async with confined(t, "read-only") as (codex, _):
        (codex.work / "file").write_text("one\n")
        told = await codex.model.run("cat file")
        assert (told.status, told.output) == (0, "one\n"), told
        for place in ("here", "file", "~/x", "/tmp/px-test"):
            await denied(codex.model, f"echo two >>{place}", READ_ONLY)
        told = await codex.model.patch("*** Add File: here", "+x")
        assert "writing is blocked by read-only sandbox" in told.text, told
        assert (codex.work / "file").read_text() == "one\n" and not (codex.work / "here").exists()


async def test_ignored(t):
    """The operator's choice: unconfined, and the log says so each time."""
    server = await t.server("--codex-ignore-sandbox", listen=("ws",))
    async with working(t, server.url("ws"), mode=sandboxed("workspace-write")) as codex:
        told = await codex.model.run("touch .git/here; echo done")
        assert (told.status, told.output) == (0, "done\n"), told
        at, _ = await server.log_line(lambda line: " unconfined " in line)
        told = await codex.model.patch("*** Add File: new", "+x")
        await server.log_line(lambda line: " unconfined " in line, at + 1)
        assert (codex.work / "new").read_text() == "x\n", told
        assert (codex.work / ".git/here").exists()


async def test_without_bubblewrap(t):
    """The server cannot confine a program: it runs none, and the model learns why."""
    server = await t.server("--bwrap", "/not/there", listen=("ws",))
    async with working(t, server.url("ws"), mode=sandboxed("workspace-write")) as codex:
        told = await codex.model.run("touch here")
        assert told.status is None and "/not/there" in told.text, told
        assert [path.name for path in codex.work.iterdir()] == [".git"]


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
