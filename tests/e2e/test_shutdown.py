#!/usr/bin/python3
"""The server's own beginning and end: signals, grace, the last bytes, and listeners that cannot be had."""

import asyncio
import contextlib
import os
import signal
import socket
import stat
import sys

import websockets

from support import (BOTH, LONG_MS, NO_INPUT, PIPES, PTY, Watched, child, descendants, exists, run, shell, stalled,
                     start, until, v1, within, wrapper)

from px import pattern, tap
from px.server import command, ended, run_once, send_signal, spawn


async def told_of_the_end(session, code, name, cause="shutdown"):
    exited = await session.closed()
    assert (exited["exitCode"], exited["signal"], exited["cause"]) == (code, name, cause), exited


async def test_signal_ends_all_in_order(t):
    """SIGTERM and SIGINT: programs are asked to end, clients hear of it, connections are closed, status 0."""
    for sig in (signal.SIGTERM, signal.SIGINT):
        server = await t.server("--shutdown-grace-period-ms", LONG_MS, listen=("unix", "ws"))
        sessions = []
        for scheme in ("unix", "ws"):
            conn = await v1(server, scheme)
            for number, io in ((15, PIPES), (1, PTY)):
                session = await start(conn, "signals", number, io=io)
                await session.until("ready")
                sessions.append(session)
        path = server.url("unix")[len("unix://"):]
        assert os.path.exists(path)
        send_signal(server.process, sig)
        for session in sessions:
            await told_of_the_end(session, 3, None)
        assert await sessions[0].conn.end() is None
        assert await sessions[-1].conn.end() == 1001
        await server.stop()
        assert not os.path.exists(path)


async def test_stdio_ends_in_order(t):
    """The same over stdio; end of input ends it as well."""
    server = await t.server(listen=("stdio",))
    session = await start(await v1(server), "signals", io=PTY)
    await session.until("ready")
    send_signal(server.process, signal.SIGTERM)
    exited = await session.closed()
    assert exited["cause"] == "shutdown", exited
    assert await server.wait() == 0

    server = await t.server("--shutdown-grace-period-ms", LONG_MS, listen=("stdio",))
    conn = await v1(server)
    session = await start(conn, "ignore-term", io=PTY)
    await session.until("ready")
    program = Watched(session.pid)
    conn.end_sending()
    await server.log_line(lambda line: " stop " in line)
    send_signal(server.process, signal.SIGTERM)
    assert await server.wait() == 0
    await program.gone()


async def test_end_of_input_leaves_other_listeners(t):
    """With another listener there, the end of stdin is the end of that connection only."""
    server = await t.server("--detach-ttl-ms", 0, listen=("stdio", "unix"))
    stdio, other = await v1(server, "stdio"), await v1(server, "unix")
    session = await start(stdio, "echo")
    program = Watched(session.pid)
    stdio.end_sending()
    await program.gone()
    await until(other, lambda counts: counts["connections"] == 1 and counts["sessions"] == 0, "end of the connection")
    assert (await run(other, "exit", 5)).output.exited["exitCode"] == 5


async def test_grace_then_kill(t):
    """What ignores the request is killed when the grace has passed; what is told is the shutdown."""
    server = await t.server("--shutdown-grace-period-ms", 200)
    conn = await v1(server)
    stubborn = [await start(conn, "ignore-term", io=io) for _, io in BOTH]
    for session in stubborn:
        await session.until("ready")
    send_signal(server.process, signal.SIGTERM)
    for session in stubborn:
        await told_of_the_end(session, 137, "KILL")
    assert await server.wait() == 0


async def test_second_signal_hurries(t):
    """A second signal ends the grace: however long it is, all is killed and the server goes, with status 0."""
    for first, second in ((signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)):
        server = await t.server("--shutdown-grace-period-ms", LONG_MS)
        conn = await v1(server)
        polite = await start(conn, "signals", int(signal.SIGTERM))
        stubborn = await start(conn, "ignore-term", io=PTY)
        for session in (polite, stubborn):
            await session.until("ready")
        send_signal(server.process, first)
        await told_of_the_end(polite, 3, None)
        assert stubborn.output.exited is None and exists(stubborn.pid)
        send_signal(server.process, second)
        await told_of_the_end(stubborn, 137, "KILL")
        assert await server.wait() == 0


async def refused_entry(server, scheme):
    """Tries until the listener is gone; what got into its queue before that is not served."""
    while True:
        try:
            conn = await server.connect(scheme)
            await conn.end()
        except (OSError, EOFError, websockets.WebSocketException):
            return


async def test_nothing_is_accepted_any_more(t):
    """From the signal on nobody new gets in, and those who are in start nothing; what runs is still served."""
    server = await t.server("--shutdown-grace-period-ms", LONG_MS, listen=("unix", "ws"))
    conn = await v1(server)
    session = await start(conn, argv=shell("trap '' TERM; exec $child raw-echo"))
    await session.until("ready")
    send_signal(server.process, signal.SIGTERM)
    await server.log_line(lambda line: " stop " in line)
    for scheme in ("unix", "ws"):
        await within(refused_entry(server, scheme), "end of the listener")
    await session.write("still served")
    await session.until("still served")
    started = await conn.ask("process/start", {"direct": {"argv": [child(), "ignore-term"]}, "io": PIPES})
    response = await within(started, "answer")
    assert "error" in response, response
    send_signal(server.process, signal.SIGTERM)
    await told_of_the_end(session, 137, "KILL")
    assert await server.wait() == 0


async def test_starts_do_not_put_the_end_off(t):
    """A client that starts a program for each one that ends does not keep the server alive."""
    server = await t.server("--shutdown-grace-period-ms", 200)
    conn = await v1(server)
    for _ in range(3):
        await (await start(conn, "ignore-term")).until("ready")

    async def start_again():
        with contextlib.suppress(AssertionError, ConnectionError):
            while True:
                await conn.notification("process/exited")
                await conn.ask("process/start", {"direct": {"argv": [child(), "ignore-term"]}, "io": PIPES})

    task = asyncio.ensure_future(start_again())
    send_signal(server.process, signal.SIGTERM)
    assert await server.wait() == 0
    await task


async def test_last_bytes_are_flushed(t):
    """What was written before the end, and the end itself, still reach a client that is slow to take them."""
    for scheme in ("unix", "ws"):
        server = await t.server("--outbound-high-water-bytes", 65536, listen=("unix", "ws"))
        conn, other = await v1(server, scheme, workspace="w"), await v1(server, workspace="w")
        session = await start(conn, "spew", 10**12)
        conn.pause()
        await stalled(other, session)
        program = Watched(session.pid)
        send_signal(server.process, signal.SIGTERM)
        await program.gone()
        conn.resume()
        exited = await session.closed()
        assert (exited["signal"], exited["cause"]) == ("TERM", "shutdown"), exited
        data = session.data()
        assert data == pattern.spew(len(data))
        assert await server.wait() == 0


async def test_client_that_never_reads(t):
    """A client that takes nothing at all does not keep the server from ending."""
    server = await t.server("--outbound-high-water-bytes", 65536)
    conn, other = await v1(server, workspace="w"), await v1(server, workspace="w")
    session = await start(conn, "spew", 10**12)
    conn.pause()
    await stalled(other, session)
    send_signal(server.process, signal.SIGTERM)
    await server.log_line(lambda line: " stop " in line)
    send_signal(server.process, signal.SIGTERM)
    assert await server.wait() == 0


async def test_end_under_load(t):
    """In the middle of floods on all sides it ends all the same, and leaves nothing."""
    server = await t.server("--shutdown-grace-period-ms", 1000, listen=("unix", "ws"))
    for scheme in ("unix", "ws", "unix", "ws"):
        conn = await v1(server, scheme)
        for _ in range(5):
            for _, io in BOTH:
                await start(conn, "spew", 10**12, io=io)
    programs = Watched.all(descendants(server.pid))
    assert len(programs) >= 40
    send_signal(server.process, signal.SIGTERM)
    assert await server.wait() == 0
    for program in programs:
        await program.gone()


async def test_sigpipe_never_matters(t):
    """Neither a SIGPIPE nor peers that vanish in the middle of being written to are anything to the server."""
    server = await t.server("--detach-ttl-ms", 0, listen=("unix", "ws"))
    keeper = await v1(server)
    for scheme in ("unix", "ws", "unix", "ws"):
        conn = await v1(server, scheme)
        session = await start(conn, "spew", 10**12)
        await session.until("A")
        send_signal(server.process, signal.SIGPIPE)
        await conn.close()
    await until(keeper, lambda counts: counts["running"] == 0, "end of the programs")
    assert (await run(keeper, "exit", 0)).output.exited["exitCode"] == 0


async def test_broken_stdout(t):
    """When nobody reads its stdout any more, a server on stdio ends; its log may be unread, too."""
    process = await spawn(*command("--listen", "stdio://"), stdin=asyncio.subprocess.PIPE,
                          stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    process._transport.get_pipe_transport(1).close()
    process._transport.get_pipe_transport(2).close()
    process.stdin.write(b'{"id":1,"method":"initialize","params":{"clientName":"x","protocolVersion":"exec-server.v1"}}\n')
    assert await within(ended(process), "end of the server") == 0


async def test_blocked_signals(t):
    """However the server was started (signals blocked or ignored, as some launchers leave them), it hears SIGTERM."""
    for flags in (["--block-signal=TERM,INT,CHLD"], ["--ignore-signal=TERM,INT,CHLD,HUP"]):
        with wrapper("env", *flags):
            server = await t.server()
        conn = await v1(server)
        assert (await run(conn, "exit", 4)).output.exited["exitCode"] == 4
        send_signal(server.process, signal.SIGTERM)
        assert await server.wait() == 0


async def test_killed_server_leaves_nothing(t):
    """Even a server that is killed takes its programs along, trees, daemons and all."""
    server = await t.server("--shutdown-grace-period-ms", 100)
    conn = await v1(server)
    for _, io in BOTH:
        for argv in ([child(), "tree", "5"], shell("$child daemonize; exec $child ignore-term"), [child(), "setsid-child"]):
            session = await start(conn, argv=argv, io=io)
            await session.until("ready" if argv[1] != "setsid-child" else "pid")
    programs = Watched.all(descendants(server.pid))
    assert len(programs) >= 20
    send_signal(server.process, signal.SIGKILL)
    for program in programs:
        await program.gone()
    await server.kill()


# The beginning


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


async def refused_to_start(*urls):
    """The server must not start with these listeners; what it says."""
    flags = [word for url in urls for word in ("--listen", url)]
    code, out, err = await run_once(*flags)
    assert code != 0 and out == b"", (code, out)
    assert b"listening on" not in err, err
    return code, err.decode()


async def test_listener_that_cannot_be_had(t):
    """A listener that cannot be opened: a message that names it, a status that is not 0, and nothing of the others."""
    folder = t.folder()
    mine = f"unix://{folder}/mine"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        url = f"ws://127.0.0.1:{taken.getsockname()[1]}"
        for urls in ([mine, url], [url, mine], ["stdio://", mine, url], [f"ws://127.0.0.1:{free_port()}", mine, url]):
            code, err = await refused_to_start(*urls)
            assert url in err and "Address already in use" in err, err
            assert os.listdir(folder) == []
    for url, why in ((f"unix://{folder}/none/socket", "No such file"), (f"unix://{folder}/{'x' * 200}", "")):
        code, err = await refused_to_start(mine, url)
        assert url in err and why in err, err
        assert os.listdir(folder) == []
    for url in ("http://127.0.0.1:1", "ws://localhost:1234", "ws://127.0.0.1", "unix://", "ws://127.0.0.1:99999", "x"):
        code, err = await refused_to_start(mine, url)
        assert code == 2 and url in err, (code, err)
        assert os.listdir(folder) == []


async def test_socket_files(t):
    """Mode 0600 whatever the umask; a stale file is replaced, a live one and one of another kind are not."""
    folder = t.folder()
    path = f"{folder}/socket"
    url = f"unix://{path}"
    with wrapper("sh", "-c", 'umask 0; exec "$@"', "sh"):
        live = await t.server(listen=(url,))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600 and stat.S_ISSOCK(os.stat(path).st_mode)
    conn = await v1(live)
    assert (await run(conn, "umask", io=NO_INPUT)).text() == "0000\n"
    _, err = await refused_to_start(url)
    assert url in err
    assert (await run(conn, "exit", 6)).output.exited["exitCode"] == 6
    await v1(live)

    # The server is killed: its file stays, and the next one takes its place.
    await live.kill()
    assert os.path.exists(path)
    server = await t.server(listen=(url,))
    await v1(server)
    await server.stop()
    assert not os.path.exists(path)

    for make in (lambda: open(path, "w").close(), lambda: os.mkdir(path), lambda: os.symlink("/dev/null", path),
                 lambda: os.mkfifo(path)):
        make()
        before = os.lstat(path)
        _, err = await refused_to_start(url)
        assert url in err and os.lstat(path) == before
        (os.rmdir if stat.S_ISDIR(before.st_mode) else os.unlink)(path)


async def test_file_of_another_stays(t):
    """A server removes its own socket file and not one that has taken its place."""
    path = f"{t.folder()}/socket"
    server = await t.server(listen=(f"unix://{path}",))
    os.unlink(path)
    other = await t.server(listen=(f"unix://{path}",))
    await server.stop()
    assert os.path.exists(path)
    await v1(other)


async def test_many_listeners(t):
    """Several listeners of a kind serve side by side, each told once."""
    folder = t.folder()
    server = await t.server(listen=("unix", "ws", f"unix://{folder}/two", "ws://127.0.0.1:0", "ws://[::1]:0"))
    assert [len(urls) for urls in server.urls.values()] == [2, 3], server.urls
    assert sum("listening on" in line for line in server.log_text()) == 5
    conn = await v1(server, "unix")
    for url in server.urls["ws"]:
        server.urls["ws"] = [url]
        assert (await v1(server, "ws")).hello["resumed"] is False
    server.urls["unix"].reverse()
    await v1(server, "unix")
    info = await conn.request("server/info")
    assert info["counts"]["connections"] == 5, info


async def idle_end(server):
    await server.log_line(lambda line: line.endswith(" stop reason=idle"))
    assert await server.wait() == 0


async def test_idle_end(t):
    """A server that is to end when idle does so: not while somebody is connected, nor while a session is known."""
    for schemes in (("unix",), ("ws",), ("unix", "ws")):
        server = await t.server("--exit-when-idle-ms", 30, listen=schemes)
        await idle_end(server)
    server = await t.server("--exit-when-idle-ms", 30, listen=("unix",))
    conn = await v1(server, workspace="w")
    session = await start(conn, "echo", on_disconnect="keep")
    await conn.close()
    conn = await v1(server, workspace="w")
    waited = await conn.request("process/wait", {"sessionId": session.id, "until": [{"idleMs": 150}]})
    assert waited["reason"] == "idle", waited
    await conn.request("process/closeStdin", {"sessionId": session.id})
    assert (await conn.request("process/wait", {"sessionId": session.id}))["exitCode"] == 0
    await conn.close()
    conn = await v1(server, workspace="w")
    assert len((await conn.request("process/list"))["sessions"]) == 1
    await conn.request("process/release", {"sessionId": session.id})
    await conn.close()
    await idle_end(server)
    assert not os.path.exists(server.url("unix")[len("unix://"):])


async def test_idle_end_and_somebody_comes(t):
    """Whoever comes when it is about to end is served to the end, or finds nobody: nothing in between."""
    for pause_us in range(0, 3000, 100):  # around the time that it waits
        server = await t.server("--exit-when-idle-ms", 1, "--detach-ttl-ms", 0, listen=("unix",))
        served = 0
        with contextlib.suppress(OSError, EOFError):
            while True:
                conn = await server.connect()
                try:
                    answer = await conn.initialize_v1()
                except AssertionError:
                    assert not conn.inbox, conn.inbox
                    break
                assert answer["protocolVersion"] == "exec-server.v1"
                assert (await run(conn, "exit", 5)).output.exited["exitCode"] == 5
                await conn.close()
                served += 1
                if served == 20:
                    break
                await asyncio.sleep(pause_us / 1_000_000)
        await idle_end(server)


async def test_ready_fd(t):
    """A newline comes through the descriptor, and its end, when connections are taken; else only its end."""
    path = t.folder() + "/socket"
    for flags, told in (((), b"\n"), (("--max-processes", "0"), b""), (("--listen", "unix:///no/such/folder/socket"), b"")):
        read, write = os.pipe()
        process = await spawn(*command("--listen", "unix://" + path, "--ready-fd", str(write), *flags), pass_fds=[write],
                              stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
        os.close(write)
        with open(read, "rb") as f:
            assert await within(asyncio.to_thread(f.read), "word from the server") == told
        if told:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
        send_signal(process, signal.SIGTERM)
        assert await within(ended(process), "end of the server") == (0 if told else 2)
    status, _, err = await run_once("--ready-fd", 99)
    assert status == 2 and b"--ready-fd 99" in err, err


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
