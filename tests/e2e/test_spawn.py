#!/usr/bin/python3
"""Starting: what a program is given, and how a start that fails is told."""

import os
import shutil
import signal
import subprocess
import sys

from support import (NO_INPUT, PIPES, PTY, child, exists, holdings, needs_native, needs_root, pty, refused, run,
                     serving, shell, start, status, v1, wrapper)

from px import tap

IDS = ("terminal", "session leader", "group leader", "foreground")
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_terminal(t):
    """On a PTY: a session of its own, its controlling terminal, in its foreground, on all three descriptors."""
    async with serving(t) as server:
        session = await run(await v1(server), "ctty", io=PTY)
        assert session.text() == "".join([f"{what} yes\n" for what in IDS] + [f"fd {i} tty yes\n" for i in range(3)])


async def test_no_terminal(t):
    """On pipes: a process group of its own, and no terminal, whatever the server has."""
    async with serving(t) as server:
        session = await run(await v1(server), "ctty", io=PIPES)
        assert "terminal no\n" in session.text() and "group leader yes\n" in session.text(), session.text()
        assert session.text().endswith("".join(f"fd {i} tty no\n" for i in range(3)))


async def test_size_first(t):
    """The window has its size before the program begins, at both ends of the range."""
    async with serving(t) as server:
        conn = await v1(server)
        for rows, cols in ((33, 101), (1, 1), (65535, 65535)):
            session = await start(conn, "size", io=pty(rows, cols))
            await session.until("\n")
            assert session.text() == f"{rows}x{cols}\n", session.text()
            await session("terminate", mode="force")
            await session.closed()


async def test_descriptors(t):
    """Nothing above 2 is open, whatever the server itself holds or was started with."""
    with wrapper("sh", "-c", 'exec 3</dev/null 7</dev/zero 9<>/dev/full; exec "$@"', "sh"):
        async with serving(t, listen=("unix", "ws")) as server:
            conn = await v1(server)
            await v1(server, "ws")
            others = [await start(conn, "echo", io=io) for io in (PTY, PIPES, PTY, PIPES)]
            fds = await run(conn, "fds", io=PTY)
            terminals = [line.split(" ", 1) for line in fds.text().splitlines()]
            assert [number for number, _ in terminals] == ["0", "1", "2"], fds.text()
            assert len({target for _, target in terminals}) == 1 and "/pts/" in terminals[0][1], fds.text()

            fds = await run(conn, "fds", io=PIPES)
            pipes = [line.split(" ", 1) for line in fds.text().splitlines()]
            assert [number for number, _ in pipes] == ["0", "1", "2"], fds.text()
            assert len({target for _, target in pipes}) == 3, fds.text()
            assert all(target.startswith("pipe:") for _, target in pipes), fds.text()

            fds = await run(conn, "fds", io=NO_INPUT)
            assert fds.text().startswith("0 /dev/null\n") and fds.text().count("\n") == 3, fds.text()
            for other in others:
                await other("terminate", mode="force")


async def test_closed_standard_descriptors(t):
    """A server started with descriptors 0 and 1 closed gives its children three good ones all the same."""
    with wrapper("sh", "-c", 'exec "$@" <&- >&-', "sh"):
        async with serving(t) as server:
            conn = await v1(server)
            for io in (PTY, PIPES, NO_INPUT):
                session = await run(conn, "fds", io=io)
                assert [line.split()[0] for line in session.text().splitlines()] == ["0", "1", "2"], session.text()


async def test_streams_apart(t):
    """stdout and stderr do not mix, and each keeps its order."""
    async with serving(t) as server:
        session = await run(await v1(server), "both", 2000)
        for stream, first, word in (("stdout", 0, b"out"), ("stderr", 1, b"err")):
            assert session.data(stream) == b"".join(b"%s %d\n" % (word, i) for i in range(first, 2000, 2)), stream


async def test_exact_arguments(t):
    """argv arrives byte for byte; arg0 takes the place of its first, and the program stays the same."""
    words = ["", "two words", "tab\tnew\\line", "\"'$HOME`*", "--", "", "\u00e4\u20ac\U0001f600", "x" * 100000]
    async with serving(t) as server:
        conn = await v1(server)
        session = await run(conn, "argv", *words)
        assert session.text() == "".join(f"[{i}]={word}\n" for i, word in enumerate(words))
        assert (await run(conn, "arg0")).text() == f"{child()}\n"
        for arg0 in ("-login", "", "no such file"):
            assert (await run(conn, "arg0", arg0=arg0)).text() == f"{arg0}\n"


async def test_exact_environment(t):
    """The environment is what the caller says and nothing else."""
    mine = {"A": "1", "EMPTY": "", "EQUALS": "a=b=", "WORDS": "two words\u20ac", "LONG": "y" * 100000}
    async with serving(t) as server:
        conn = await v1(server)
        assert (await run(conn, "env")).text() == ""
        session = await run(conn, "env", env=mine)
        assert session.text() == "".join(f"{name}={value}\n" for name, value in mine.items())


@needs_native
async def test_inherited_environment(t):
    """Who wants it has the server's environment beneath its own, all of it and nothing else."""
    env = {name: value for name, value in os.environ.items() if "\n" not in value}
    env |= {"PX_BENEATH": "seen", "PX_COVERED": "no"}
    async with serving(t, env=env) as server:
        session = await run(await v1(server), "env", env={"PX_COVERED": "yes", "PX_OWN": ""}, inheritEnv=True)
        want = {**env, "PX_COVERED": "yes", "PX_OWN": ""}
        assert sorted(session.text().splitlines()) == sorted(f"{name}={value}" for name, value in want.items())


async def test_trace_context(t):
    """A request's trace context is in the child's environment, unless the caller's has one; a malformed one is not."""
    async with serving(t) as server:
        conn = await v1(server)
        trace = {"traceparent": TRACEPARENT, "tracestate": "vendor=1"}
        session = await run(conn, "env", trace=trace, env={"A": "b"})
        assert session.text() == f"A=b\nTRACEPARENT={TRACEPARENT}\nTRACESTATE=vendor=1\n", session.text()
        session = await run(conn, "env", trace=trace, env={"TRACEPARENT": "mine"})
        assert session.text() == "TRACEPARENT=mine\nTRACESTATE=vendor=1\n", session.text()
        session = await run(conn, "env", trace={"traceparent": TRACEPARENT[:-1], "tracestate": "vendor=1"})
        assert session.text() == "", session.text()


async def test_working_directory(t):
    """The directory is the one asked for, by default the server's; the server itself goes nowhere."""
    mine, servers = t.folder(), t.folder()
    async with serving(t, cwd=servers) as server:
        conn = await v1(server)
        assert (await run(conn, "cwd", cwd=mine)).text() == f"{mine}\n"
        assert (await run(conn, "cwd")).text() == f"{servers}\n"
        assert os.readlink(f"/proc/{server.pid}/cwd") == servers


async def test_path(t):
    """A name without a slash is looked up in the PATH that the child will have, as execvp(3) does."""
    folder, cwd = t.folder(), t.folder()
    for name in ("first", "second", "third"):
        os.mkdir(f"{folder}/{name}")
    os.symlink(child(), f"{folder}/second/px-tool")
    os.symlink(child(), f"{cwd}/px-here")
    with open(f"{folder}/first/px-tool", "w") as f:
        f.write("not executable")
    shutil.copy(f"{folder}/first/px-tool", f"{folder}/first/px-denied")
    path = f"{folder}/none:{folder}/first:{folder}/second"

    async def arg0(conn, **direct):
        session = await start(conn, io=NO_INPUT, **direct)
        return (await session.closed())["exitCode"], session.text()

    async with serving(t, env=dict(os.environ, PATH=f"{folder}/second:/usr/bin:/bin")) as server:
        conn = await v1(server)
        assert await arg0(conn, argv=["px-tool", "arg0"], env={"PATH": path}) == (0, "px-tool\n")
        async with refused("spawnFailed") as error:  # the server's own PATH has it
            await start(conn, argv=["px-tool", "arg0"], env={})
        assert error["errno"] == "ENOENT", error
        async with refused("spawnFailed") as error:
            await start(conn, argv=["px-denied"], env={"PATH": path})
        assert error["errno"] == "EACCES", error
        assert await arg0(conn, argv=["true"], env={}) == (0, "")
        assert await arg0(conn, argv=["px-here", "arg0"], env={"PATH": f"{folder}/none:"}, cwd=cwd) == (0, "px-here\n")
        async with refused("spawnFailed"):
            await start(conn, argv=["px-here", "arg0"], env={"PATH": f"{folder}/none"}, cwd=cwd)
        assert await arg0(conn, argv=["./px-here", "arg0"], env={"PATH": path}, cwd=cwd) == (0, "./px-here\n")


async def test_signals_default(t):
    """Every disposition is the default and no signal is blocked, however the server was started."""
    with wrapper("env", "--ignore-signal=INT,QUIT,USR1,CHLD", "--block-signal=USR2,ALRM,CHLD"):
        async with serving(t) as server:
            conn = await v1(server)
            for io in (PTY, PIPES):
                session = await run(conn, "sigmask", io=io)
                assert session.text() == "end\n", session.text()


@needs_native
async def test_umask_and_limits(t):
    """umask and limits are those asked for, soft and hard, and otherwise those the server was started with."""

    def limits(session):
        return {name: (int(soft), int(hard)) for name, soft, hard in
                (line.split() for line in session.text().splitlines())}

    asked = {"cpuSeconds": 7, "memoryBytes": 1 << 30, "openFiles": 50, "fileSizeBytes": 4096}
    with wrapper("sh", "-c", 'umask 027; ulimit -Sn 333; exec "$@"', "sh"):
        async with serving(t) as server:
            conn = await v1(server)
            assert (await run(conn, "umask")).text() == "0027\n"
            assert (await run(conn, "umask", umask=0)).text() == "0000\n"
            assert (await run(conn, "umask", umask=0o777)).text() == "0777\n"
            for io in (PTY, PIPES):
                plain = limits(await run(conn, "limits", io=io))
                assert plain["openFiles"][0] == 333, plain
                assert plain["cpuSeconds"][0] == -1 and plain["memoryBytes"][0] == -1, plain
                got = limits(await run(conn, "limits", io=io, rlimits=asked))
                assert {name: got[name][0] for name in asked} == asked, got
                assert all(got[name][1] == asked[name] for name in asked if name != "cpuSeconds"), got
            assert status(server.pid, "Umask") == 27


async def test_limit_is_enforced(t):
    """A program beyond its limit ends by the signal that says so, and the cause is the limit."""
    async with serving(t) as server:
        conn = await v1(server)
        exited = (await run(conn, "spin", rlimits={"cpuSeconds": 1})).output.exited
        assert (exited["signal"], exited["exitCode"], exited["cause"]) == ("XCPU", 128 + signal.SIGXCPU, "limit")
        path = os.path.join(t.folder(), "big")
        session = await start(conn, argv=shell(f"exec $child spew 100000 >{path}"), rlimits={"fileSizeBytes": 4096})
        exited = await session.closed()
        assert (exited["signal"], exited["cause"]) == ("XFSZ", "limit"), exited
        assert os.path.getsize(path) == 4096


async def fails(server, conn, expected, **direct):
    """The start fails as 'expected' says and leaves no descriptor, no child and no name in use behind."""
    before = holdings(server)
    async with refused("spawnFailed", -32007) as error:
        await start(conn, name="failing", **direct)
    got = tuple(error[member] for member in ("errno", "path"))
    assert got == expected, error
    assert isinstance(error["step"], str) and error["step"], error
    assert holdings(server) == before
    assert "failing" not in [row["sessionId"] for row in (await conn.request("process/list"))["sessions"]]
    return error["step"]


@needs_native
async def test_failed_starts(t):
    """Whatever is wrong, the request says the step and the errno, and nothing stays behind."""
    folder = t.folder()
    for name, mode, content in (("plain", 0o644, "#!/bin/true\n"), ("garbage", 0o755, "\x01\x02\x03"),
                                ("orphan", 0o755, "#!/no/such/interpreter\n")):
        with open(f"{folder}/{name}", "w") as f:
            f.write(content)
        os.chmod(f"{folder}/{name}", mode)
    os.symlink("loop", f"{folder}/loop")
    missing = "/no/such/folder"
    async with serving(t) as server:
        conn = await v1(server)
        for io in (PTY, PIPES, NO_INPUT):
            steps = set()
            for errno, path in (("ENOENT", "/no/such/program"), ("ENOENT", "px-no-such-program"), ("EACCES", folder),
                                ("EACCES", f"{folder}/plain"), ("ENOEXEC", f"{folder}/garbage"),
                                ("ENOENT", f"{folder}/orphan"), ("ELOOP", f"{folder}/loop"),
                                ("ENOTDIR", f"{folder}/plain/x"), ("ENAMETOOLONG", "/" + 255 * "n" + "n")):
                steps.add(await fails(server, conn, (errno, path[:255]), io=io, argv=[path, "x"]))
            steps.add(await fails(server, conn, ("E2BIG", child()), io=io, argv=[child(), "x" * 200000]))
            assert len(steps) == 1, steps
            step = await fails(server, conn, ("ENOENT", missing), io=io, argv=[child(), "env"], cwd=missing)
            assert step not in steps, step
            await fails(server, conn, ("ENOTDIR", f"{folder}/plain"), io=io, argv=[child(), "env"], cwd=f"{folder}/plain")
        session = await start(conn, "exit", 7, name="failing")
        assert (await session.closed())["exitCode"] == 7


async def test_out_of_descriptors(t):
    """Without descriptors a start fails, others go on, and when there are some again it succeeds."""
    async with serving(t) as server:
        conn = await v1(server)
        echo = await start(conn, "echo")
        before = holdings(server)
        soft, hard = subprocess.run(
            ["prlimit", "--pid", str(server.pid), "--nofile", "--noheadings", "--raw", "--output", "SOFT,HARD"],
            check=True, capture_output=True, text=True).stdout.split()
        for spare in range(6):
            limit = max(before[0]) + 1 + spare
            subprocess.run(["prlimit", "--pid", str(server.pid), f"--nofile={limit}:{hard}"], check=True)
            for io in (PTY, PIPES):
                try:
                    await (await start(conn, "exit", 0, io=io)).closed()
                    break
                except Exception as failure:
                    assert failure.data["errno"] == "EMFILE" and failure.kind == "spawnFailed", failure
                    assert failure.data["step"], failure
                assert holdings(server) == before
        subprocess.run(["prlimit", "--pid", str(server.pid), f"--nofile={soft}:{hard}"], check=True)
        for io in (PTY, PIPES):
            await run(conn, "exit", 0, io=io)
        await echo.write("still here")
        await echo.until("still here")


@needs_root
@needs_native
async def test_process_limit(t):
    """Without the right to one more process a start fails with EAGAIN; when one has ended there is room again."""
    folder = t.folder()
    os.chmod(folder, 0o755)
    shutil.copy(child(), f"{folder}/child")
    argv = [f"{folder}/child", "no-read"]
    with wrapper("prlimit", "--nproc=4:4", "setpriv", "--reuid", str(1_000_000 + os.getpid()), "--clear-groups"):
        async with serving(t, listen=("ws",), cwd="/") as server:
            conn = await v1(server)
            room = 3 - len(server.own_children)
            sessions = [await start(conn, argv=argv, io=io) for io in [PTY, PIPES, PIPES][:room]]
            for io in (PTY, PIPES):
                await fails(server, conn, ("EAGAIN", argv[0]), io=io, argv=argv)
            await sessions[0]("terminate", mode="force")
            await sessions[0].closed()
            sessions[0] = await start(conn, argv=argv, io=PTY)
            for session in sessions:
                await session("terminate", mode="force")


@needs_root
async def test_out_of_terminals(t):
    """When the system has no PTY left a start says so, pipes still work, and one that is given back can be had."""
    mount = 'mount -t devpts -o newinstance,max=3,ptmxmode=0666 devpts /dev/pts && ' \
            'mount --bind /dev/pts/ptmx /dev/ptmx && exec "$@"'
    with wrapper("unshare", "--mount", "sh", "-c", mount, "sh"):
        async with serving(t) as server:
            conn = await v1(server)
            taken = [await start(conn, "echo", io=PTY) for _ in range(3)]
            before = holdings(server)
            async with refused("spawnFailed") as error:
                await start(conn, "echo", io=PTY)
            assert error["errno"] == "ENOSPC" and error["step"], error
            assert holdings(server) == before
            await run(conn, "exit", 0)
            await taken[0]("terminate", mode="force")
            await taken[0].closed()
            await taken[0]("release")
            session = await start(conn, "ctty", io=PTY)
            assert (await session.closed())["exitCode"] == 0
            assert "foreground yes" in session.text()


async def test_pid_is_the_programs(t):
    """The pid of the answer is that of the program itself, which is the server's child."""
    async with serving(t) as server:
        conn = await v1(server)
        for io in (PTY, PIPES):
            session = await start(conn, "no-read", io=io)
            assert holdings(server)[1] == {session.pid}
            assert os.readlink(f"/proc/{session.pid}/exe") == os.path.realpath(child())
            await session("terminate", mode="force")
            await session.closed()
            assert not exists(session.pid)


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
