#!/usr/bin/python3
"""The user's own server: started by whoever needs it first, found by all, ended when nobody does."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import sys

from cli import PIPE, nothing_left, program, ptyexec
from support import Watched, needs_root

from px import tap
from px.deadline import within
from px.server import adopted, binary, child, ended, spawn


class Home:
    """A user's runtime directory, and ptyexec in it."""

    def __init__(self, t, *flags, **more):
        self.runtime = t.folder()
        os.chmod(self.runtime, 0o700)
        self.folder = self.runtime + "/ptyexec"
        self.socket = self.folder + "/server.sock"
        self.env = {**os.environ, "XDG_RUNTIME_DIR": self.runtime, **more}
        for name in ("PTYEXEC_URL", "PTYEXEC_WORKSPACE"):
            self.env.pop(name, None)
        if flags:
            # The last of a flag that comes twice counts.
            self.env["PTYEXECD"] = self.runtime + "/server"
            with open(self.env["PTYEXECD"], "w") as f:
                f.write(f'#!/bin/sh\nexec {binary()} "$@" {" ".join(map(str, flags))}\n')
            os.chmod(self.env["PTYEXECD"], 0o700)

    async def __call__(self, *words, **options):
        """(status, stdout, stderr)"""
        return await ptyexec(*words, **{"env": self.env, "tidy": False, **options})

    async def out(self, *words, **options):
        status, out, err = await self(*words, **options)
        assert (status, err) == (0, b""), (words, status, out, err)
        return out

    async def json(self, *words, status=0):
        got, out, err = await self(*words, "--json")
        assert (got, err) == (status, b""), (words, got, out, err)
        return json.loads(out)

    async def fails(self, *words, status=125, **options):
        """One sentence on stderr."""
        got, out, err = await self(*words, **options)
        assert (got, out) == (status, b""), (words, got, out, err)
        assert err.startswith(b"ptyexec: ") and err.count(b"\n") == 1, err
        return err

    async def server(self):
        """The server's process."""
        return Watched((await self.json("server", "status"))["pid"])


@contextlib.asynccontextmanager
async def home(t, *flags, **more):
    """At the end the server is stopped, and nothing may be left."""
    self = Home(t, *flags, **more)
    try:
        yield self
    finally:
        status, _, err = await self("server", "stop", "--force")
    assert (status, err) == (0, b""), err
    await nothing_left()
    assert not os.path.exists(self.socket)


async def test_life(t):
    """It is not there, comes with the first session, is told about, and goes."""
    async with home(t) as px:
        status, out, err = await px("server", "status")
        assert (status, err) == (1, b"") and px.socket.encode() in out, out
        got = await px.json("server", "status", status=1)
        assert got == {"running": False, "url": "unix://" + px.socket}, got
        assert await px.out("ps") == await px.out("ps", "-a")
        assert (await px.json("ps", "-a")) == {"sessions": []}
        for words in (("logs", "x"), ("kill", "x"), ("wait", "x"), ("send", "x", "y"), ("rm", "x")):
            assert b"no session is named 'x'" in await px.fails(*words)
        assert b"does not run" in await px.fails("info")
        assert not os.path.exists(px.socket)

        assert await px.out("start", "-T", "--name", "x", "cat") == b"x\n"
        got = await px.json("server", "status")
        assert got["running"] and got["url"] == "unix://" + px.socket and got["counts"]["running"] == 1, got
        assert f"pid          {got['pid']}\n".encode() in await px.out("server", "status")
        info = (await px.out("info")).decode()
        assert "url          unix://" + px.socket in info and "maxProcesses " in info, info
        assert await px.out("server", "start") == await px.out("server", "status")
        server = await px.server()
        assert b"running: 1" in await px.fails("server", "stop")
        assert server.is_alive()
        await px.out("send", "x", "still here")
        await px.out("wait", "--match", "still here", "x")
        assert await px.out("server", "stop", "--force") == b""
        await server.gone()
        assert await px.out("server", "stop") == b""
        assert (await px.json("server", "start"))["counts"]["sessions"] == 0
        await px.out("start", "-T", "true")
        await px.out("wait", "true-1")
        assert await px.out("server", "stop") == b""  # what has ended holds nobody up


async def test_daemon(t):
    """It is nobody's child, has no terminal, nothing of ours open, and is for its user alone."""
    async with home(t) as px:
        assert await px.out("server", "start", cwd=px.runtime, preexec_fn=lambda: os.umask(0)) != b""
        pid = (await px.server()).pid
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        assert fields[1] == str(os.getpid()), "its parent is not whoever adopts orphans"
        assert fields[3] not in (str(pid), str(os.getsid(0))) and fields[4] == "0", fields
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        fds = {fd: os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        assert (fds["0"], fds["1"], fds["2"]) == ("/dev/null", "/dev/null", px.folder + "/server.log"), fds
        strange = [name for name in fds.values() if name.startswith(px.runtime) and not name.endswith("server.log")]
        assert not strange, fds
        for path, mode in ((px.folder, 0o700), (px.socket, 0o600), (px.folder + "/server.log", 0o600), (px.folder + "/lock", 0o600)):
            assert stat.S_IMODE(os.stat(path).st_mode) == mode, path


async def test_first_use_at_once(t):
    """Ten commands that find no server start one."""
    async with home(t) as px:
        names = await asyncio.gather(*(px.out("start", "-T", "sleep", "1000") for _ in range(10)))
        assert sorted(names) == sorted(b"sleep-%d\n" % n for n in range(1, 11)), names
        assert (await px.json("info"))["counts"]["running"] == 10
        started = [pid for pid in adopted() if "ptyexecd" == name_of(pid)]
        assert started == [(await px.server()).pid], started


def name_of(pid):
    with open(f"/proc/{pid}/comm") as f:
        return f.read().strip()


async def test_folder(t):
    """What others could meddle with is not used, and it is said why."""
    px = Home(t)

    async def refused(*parts):
        for words in (("start", "true"), ("ps",), ("server", "start"), ("server", "status"), ("logs", "x")):
            err = await px.fails(*words)
            assert all(part in err for part in (*parts, px.folder.encode())), err

    for mode in (0o770, 0o701, 0o755, 0o777):
        os.mkdir(px.folder)
        os.chmod(px.folder, mode)
        await refused(b"chmod 700")
        os.rmdir(px.folder)
    os.mkdir(px.runtime + "/elsewhere", 0o700)
    os.symlink(px.runtime + "/elsewhere", px.folder)
    await refused(b"no directory")
    os.unlink(px.folder)
    with open(px.folder, "w"):
        pass
    await refused(b"no directory")
    os.unlink(px.folder)
    os.mkdir(px.folder, 0o700)
    os.symlink("/tmp/nowhere", px.folder + "/lock")
    assert b"lock" in await px.fails("start", "true")
    os.unlink(px.folder + "/lock")
    px.env["XDG_RUNTIME_DIR"] = px.runtime + "/" + 100 * "x"
    os.mkdir(px.env["XDG_RUNTIME_DIR"], 0o700)
    assert b"too long" in await px.fails("start", "true")


@needs_root
async def test_folder_of_another(t):
    """One that belongs to somebody else is not used."""
    px = Home(t)
    os.mkdir(px.folder, 0o700)
    os.chown(px.folder, 12345, 12345)
    assert b"another user" in await px.fails("start", "true")


async def test_place(t):
    """Looking for a server makes nothing; where it would be is told."""
    px = Home(t)
    for variable, place in ((px.runtime, px.folder), *((other, f"/tmp/ptyexec-{os.geteuid()}") for other in ("", "relative", "/no/such"))):
        _, out, _ = await px("server", "status", "--json", env={**px.env, "XDG_RUNTIME_DIR": variable})
        assert json.loads(out)["url"] == f"unix://{place}/server.sock", (variable, out)
    assert not os.path.exists(px.folder)


def needs_others(test):
    """Nor is there one where other users may not write in /tmp, or not run what is tested."""
    paths = [os.path.dirname(path) for path in (program(), binary())]
    while any(path != "/" for path in paths):
        if not all(os.stat(path).st_mode & stat.S_IXOTH for path in paths):
            return None
        paths = [os.path.dirname(path) for path in paths]
    return test if os.stat("/tmp").st_mode & stat.S_IWOTH else None


@needs_others
@needs_root
async def test_without_runtime_directory(t):
    """Without XDG_RUNTIME_DIR, or with somebody else's: a folder in /tmp, with the same care."""
    user, place = 54321, "/tmp/ptyexec-54321"
    shutil.rmtree(place, ignore_errors=True)
    px = Home(t)

    def run(*words, **env):
        return px(*words, user=user, group=user, extra_groups=[], cwd="/", env={**px.env, **env})

    try:
        status, out, err = await run("server", "status")
        assert (status, err) == (1, b"") and place.encode() in out, (out, err)
        status, out, err = await run("start", "-T", "id", "-u", XDG_RUNTIME_DIR="")
        assert (status, out, err) == (0, b"id-1\n", b""), (status, out, err)
        assert os.stat(place).st_uid == user and stat.S_IMODE(os.stat(place).st_mode) == 0o700
        assert (await run("logs", "-f", "id-1", XDG_RUNTIME_DIR=""))[:2] == (0, b"54321\n")
        assert (await run("server", "stop", XDG_RUNTIME_DIR="")) == (0, b"", b"")
        await nothing_left()
    finally:
        shutil.rmtree(place, ignore_errors=True)


async def test_stale_socket(t):
    """A socket that nobody listens on is no obstacle; a file that is none is."""
    async with home(t) as px:
        os.mkdir(px.folder, 0o700)
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(px.socket)
        status, out, _ = await px("server", "status")
        assert status == 1, out
        await px.out("start", "-T", "true")
        await px.out("server", "stop", "--force")
        with open(px.socket, "w"):
            pass
        assert b"not a socket" in await px.fails("start", "true")
        os.unlink(px.socket)


async def test_not_a_server(t):
    """Somebody else who answers there."""
    px = Home(t)
    os.mkdir(px.folder, 0o700)

    async def babble(reader, writer):
        writer.write(b"220 hello\r\n")
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(babble, px.socket)
    async with server:
        for words in (("ps",), ("start", "true"), ("server", "status")):
            err = await px.fails(*words)
            assert px.socket.encode() in err, err


async def test_killed(t):
    """kill -9 of the server ends its sessions; who waits is told; the next command has a new one."""
    async with home(t) as px:
        await px.out("start", "-T", "--name", "tree", child(), "tree", "2")
        await px.out("wait", "--match", "ready", "tree")
        pids = [int(word) for word in (await px.out("logs", "tree")).split() if word.isdigit()]
        programs = Watched.all(pids)
        assert len(programs) >= 2, pids
        server = await px.server()
        follower = await spawn(program(), "logs", "-f", "tree", env=px.env, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        await within(follower.stdout.readline(), "output")
        os.kill(server.pid, signal.SIGKILL)
        await server.gone()
        for one in programs:
            await one.gone()
        assert await within(ended(follower), "end of logs") == 125
        assert (await follower.stderr.read()).startswith(b"ptyexec: ")
        assert b"no session" in await px.fails("logs", "tree")
        assert await px.out("start", "-T", "--name", "tree", "true") == b"tree\n"
        assert (await px("wait", "tree"))[0] == 0


async def test_idle(t):
    """Without connection and session it ends; with a session, be it one that has ended, it stays."""
    async with home(t, "--exit-when-idle-ms", 50) as px:
        await px.out("start", "-T", "--name", "x", "cat")
        server = await px.server()
        await px.out("wait", "--idle", 200, "x")
        await px.out("close-stdin", "x")
        assert (await px("wait", "x"))[0] == 0
        assert (await px.json("info"))["pid"] == server.pid
        await px.out("rm", "x")
        await server.gone()
        assert not os.path.exists(px.socket)
        assert (await px("server", "status"))[0] == 1
        await px.out("start", "-T", "--name", "x", "true")
        assert (await px.json("info"))["pid"] != server.pid


@tap.deadline(120)
async def test_ending_while_it_is_needed(t):
    """A server that ends at the very moment when commands come: each is served, by it or by the next."""
    async with home(t, "--exit-when-idle-ms", 1, "--exited-retention-ms", 0) as px:
        async def use(name):
            for n in range(12):
                assert await px.out("start", "-T", "--name", f"{name}-{n}", "true") == f"{name}-{n}\n".encode()

        await asyncio.gather(use("a"), use("b"), use("c"))


async def test_context(t):
    """Programs have the environment, directory and umask of whoever starts them, not of the server's first user."""
    async with home(t) as px:
        await px.out("server", "start", env={**px.env, "WHOSE": "server"})
        env = {os.fsencode(k): os.fsencode(v) for k, v in px.env.items() if k in ("XDG_RUNTIME_DIR", "PTYEXECD", "ASAN_OPTIONS")}
        env.update({b"PATH": b"/usr/bin:/bin", b"EMPTY": b"", b"A": b"b=c \xc3\xbc", b"LATIN": b"caf\xe9"})
        assert await px.out("start", "-T", "--name", "env", child(), "env", env=env) == b"env\n"
        assert (await px("wait", "env"))[0] == 0
        del env[b"LATIN"]  # cannot be sent
        assert sorted((await px.out("logs", "env")).splitlines()) == sorted(k + b"=" + v for k, v in env.items())
        os.mkdir(px.runtime + "/sub")
        for words, folder in (((), px.runtime), (("--cwd", "sub"), px.runtime + "/sub"), (("--cwd", "/"), "/")):
            await px.out("start", "-T", "--name", "pwd", *words, "sh", "-c", "pwd -P; umask", cwd=px.runtime,
                         preexec_fn=lambda: os.umask(0o027))
            assert (await px("wait", "pwd"))[0] == 0
            assert (await px.out("logs", "pwd")).decode().split() == [folder, "0027"]
            await px.out("rm", "pwd")
        status, _, err = await px("start", "-T", "echo", os.fsdecode(b"caf\xe9"))
        assert status == 125 and b"UTF-8" in err, err


async def test_no_server(t):
    """One that cannot be started is named, and so is the reason."""
    for path, text in (("/no/such/server", b"No such file"), ("/etc/passwd", b"Permission denied"), ("/bin/false", b"ended at once"),
                       ("/bin/true", b"ended at once")):
        px = Home(t, PTYEXECD=path)
        for words in (("start", "true"), ("server", "start")):
            err = await px.fails(*words)
            assert text in err and path.encode() in err, err
        assert (await px("ps"))[0] == 0  # which needs none
        await nothing_left()
    px = Home(t, "--no-such-flag")
    assert b"no-such-flag" in await px.fails("start", "true")
    await nothing_left()


async def test_server_of_another_path(t):
    """PTYEXECD may be relative; without it the one beside the binary is taken."""
    async with home(t) as px:
        px.env["PTYEXECD"] = os.path.relpath(binary(), px.runtime)
        await px.out("start", "-T", "true", cwd=px.runtime)
        await px.out("server", "stop", "--force")
        del px.env["PTYEXECD"]
        os.mkdir(px.runtime + "/bin")
        os.symlink(binary(), px.runtime + "/bin/ptyexecd")
        shutil.copy(program(), px.runtime + "/bin/ptyexec")
        process = await spawn(px.runtime + "/bin/ptyexec", "server", "start", env=px.env, stdout=PIPE, stderr=PIPE)
        out, err = await within(process.communicate(), "end of ptyexec")
        assert await within(ended(process), "end of ptyexec") == 0 and b"ptyexecd" in out, err
        with open(f"/proc/{(await px.server()).pid}/cmdline", "rb") as f:
            assert px.socket.encode() in f.read()


async def test_other_servers(t):
    """--url and PTYEXEC_URL name another server, which is neither started nor stopped from here."""
    px = Home(t)
    server = await t.server(listen=("unix", "ws"))
    for scheme in ("unix", "ws"):
        url = server.url(scheme)
        assert (await px.json("info", "--url", url))["pid"] == server.pid
        assert (await px.json("--url", url, "server", "status"))["url"] == url
        other = {**px.env, "PTYEXEC_URL": url}
        name = f"on-{scheme}\n".encode()
        assert await px.out("start", "-T", "--name", f"on-{scheme}", "sh", "-c", "echo done", env=other) == name
        assert await px.out("wait", f"on-{scheme}", env=other) == b""
        assert await px.out("logs", f"on-{scheme}", env=other) == b"done\n"
        await px.out("rm", f"on-{scheme}", env=other)
        for verb in ("start", "stop"):
            assert url.encode() in await px.fails("server", verb, status=2, env=other)
    assert not os.path.exists(px.folder)
    for url, text in (("unix:///no/such/socket", b"/no/such/socket"), ("http://localhost", b"http://localhost"), ("ws://127.0.0.1:1", b"127.0.0.1:1")):
        assert text in await px.fails("ps", "--url", url)


async def test_interrupted_start(t):
    """^C while a server is started leaves no lock behind and, at most, a server."""
    async with home(t) as px:
        for _ in range(5):
            process = await spawn(program(), "start", "-T", "true", env=px.env, stdin=PIPE, stdout=PIPE, stderr=PIPE)
            os.kill(process.pid, signal.SIGINT)
            assert await within(ended(process), "end of ptyexec") in (0, -signal.SIGINT)
        assert await px.out("start", "-T", "--name", "x", "true") == b"x\n"


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
