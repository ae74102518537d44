#!/usr/bin/python3
"""Ends: exit statuses, what comes before them, what is left, and that a number which was given back is nobody's."""

import asyncio
import os
import signal
import sys

from support import (BOTH, NO_INPUT, PIPES, PTY, Session, Watched, child, exists, graceful, holdings, needs_root,
                     refused, run, serving, shell, stalled, start, unb64, until, v1, within, wrapper)

from px import pattern, tap

PAGE = 4096


async def test_exit_status(t):
    """The status is the program's own, all eight bits of it, and nobody else is named as the cause."""
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            for code in (0, 1, 2, 126, 127, 128, 137, 255):
                exited = (await run(conn, "exit", code, io=io)).output.exited
                assert exited["exitCode"] == code and exited["signal"] is None, exited
                assert exited["cause"] == "self" and exited["coreDumped"] is False, exited
                assert exited["outputOpen"] is False, exited


async def test_killed_is_no_success(t):
    """A program that a signal ended never has a status below 128, and the signal is named."""
    async with serving(t) as server:
        conn = await v1(server)
        for number in ("HUP", "INT", "QUIT", "ILL", "ABRT", "FPE", "KILL", "USR1", "SEGV", "PIPE", "ALRM", "TERM"):
            sig = getattr(signal, "SIG" + number)
            for _, io in BOTH:
                exited = (await run(conn, "die", int(sig), io=io)).output.exited
                assert (exited["signal"], exited["exitCode"]) == (number, 128 + sig), exited
                assert exited["cause"] == "self", exited


async def test_wait_and_snapshot_agree(t):
    """Everyone who is told about an end is told the same, also long after it."""
    async with serving(t) as server:
        conn = await v1(server)
        session = await run(conn, "die", 15)
        told = session.output.exited
        for verb in ("wait", "snapshot", "read"):
            answer = await session(verb)
            assert (answer["exitCode"], answer["signal"]) == (told["exitCode"], told["signal"]) == (143, "TERM"), answer
        assert (await session("wait"))["usage"] == told["usage"]
        row, = (await conn.request("process/list"))["sessions"]
        assert (row["running"], row["exitCode"], row["signal"]) == (False, 143, "TERM"), row
        assert row["exitedAtMs"] >= row["startedAtMs"], row


async def test_reaped_at_once(t):
    """When an exit is told, its number is free."""
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            for _ in range(20):
                session = await start(conn, "exit", 0, io=io)
                await session.exited()
                assert not exists(session.pid)


async def test_end_while_a_follower_is_stalled(t):
    """
    A program that ends is reaped, its end told to who waits and its place given back, though a follower is stalled:
    that one gets all of it, in order, when it reads again.
    """
    async with serving(t, "--outbound-high-water-bytes", 65536, "--max-processes-per-connection", 2) as server:
        slow, other = await v1(server, workspace="w"), await v1(server, workspace="w")
        for _, io in BOTH:
            flood, filler = await start(slow, "spew", 64 << 20, io=io), await start(other, "echo")
            slow.pause()
            await stalled(other, flood)
            theirs = Session(other, flood.id, flood.pid)
            await theirs("subscribe")
            assert await theirs("terminate", mode=graceful()) == {"running": True}
            assert not exists(flood.pid)
            result = await theirs("wait")
            assert (result["exited"], result["cause"]) == (True, "client"), result
            total = sum((await theirs("inspect"))["totalBytes"].values())
            # Its place is free, and a short program that the stalled one has started ends too.
            direct = {"argv": [child(), "spew", "3000"]}
            answer = await slow.ask("process/start", {"sessionId": "short", "direct": direct, "io": io})
            started = await other.notification("process/started", lambda p: p["sessionId"] == "short")
            assert (await other.request("process/wait", {"sessionId": "short"}))["exitCode"] == 0
            assert not exists(started["pid"])
            slow.resume()
            assert "result" in await within(answer, "answer to the start")
            short = Session(slow, "short", started["pid"])
            await short.closed()
            assert short.data() == pattern.spew(3000)
            exited = await flood.closed()
            assert flood.data() == pattern.spew(total) and exited["cause"] == "client"
            await filler("closeStdin")
            await filler.closed()
            for row in (await other.request("process/list"))["sessions"]:
                await other.request("process/release", {"sessionId": row["sessionId"]})


async def test_output_before_exit(t):
    """2 x 500 short commands, some at a time: every byte comes, in order, before the exit."""
    sizes = [0, 1, 100, PAGE - 1, PAGE, PAGE + 1, 20000, 65535, 65536, 65537, 150000]

    async def one(conn, i, io):
        size = sizes[i % len(sizes)] + i
        mode = ["spew", size] if io is PTY or i % 2 == 0 else ["spew", size, "stderr"]
        session = await start(conn, *mode, io=io)
        exited = await session.exited()
        at_exit = session.data()
        await session.closed()
        assert at_exit == pattern.spew(size), f"{len(at_exit)} bytes of {size}"
        assert session.data() == at_exit and exited["exitCode"] == 0 and exited["cause"] == "self"
        await session("release")

    async with serving(t, listen=("unix", "ws")) as server:
        conns = [await v1(server, "unix"), await v1(server, "ws")]

        async def worker(k):
            for i in range(k, 500, 8):
                for _, io in BOTH:
                    await one(conns[k % 2], i, io)

        await asyncio.gather(*(worker(k) for k in range(8)))


async def test_output_before_exit_in_v0(t):
    """The same in the dialect that has no numbers: what is joined until the exit is all there was."""
    async with serving(t) as server:
        conn = await server.connect()
        await conn.initialize_v0()
        for i in range(100):
            size = 1000 * i + i
            params = {"argv": [child(), "spew", str(size)], "cwd": "/", "env": {}, "tty": i % 2 == 1}
            session = (await conn.request("command/exec", params))["sessionId"]
            data = b""
            while True:
                message = await conn.recv()
                assert message["params"]["sessionId"] == session
                if message["method"] == "command/exec/exited":
                    break
                data += unb64(message["params"]["chunk"])
            assert message["params"]["exitCode"] == 0 and data == pattern.spew(size), (i, len(data))
        assert await conn.request("command/exec/terminate", {"sessionId": session}) == {"running": False}
        assert not conn.inbox


async def test_last_words_of_a_killed_program(t):
    """What a program wrote before it was killed comes too, and comes first."""
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            for _ in range(10):
                session = await start(conn, argv=shell("$child spew 30000; kill -KILL $$"), io=io)
                exited = await session.exited()
                assert session.data() == pattern.spew(30000) and exited["signal"] == "KILL"


async def test_descendant_holds_streams(t):
    """A descendant with the streams delays the close and nothing else; what it writes comes after the exit."""
    fifo = os.path.join(t.folder(), "fifo")
    os.mkfifo(fifo)
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session = await start(conn, "hold-output", fifo, io=io)
            exited = await session.exited()
            assert exited["exitCode"] == 0 and exited["outputOpen"] is True and session.data() == b""
            facts = await session("inspect")
            assert facts["running"] is False and facts["outputOpen"] is True, facts
            assert session.output.closed is None
            os.close(await within(asyncio.to_thread(os.open, fifo, os.O_WRONLY), "descendant at its fifo"))
            await session.closed()
            assert session.text() == "late\n"
            assert session.output.closed["seq"] == exited["seq"] + 2


async def test_descendant_that_floods(t):
    """Descendants that never stop writing do not keep an exit back, nor the last words before it."""
    async with serving(t, "--outbound-high-water-bytes", 65536) as server:
        conn = await v1(server)
        for _ in range(5):
            session = await start(conn, argv=shell("$child spew 1000000000000 & $child spew 10 stderr; exit 3"))
            exited = await session.exited()
            assert exited["exitCode"] == 3 and exited["outputOpen"] is True, exited
            assert session.data("stderr") == pattern.spew(10)
            await session("release")


async def test_close_before_exit(t):
    """A program that closes its streams lives on; the close is told after its exit all the same."""
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session = await start(conn, "close-output", io=io)
            await session.until("ready\n" if io is PIPES else "ready\r\n")
            await session("terminate", mode=graceful())
            exited = await session.closed()
            assert exited["signal"] in ("TERM", "HUP") and exited["cause"] == "client", exited
            assert session.output.closed["seq"] == exited["seq"] + 1


async def test_terminal_reopened(t):
    """A terminal that a program has closed and opens again goes on where it was."""
    async with serving(t) as server:
        conn = await v1(server)
        script = "echo one; exec </dev/null >/dev/null 2>&1; exec >/dev/tty; echo two"
        for _ in range(5):
            session = await start(conn, argv=shell(script), io=PTY)
            await session.closed()
            assert session.text() == "one\ntwo\n", session.text()


async def test_nothing_after_the_end(t):
    """An exited session takes no signal and no input, can be read, and is gone once released."""
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session = await run(conn, "exit", 3, io=io)
            assert await session("signal", signal="KILL") == {"delivered": False}
            assert await session("terminate", mode="force") == {"running": False}
            assert await session("terminate") == {"running": False}
            async with refused("stdinClosed", -32005):
                await session.write("x")
            assert await session("closeStdin") == {}
            assert (await session("wait"))["exitCode"] == 3
            assert await session("release") == {}
            async with refused("unknownSession", -32004):
                await session("snapshot")


@needs_root
async def test_reused_number(t):
    """When the number of an exited program is another's, nothing that is asked of the exited one reaches the other."""
    with wrapper("unshare", "--pid", "--fork", "--mount-proc", "--kill-child"):
        server = await t.server("--shutdown-grace-period-ms", 0)
    conn = await v1(server)
    steered = 0
    for _, io in BOTH:
        old = await start(conn, "exit", 0, io=io)
        await old.closed()
        # The numbers of this namespace go on after the one that is written here.
        steer = await run(conn, argv=["/bin/sh", "-c", f"echo {old.pid - 1} >/proc/sys/kernel/ns_last_pid"])
        assert steer.output.exited["exitCode"] == 0, steer.text()
        new = await start(conn, "raw-echo", io=io)
        assert new.pid == old.pid, (new.pid, old.pid)
        await new.until("ready")
        assert await old("signal", signal="KILL") == {"delivered": False}
        assert await old("terminate", mode="force") == {"running": False}
        assert await old("terminate") == {"running": False}
        await old("release")
        await new.write("alive?")
        await new.until("alive?")
        assert new.output.exited is None
        steered += 1
    assert steered == 2
    pid, = [int(pid) for pid in open(f"/proc/{server.pid}/task/{server.pid}/children").read().split()]
    os.kill(pid, signal.SIGTERM)
    assert await server.wait() == 0


async def test_usage(t):
    """What a program has used is what it did: processor, memory, time."""
    async with serving(t) as server:
        conn = await v1(server)
        usage = (await run(conn, "alloc", 128 << 20)).output.exited["usage"]
        assert 128 << 20 <= usage["maxRssBytes"] < 144 << 20, usage
        usage = (await run(conn, "exit", 0)).output.exited["usage"]
        assert 0 < usage["maxRssBytes"] < 64 << 20, usage
        assert usage["userMs"] + usage["systemMs"] < 500, usage
        session = await start(conn, "spin", rlimits={"cpuSeconds": 1}, io=NO_INPUT)
        usage = (await session.closed())["usage"]
        assert 500 <= usage["userMs"] <= 2000 and usage["wallMs"] >= usage["userMs"], usage
        session = await start(conn, "eof")
        await session.until("ready")
        result = await session("wait", timeoutMs=0)
        assert result["usage"] is None and result["exitCode"] is None, result
        began = asyncio.get_running_loop().time()
        result = await session("wait", until=[{"idleMs": 300}])
        await session("closeStdin")
        usage = (await session.closed())["usage"]
        elapsed = (asyncio.get_running_loop().time() - began) * 1000
        assert 300 <= usage["wallMs"] and usage["userMs"] + usage["systemMs"] < elapsed, usage


async def test_terminated_while_ending(t):
    """A terminate that meets the end of the program by itself claims nothing: each of the two is told rightly."""
    async with serving(t) as server:
        conn = await v1(server)
        for i in range(60):
            session = await start(conn, "exit", 0, io=PTY if i % 2 else PIPES)
            answer = await session("terminate", mode="force")
            exited = await session.closed()
            assert isinstance(answer["running"], bool)
            if exited["exitCode"] == 0:
                assert exited["signal"] is None, exited
            else:
                assert (exited["signal"], exited["cause"]) == ("KILL", "client"), exited
            await session("release")


async def test_orphans_are_reaped(t):
    """Descendants that lose their parents never stay as zombies, and are not taken for anyone's program."""
    async with serving(t) as server:
        conn = await v1(server)
        script = "for i in 1 2 3 4 5 6 7 8 9 10; do (exec $child exit 1 &) ; done; exec $child echo"
        session = await start(conn, argv=shell(script))
        await session.write("x")
        await session.until("x")
        await until(conn, lambda _: holdings(server)[1] == {session.pid}, "end of the orphans")
        assert session.output.exited is None
        await session("closeStdin")
        assert (await session.closed())["exitCode"] == 0


async def test_daemon_outlives_the_program(t):
    """A daemon goes on after the program that started it, and goes with the session."""
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session = await start(conn, "daemonize", io=io)
            exited = await session.closed()
            assert exited["exitCode"] == 0
            daemon = Watched(int(session.text().split()[1]))
            assert daemon.is_alive()
            await session("release")
            await daemon.gone()


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
