#!/usr/bin/python3
"""Workspaces: who sees what, what outlives a connection, and coming back without a hole."""

import asyncio
import json
import os
import signal
import sys

from support import (BOTH, LONG_MS, PIPES, PTY, Session, Watched, b64, child, counted, exists, graceful, holdings,
                     refused, run, serving, start, unb64, until, v1, within)

from px import pattern, tap
from px.server import ended, send_signal, spawn


async def lose(conn, server):
    """Ends a connection as a network does, and waits until the server has noticed."""
    await conn.close()
    observer = await v1(server)
    await counted(observer, connections=1)
    await observer.close()


def adopt(conn, session):
    """The same session as another connection sees it, from the place that is known."""
    other = Session(conn, session.id, session.pid)
    other.output = session.output
    other.output.conn = conn
    return other


async def test_on_disconnect_kill(t):
    """kill: the program ends with the connection that started it, though the workspace lives on."""
    async with serving(t, "--detach-ttl-ms", LONG_MS) as server:
        conn, other = await v1(server, workspace="w"), await v1(server, workspace="w")
        for _, io in BOTH:
            mine = await start(conn, "signals", io=io, on_disconnect="kill")
            await mine.until("ready")
        theirs = await start(other, "echo", on_disconnect="kill")
        kept = await start(conn, "echo", name="kept", on_disconnect="keep")
        plain = await start(conn, "echo", name="plain")
        names = [row["sessionId"] for row in (await other.request("process/list"))["sessions"]]
        for name in names:
            await other.request("process/subscribe", {"sessionId": name, "afterSeq": 0})
        await conn.close()
        for name in names[:2]:
            exited = await other.notification("process/exited", lambda p: p["sessionId"] == name)
            assert (exited["exitCode"], exited["cause"]) == (3, "disconnect"), exited
        rows = {row["sessionId"]: row["running"] for row in (await other.request("process/list"))["sessions"]}
        assert rows == {names[0]: False, names[1]: False, theirs.id: True, "kept": True, "plain": True}, rows
        for session in (theirs, adopt(other, kept), adopt(other, plain)):
            await session("terminate", mode="force")
            await session("wait")
        for name in rows:
            await other.request("process/release", {"sessionId": name})


async def test_default_ends_after_the_detach_time(t):
    """Without onDisconnect a program goes on for the detach time, and then ends with its workspace."""
    async with serving(t, "--detach-ttl-ms", 200) as server:
        conn = await v1(server)
        session = await start(conn, "signals")
        await session.until("ready")
        program = Watched(session.pid)
        await lose(conn, server)
        assert program.is_alive()
        await program.gone()
        observer = await v1(server)
        await counted(observer, workspaces=1, sessions=0, running=0)
        async with refused("unknownToken", -32004):
            await v1(server, resumeToken=conn.hello["resumeToken"])


async def test_keep_outlives_the_detach_time(t):
    """keep: the program goes on as long as it likes, and its workspace and token with it; its neighbours do not."""
    async with serving(t, "--detach-ttl-ms", 50) as server:
        conn = await v1(server)
        kept = await start(conn, "raw-echo", on_disconnect="keep")
        await kept.until("ready")
        plain = await start(conn, "signals")
        await plain.until("ready")
        neighbour = Watched(plain.pid)
        await conn.close()
        await neighbour.gone()
        back = await v1(server, resumeToken=conn.hello["resumeToken"])
        assert back.hello["resumed"] is True and back.hello["workspace"] == conn.hello["workspace"]
        kept = adopt(back, kept)
        await kept("subscribe", afterSeq=kept.output.last_seq)
        await kept.write("still here")
        await kept.until("still here")
        exited = await adopt(back, plain)("wait")
        assert (exited["exitCode"], exited["cause"]) == (3, "disconnect"), exited
        await kept("closeStdin")
        assert (await kept.closed())["cause"] == "self"
        await kept("release")


async def test_kept_program_ends_unattended(t):
    """When the last kept program of an unattended workspace has ended, the workspace goes too, in its time."""
    fifo = os.path.join(t.folder(), "fifo")
    os.mkfifo(fifo)
    async with serving(t, "--detach-ttl-ms", 50, "--exited-retention-ms", 100) as server:
        conn = await v1(server)
        await start(conn, argv=["/bin/cat", fifo], on_disconnect="keep")
        await conn.close()
        observer = await v1(server)
        await counted(observer, connections=1, workspaces=2, running=1)
        os.close(await within(asyncio.to_thread(os.open, fifo, os.O_WRONLY), "program at its fifo"))
        await counted(observer, workspaces=1, sessions=0, running=0)


async def test_resume_without_a_hole(t):
    """Whatever is lost with a connection is replayed to the next: numbers and bytes go on exactly where they were."""
    total = 3_000_000
    async with serving(t, "--detach-ttl-ms", LONG_MS, "--retained-output-bytes-per-process", 8 << 20,
                       "--outbound-high-water-bytes", 65536, listen=("unix", "ws")) as server:
        for scheme in ("unix", "ws"):
            for io in (PIPES, PTY):
                conn = await v1(server, scheme)
                token = conn.hello["resumeToken"]
                session = await start(conn, "spew", total, io=io)
                for part in (1, total // 4, total // 2):
                    await session.output.until(lambda o: sum(map(len, o.streams.values())) >= part)
                    # What has arrived and was not looked at is lost with the connection.
                    await conn.close()
                    conn.inbox.clear()
                    conn = await resumed(server, scheme, token)
                    session = adopt(conn, session)
                    answer = await session("subscribe", afterSeq=session.output.last_seq)
                    assert answer["lostBytes"] == 0, answer
                exited = await session.closed()
                assert session.data() == pattern.spew(total) and exited["exitCode"] == 0
                await session("release")
                await conn.close()


async def resumed(server, scheme, token):
    """A connection back in the workspace, as soon as the server has seen the end of the last one."""

    async def attempt():
        while True:
            try:
                return await v1(server, scheme, resumeToken=token)
            except Exception as error:
                assert getattr(error, "kind", None) == "alreadyAttached", error

    return await within(attempt(), "end of the last connection")


async def test_tokens(t):
    """A token brings back one workspace to one connection at a time; nothing else does."""
    async with serving(t, "--detach-ttl-ms", LONG_MS) as server:
        conn = await v1(server)
        token = conn.hello["resumeToken"]
        assert conn.hello["resumed"] is False and len(token) * 4 >= 128, conn.hello
        session = await start(conn, "echo", on_disconnect="kill")
        thief = await server.connect()
        async with refused("alreadyAttached", -32009):
            await thief.initialize_v1(resumeToken=token)
        for wrong in (token[:-1], token[:-1] + ("0" if token[-1] != "0" else "1"), "", "x" * len(token), token + "0"):
            async with refused("unknownToken", -32004):
                await thief.initialize_v1(resumeToken=wrong)
        async with refused("invalidParams", -32602):
            await thief.initialize_v1(resumeToken=token, workspace="w")
        # None of this has disturbed the owner, and the other may still begin.
        await session.write("mine")
        await session.until("mine")
        assert (await thief.initialize_v1())["resumeToken"] != token
        assert (await thief.request("process/list"))["sessions"] == []
        async with refused("unknownSession", -32004):
            await thief.request("process/snapshot", {"sessionId": session.id})
        await session("terminate", mode="force")
        await session.closed()
        await session("release")


async def test_named_workspace_is_shared(t):
    """Two connections of one name see the same sessions: each hears what the other starts, writes to it, ends it."""
    async with serving(t, listen=("unix", "ws")) as server:
        one, two = await v1(server, "unix", workspace="shared"), await v1(server, "ws", workspace="shared")
        stranger = await v1(server, workspace="other")
        assert one.hello["workspace"] == two.hello["workspace"] == "shared" and one.hello["resumeToken"] is None
        session = await start(one, "raw-echo", name="s")
        assert await two.notification("process/started") == {"sessionId": "s", "pid": session.pid}
        theirs = Session(two, "s", session.pid)
        await theirs("subscribe", afterSeq=0)
        await theirs.until("ready")
        await session.write("one ")
        await session.until("one ")
        await theirs.write("two ")
        await session.until("two ")
        await theirs.until("one two ")
        async with refused("sessionExists", -32600):
            await start(two, "echo", name="s")
        assert (await two.request("process/list"))["sessions"][0]["subscribers"] == 2
        assert (await stranger.request("process/list"))["sessions"] == [] and not stranger.inbox
        assert await theirs("terminate", mode=graceful()) == {"running": True}
        assert (await session.closed())["cause"] == "client"
        assert (await theirs.closed())["cause"] == "client"
        assert session.data() == theirs.data() == b"ready\none two "


async def test_named_workspace_outlives_its_connections(t):
    """A named workspace with a program waits under its name for whoever comes next."""
    async with serving(t, "--detach-ttl-ms", LONG_MS) as server:
        first = await v1(server, workspace="w")
        session = await start(first, "raw-echo", name="s")
        await session.until("ready")
        await lose(first, server)
        second = await v1(server, workspace="w")
        session = adopt(second, session)
        await session("subscribe", afterSeq=session.output.last_seq)
        await session.write("again")
        await session.until("again")
        await session("closeStdin")
        await session.closed()
        await session("release")


async def test_start_again(t):
    """A start that is repeated in the same words finds its session: running, exited, and after a lost connection."""
    async with serving(t, "--detach-ttl-ms", LONG_MS) as server:
        conn = await v1(server)
        words = {"name": "s", "io": PTY, "env": {"A": "b"}}
        session = await start(conn, "raw-echo", **words)
        assert session.existing is False
        await session.until("ready")
        again = await start(conn, "raw-echo", **words)
        assert again.existing is True and again.pid == session.pid
        for other in ({"env": {"A": "c"}}, {"env": {}}, {"io": PIPES}, {"cwd": "/"}, {"arg0": "x"}, {"umask": 0},
                      {"timeoutMs": 1}):
            async with refused("sessionExists", -32600):
                await start(conn, "raw-echo", **{**words, **other})
        await conn.close()
        back = await resumed(server, None, conn.hello["resumeToken"])
        again = await start(back, "raw-echo", **words)
        assert again.existing is True and again.pid == session.pid
        await again.until("ready")  # the whole of it, for the answer may have been lost with all that followed
        assert again.output.last_seq >= 1
        await again.write("\x04" * 3 + "x")
        await again.until("x")
        await again("terminate", mode="force")
        assert (await again.closed())["signal"] == "KILL"
        again = await start(back, "raw-echo", **words)
        assert again.existing is True and not exists(again.pid)
        await again("release")
        session = await start(back, "exit", 0, **words)
        assert session.existing is False
        await session.closed()
        await session("release")


async def test_existing_runs_once(t):
    """However often a start is repeated, the program runs once."""
    path = os.path.join(t.folder(), "count")
    async with serving(t) as server:
        conn = await v1(server)
        argv = ["/bin/sh", "-c", f"echo x >>{path}"]
        answers = await asyncio.gather(*(start(conn, argv=argv, name="once") for _ in range(20)))
        assert [session.existing for session in answers].count(False) == 1
        assert len({session.pid for session in answers}) == 1
        await answers[0].closed()
        result = await conn.request("process/run", {"sessionId": "once", "direct": {"argv": argv}, "io": PIPES})
        assert result["existing"] is True and result["exitCode"] == 0
        with open(path) as f:
            assert f.read() == "x\n"


async def test_kill_nine_of_a_client_in_a_flood(t):
    """A client that dies in the middle of a flood takes its programs along and nothing else."""
    script = """
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
f = s.makefile("rwb")
for message in json.loads(sys.argv[2]):
    f.write(json.dumps(message).encode() + b"\\n")
f.flush()
while True:  # until everything has started; the floods fill the rest
    message = json.loads(f.readline())
    if message.get("id") == 5:
        break
print("ready", flush=True)
sys.stdin.read()
"""
    messages = [{"id": 1, "method": "initialize", "params": {"clientName": "x", "protocolVersion": "exec-server.v1"}}]
    for i, io in enumerate((PIPES, PTY, PIPES)):
        argv = [child(), "spew", str(10**12)]
        messages.append({"id": 2 + i, "method": "process/start", "params": {
            "direct": {"argv": argv}, "io": io, "onDisconnect": "kill"}})
    messages.append({"id": 5, "method": "process/list"})
    async with serving(t, "--detach-ttl-ms", 0, "--outbound-high-water-bytes", 65536) as server:
        other = await v1(server)
        echo = await start(other, "raw-echo")
        for _ in range(3):
            before = holdings(server)
            client = await spawn("/usr/bin/python3", "-c", script, server.url("unix")[len("unix://"):],
                                 json.dumps(messages), stdin=asyncio.subprocess.PIPE,
                                 stdout=asyncio.subprocess.PIPE)
            assert await within(client.stdout.readline(), "client") == b"ready\n"
            assert len(holdings(server)[1]) == 4
            send_signal(client, signal.SIGKILL)
            await ended(client)
            await until(other, lambda _: holdings(server)[1] == {echo.pid}, "end of the client's programs")
            await until(other, lambda _: len(holdings(server)[0]) == len(before[0]), "descriptors of the client's programs")
            await echo.write(".")
            await echo.until(".")
        await echo("closeStdin")
        await echo.closed()


async def test_three_hundred_at_once(t):
    """300 sessions at one time: each gets its own input and gives its own output; then nothing is left of them."""
    async with serving(t, "--max-processes-per-connection", 300) as server:
        conn = await v1(server)
        sessions = [await start(conn, "raw-echo", io=BOTH[i % 2][1]) for i in range(300)]
        assert (await conn.request("server/info"))["counts"]["running"] == 300
        for i, session in enumerate(sessions):
            await session.ask("write", chunk=b64(f"number {i}."))
        for i, session in enumerate(sessions):
            await session.until(f"number {i}.")
        for i, session in enumerate(sessions):
            await session.write("x" * i + "!")
        await asyncio.gather(*(session.until("!") for session in sessions))
        for i, session in enumerate(sessions):
            assert session.text() == f"ready\nnumber {i}." + "x" * i + "!"
            assert unb64((await session("snapshot"))["terminal" if i % 2 else "stdout"]) == session.data()
            await session("terminate", mode="force")
        for session in sessions:
            assert (await session.closed())["cause"] == "client"
        assert holdings(server)[1] == set()
        await asyncio.gather(*(session("release") for session in sessions[:100]))
        assert len((await conn.request("process/list"))["sessions"]) == 200
        await run(conn, "exit", 0)


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
