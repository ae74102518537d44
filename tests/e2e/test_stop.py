#!/usr/bin/python3
"""Stopping: who gets which signal, when SIGKILL comes, and that whole trees go, whatever they did to get away."""

import asyncio
import os
import signal
import sys

from support import (BOTH, LONG_MS, NO_INPUT, PIPES, PTY, Watched, child, children, descendants, exists, graceful,
                     holdings, needs_root, run, serving, shell, start, status, until, v1, within, wrapper)

from px import tap

# Programs that stay, with descendants that do too: in a chain, daemons, in sessions of their own.
TREES = (child(), "tree", "10"), shell("$child daemonize; exec $child echo"), (child(), "setsid-child")


async def plant(conn, argv, io=PIPES, **options):
    """Starts one of TREES and waits until its descendants stand."""
    session = await start(conn, argv=argv, io=io, **options)
    lines = 11 if argv[1] == "tree" else 1
    await session.output.until(lambda o: bytes(o.data("stdout") + o.data("terminal")).count(b"\n") == lines)
    return session


async def tree(conn, argv, io=PIPES, **options):
    """The same with its descendants, held so that their ends are seen."""
    session = await plant(conn, argv, io, **options)
    pids = [int(line.split()[1]) for line in session.text().splitlines() if line.startswith("pid ")]
    assert len(pids) == (10 if argv[1] == "tree" else 1), session.text()
    return session, [Watched(pid) for pid in pids]


async def all_gone(watched):
    for one in watched:
        await one.gone()


async def test_graceful_on_pipes(t):
    """SIGTERM, and SIGCONT for one that is stopped; no SIGHUP; the answer comes when the program is gone."""
    async with serving(t) as server:
        session = await start(await v1(server), "signals")
        await session.until("ready")
        assert await session("terminate", mode=graceful()) == {"running": True}
        assert not exists(session.pid)
        exited = await session.closed()
        assert (exited["exitCode"], exited["signal"], exited["cause"]) == (3, None, "client"), exited
        names = session.text().split()
        assert "TERM" in names and "HUP" not in names, names


async def test_graceful_on_a_terminal(t):
    """SIGTERM and SIGHUP."""
    async with serving(t) as server:
        conn = await v1(server)
        for number, name in ((signal.SIGTERM, "TERM"), (signal.SIGHUP, "HUP")):
            session = await start(conn, "signals", int(number), io=PTY)
            await session.until("ready")
            assert await session("terminate", mode=graceful()) == {"running": True}
            exited = await session.closed()
            assert (exited["exitCode"], exited["signal"], exited["cause"]) == (3, None, "client"), exited
            assert name in session.text().split(), session.text()


async def test_foreground_job_is_told(t):
    """On a terminal the job in the foreground hears of it as well as its shell."""
    async with serving(t) as server:
        conn = await v1(server)
        script = 'set -m; trap "" TERM HUP; sh -c "exec $child signals 1"; echo job $?; exec $child signals 15'
        session = await start(conn, argv=shell(script), io=PTY)
        await session.until("ready")
        facts = await session("inspect")
        assert facts["foreground"]["pgid"] != session.pid, facts
        terminating = await session.ask("terminate", mode=graceful())
        await session.until("job 3")
        await session("terminate", mode="force")
        assert (await within(terminating, "answer"))["result"] == {"running": True}
        await session.closed()


async def test_signal(t):
    """A signal reaches the group of the program, on a terminal the foreground's; a death by it is the client's doing."""
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session = await start(conn, "signals", io=io)
            await session.until("ready")
            for name in ("INT", "QUIT", "USR1", "USR2", "HUP", "WINCH", "CONT"):
                assert await session("signal", signal=name) == {"delivered": True}
                await session.until(name)
            assert await session("signal", signal="TERM") == {"delivered": True}
            exited = await session.closed()
            assert (exited["exitCode"], exited["signal"], exited["cause"]) == (3, None, "self"), exited
            session = await start(conn, "no-read", io=io)
            await session.until("ready")
            assert await session("signal", signal="USR1") == {"delivered": True}
            exited = await session.closed()
            assert (exited["exitCode"], exited["signal"], exited["cause"]) == (138, "USR1", "client"), exited

        # The shell itself has nothing of it; its job in the foreground does.
        session = await start(conn, argv=shell('set -m; sh -c "exec $child signals 2"; echo job $?'), io=PTY)
        await session.until("ready")
        assert await session("signal", signal="INT") == {"delivered": True}
        await session.until("job 3")
        assert (await session.closed())["exitCode"] == 0
        # On pipes the whole group hears it.
        session = await start(conn, argv=shell("$child signals 10 & exec $child signals 10"))
        await session.output.until(lambda o: o.data("stdout").count(b"ready") == 2)
        assert await session("signal", signal="USR1") == {"delivered": True}
        await session.closed()
        assert session.data().count(b"USR1") == 2


async def test_stopped_program_is_ended(t):
    """A program that was stopped (^Z) is let go on, so that it can end in order."""
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session = await start(conn, "signals", io=io)
            await session.until("ready")
            await session("signal", signal="STOP")
            await until(conn, lambda _: status(session.pid, "State") == "T", "stop")
            assert await session("terminate", mode=graceful()) == {"running": True}
            assert (await session.closed())["signal"] is None


async def test_kill_after_grace(t):
    """What ignores SIGTERM is killed when its time has passed; the cause stays who asked."""
    async with serving(t, "--shutdown-grace-period-ms", 150) as server:
        conn = await v1(server)
        for _, io in BOTH:
            for mode, grace in (({"mode": graceful(100)}, 100), ({}, 150), ({"mode": graceful(0)}, 0), ({"mode": "force"}, 0)):
                session = await start(conn, "ignore-term", io=io)
                await session.until("ready")
                assert await session("terminate", **mode) == {"running": True}
                exited = await session.closed()
                assert (exited["exitCode"], exited["signal"], exited["cause"]) == (137, "KILL", "client"), exited
                assert exited["usage"]["wallMs"] >= grace, exited


async def test_force_after_graceful(t):
    """A second terminate may be less patient than the first, never more."""
    async with serving(t) as server:
        conn = await v1(server)
        session = await start(conn, "ignore-term")
        await session.until("ready")
        patient = await session.ask("terminate", mode=graceful())
        await session("wait", timeoutMs=0)
        assert await session("terminate", mode="force") == {"running": True}
        assert (await within(patient, "answer"))["result"] == {"running": True}
        assert (await session.closed())["signal"] == "KILL"

        session = await start(conn, "ignore-term")
        await session.until("ready")
        hurried = await session.ask("terminate", mode=graceful(50))
        patient = await session.ask("terminate", mode=graceful())
        assert (await within(hurried, "answer"))["result"] == {"running": True}
        assert (await within(patient, "answer"))["result"] == {"running": True}
        await session.closed()


async def test_whole_tree(t):
    """terminate takes the descendants along: children's children, daemons, whoever made a session of its own."""
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            for mode in (graceful(100), "force"):
                for what in TREES:
                    session, members = await tree(conn, what, io)
                    assert await session("terminate", mode=mode) == {"running": True}
                    await all_gone(members)
                    await session.closed()


async def test_stubborn_tree(t):
    """Descendants that ignore SIGTERM and SIGHUP are killed after the grace, also when the program went at once."""
    script = "trap '' TERM HUP; setsid $child ignore-term & $child ignore-term & trap - TERM HUP; exec $child signals"
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session = await start(conn, argv=shell(script), io=io)
            await session.output.until(lambda o: bytes(o.data("stdout") + o.data("terminal")).count(b"ready") == 3)
            before = holdings(server)[1]
            assert session.pid in before
            assert await session("terminate", mode=graceful(200)) == {"running": True}
            exited = await session.exited()
            assert exited["exitCode"] == 3 and exited["outputOpen"] is True, exited
            await session.closed()


async def test_never_the_same_process(t):
    """A descendant that goes on in a new child and session all the time does not get away either."""
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            for mode in ("force", graceful(20)):
                session = await start(conn, "respawn", 200000, io=io)
                await session.until("ready")
                await session("terminate", mode=mode)
                await session.closed()


async def test_end_of_a_session_by_time(t):
    """timeoutMs ends the session with its tree, first with SIGTERM; the cause is the time."""
    async with serving(t, "--shutdown-grace-period-ms", LONG_MS) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session = await start(conn, "signals", io=io, timeoutMs=300)
            exited = await session.closed()
            assert (exited["exitCode"], exited["cause"]) == (3, "timeout"), exited
            assert exited["usage"]["wallMs"] >= 250, exited
        session, members = await tree(conn, (child(), "setsid-child"), timeoutMs=300)
        exited = await session.closed()
        assert (exited["signal"], exited["cause"]) == ("TERM", "timeout"), exited
        await all_gone(members)


async def test_release_ends_what_is_left(t):
    """Forgetting an exited session ends the descendants that it has left."""
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session, (daemon,) = await tree(conn, (child(), "daemonize"), io)
            await session.closed()
            assert daemon.is_alive()
            await session("release")
            await daemon.gone()


async def test_retention_ends_what_is_left(t):
    """So does the time for which exited sessions are kept."""
    async with serving(t, "--exited-retention-ms", 50) as server:
        conn = await v1(server)
        session, (daemon,) = await tree(conn, (child(), "daemonize"))
        await session.closed()
        await daemon.gone()
        await until(conn, lambda _: not holdings(server)[1], "reaping")
        assert (await conn.request("process/list"))["sessions"] == []


async def test_end_of_a_workspace(t):
    """When a workspace goes, all its processes go: of running sessions and of exited ones, whatever they ignore."""
    async with serving(t, "--shutdown-grace-period-ms", 100, listen=("unix", "ws")) as server:
        for scheme in ("unix", "ws"):
            conn = await v1(server, scheme)
            watched = []
            for _, io in BOTH:
                for what in TREES:
                    session, members = await tree(conn, what, io)
                    watched += members
                stubborn = await start(conn, "ignore-term", io=io)
                await stubborn.until("ready")
                watched.append(Watched(stubborn.pid))
                respawning = await start(conn, "respawn", 200000, io=io)
                await respawning.until("ready")
            await conn.close()
            await all_gone(watched)


async def test_end_of_a_v0_connection(t):
    """A v0 connection's programs end with it, and what they left behind."""
    async with serving(t, "--shutdown-grace-period-ms", 100) as server:
        conn = await server.connect()
        await conn.initialize_v0()
        for argv in ([child(), "ignore-term"], *TREES, [child(), "hold-output", "-"]):
            await conn.request("command/exec", {"argv": list(argv), "cwd": "/", "env": {}, "tty": True})
        for i in (1, 2, 3, 4):
            await conn.notification("command/exec/outputDelta", lambda p: p["sessionId"] == f"session-{i}")
        await conn.notification("command/exec/exited", lambda p: p["sessionId"] == "session-5")
        watched = Watched.all(descendants(server.pid) - server.own_children)
        assert len(watched) >= 4 + 3, watched
        await conn.close()
        await all_gone(watched)


async def test_end_of_the_server(t):
    """An orderly end takes everything along; the program that can end in order does so."""
    for sig in (signal.SIGTERM, signal.SIGINT):
        server = await t.server("--shutdown-grace-period-ms", 300)
        conn = await v1(server)
        watched = []
        for _, io in BOTH:
            for what in TREES:
                session, members = await tree(conn, what, io)
                watched += members
            respawning = await start(conn, "respawn", 200000, io=io)
            await respawning.until("ready")
        await server.stop(sig)
        await all_gone(watched)


async def test_no_zombies(t):
    """Hundreds of orphans and exits leave no zombie in the server."""
    script = "i=0; while [ $i -lt 100 ]; do (exec $child exit 0 &); i=$((i+1)); done; exec $child echo"
    async with serving(t) as server:
        conn = await v1(server)
        session = await start(conn, argv=shell(script), io=PIPES)
        await session.write("done")
        await session.until("done")
        for _ in range(50):
            await run(conn, "exit", 0, io=NO_INPUT)
        await until(conn, lambda _: holdings(server)[1] == {session.pid}, "reaping of every orphan")
        await session("terminate", mode="force")


@needs_root
async def test_as_first_process(t):
    """As PID 1 the server reaps strangers too, ends its sessions, and survives what would kill it elsewhere."""
    with wrapper("unshare", "--pid", "--fork", "--mount-proc", "--kill-child"):
        server = await t.server("--shutdown-grace-period-ms", 300)
    pid, = children(server.pid)
    conn = await v1(server)
    info = await conn.request("server/info")
    assert info["pid"] == 1, info
    own = children(pid)
    orphans = "for i in 1 2 3 4 5; do (exec $child exit 0 &) ; (setsid $child exit 1 &); done; exec $child echo"
    for _, io in BOTH:
        session = await start(conn, argv=shell(orphans), io=io)
        await session.write("done\n")
        await session.until("done")
        await until(conn, lambda _: len(children(pid) - own) == 1, "reaping of the orphans")
        assert await session("terminate", mode="force") == {"running": True}
        assert (await session.closed())["signal"] == "KILL"
        await session("release")
    for _, io in BOTH:
        for what in TREES:
            await plant(conn, what, io)
        await (await start(conn, "ignore-term", io=io)).until("ready")
    # What the puppets print are numbers of the inner namespace.
    await until(conn, lambda _: len(descendants(pid) - own) == 2 * (11 + 2 + 2 + 1), "planting")
    watched = Watched.all(descendants(pid) - own)
    os.kill(pid, signal.SIGTERM)
    assert await server.wait() == 0
    await all_gone(watched)


async def test_hundred_at_once(t):
    """Ending many sessions at one time is one job: all end in order, and others do not wait for it."""
    async with serving(t, "--max-processes-per-connection", 300) as server:
        conn, other = await v1(server), await v1(server)
        echo = await start(other, "echo")
        sessions = [await start(conn, "signals", io=io) for _ in range(50) for _, io in BOTH]
        for session in sessions:
            await session.until("ready")
        terminations = [await session.ask("terminate", mode=graceful()) for session in sessions]
        await echo.write("still served")
        await echo.until("still served")
        for session, answer in zip(sessions, terminations):
            assert (await within(answer, "answer", 60))["result"] == {"running": True}
        for session in sessions:
            assert (await session.closed())["exitCode"] == 3
        await asyncio.gather(*(session("release") for session in sessions))
        assert holdings(server)[1] == {echo.pid}
        await echo("closeStdin")


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
