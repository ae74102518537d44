#!/usr/bin/python3
"""Back-pressure: bounded memory behind a reader that stops, nothing lost to it, and nobody else the slower for it."""

import asyncio
import sys

from support import (BOTH, PIPES, PTY, Session, Watched, b64, child, lean, run, serving, shell, stalled, start, status,
                     unb64, until, v1, within)

from px import pattern, tap
from px.tap import deadline

MB = 1 << 20


@deadline(180)
async def test_sixty_megabytes_behind_a_stalled_reader(t):
    """
    A reader that stops with 60 MB to come costs the server its high-water mark and a little, another connection
    goes on meanwhile, and when the reader is back it gets every byte.
    """
    total = 60 * MB
    for scheme in ("unix", "ws"):
        async with serving(t, "--outbound-high-water-bytes", 4 * MB, listen=("unix", "ws"), env=lean()) as server:
            # What the machinery itself takes, once all of it has been in use.
            other = await v1(server, "unix", workspace="w")
            await run(other, "spew", 8 * MB)
            conn = await v1(server, scheme, workspace="w")
            before = status(server.pid, "VmRSS")
            session = await start(conn, "spew", total)
            await session.until(pattern.spew(1000))
            conn.pause()
            await stalled(other, session)
            assert status(server.pid, "VmRSS") - before < 16 * MB, status(server.pid, "VmRSS") - before
            # The whole way for somebody else: a start, input, much output, an end.
            for _, io in BOTH:
                busy = await start(other, "raw-echo", io=io)
                await busy.until("ready")
                await busy.ask("write", chunk=b64(pattern.spew(2 * MB)))
                await busy.output.until(lambda o: sum(map(len, o.streams.values())) == 2 * MB + 6)
                await busy("terminate", mode="force")
                await busy.closed()
            now = (await other.request("process/inspect", {"sessionId": session.id}))["totalBytes"]["stdout"]
            assert now < 16 * MB and session.output.exited is None, now
            assert status(server.pid, "VmHWM") - before < 40 * MB, status(server.pid, "VmHWM") - before
            conn.resume()
            exited = await session.closed(100)
            assert session.data() == pattern.spew(total) and exited["exitCode"] == 0


@deadline(180)
async def test_stalled_reader_of_a_terminal(t):
    """The same for a terminal: its program waits in its write, and nothing is lost."""
    total = 8 * MB
    async with serving(t, "--outbound-high-water-bytes", 65536) as server:
        conn, other = await v1(server, workspace="w"), await v1(server, workspace="w")
        session = await start(conn, "spew", total, io=PTY)
        for _ in range(3):
            conn.pause()
            await stalled(other, session)
            conn.resume()
            seen = sum(map(len, session.output.streams.values()))
            await session.output.until(lambda o: sum(map(len, o.streams.values())) >= seen + 500000)
        assert (await session.closed(100))["exitCode"] == 0
        assert session.data() == pattern.spew(total)


async def test_both_streams_wait(t):
    """stdout and stderr of a stalled session come whole, each in order."""
    async with serving(t, "--outbound-high-water-bytes", 65536) as server:
        conn, other = await v1(server, workspace="w"), await v1(server, workspace="w")
        session = await start(conn, argv=shell("$child spew 3000000 stderr & exec $child spew 3000000"))
        conn.pause()
        await stalled(other, session)
        conn.resume()
        await session.closed()
        assert session.data("stdout") == session.data("stderr") == pattern.spew(3000000)


async def test_exit_behind_a_stalled_reader(t):
    """The ends of programs whose reader was stalled are told when it is back, in order."""
    async with serving(t, "--outbound-high-water-bytes", 65536) as server:
        conn, other = await v1(server, workspace="w"), await v1(server, workspace="w")
        flood = await start(conn, "spew", 10**12)
        conn.pause()
        await stalled(other, flood)
        short = []
        for i in range(20):
            argv = [child(), "spew", str(1000 * i)]
            answer = await conn.ask("process/start", {"sessionId": f"s{i}", "direct": {"argv": argv}, "io": BOTH[i % 2][1]})
            short.append((i, answer))
        await other.notification("process/started", lambda p: p["sessionId"] == "s19")
        await other.request("process/terminate", {"sessionId": flood.id, "mode": "force"})
        conn.resume()
        for i, answer in short:
            pid = (await within(answer, "answer"))["result"]["pid"]
            session = Session(conn, f"s{i}", pid)
            assert (await session.closed())["exitCode"] == 0
            assert session.data() == pattern.spew(1000 * i)
        assert (await flood.closed())["cause"] == "client"


async def test_no_reader_pays_for_another(t):
    """Of two followers of one session the slow one holds up the program, and then both have it all."""
    async with serving(t, "--outbound-high-water-bytes", 65536) as server:
        fast, slow = await v1(server, workspace="w"), await v1(server, workspace="w")
        session = await start(fast, "spew", 5 * MB)
        follower = Session(slow, session.id, session.pid)
        await follower("subscribe", afterSeq=0)
        slow.pause()
        await stalled(fast, session)
        assert session.output.exited is None
        echo = await start(fast, "raw-echo")
        await echo.write("not held up")
        await echo.until("not held up")
        await echo("closeStdin")
        slow.resume()
        await session.closed(60)
        await follower.closed(60)
        assert session.data() == follower.data() == pattern.spew(5 * MB)


async def lagging(server, scheme="unix"):
    return await v1(server, scheme, workspace="w", capabilities={"slowConsumer": "lag"})


class Lag:
    """What a lagging follower was told, checked as it is taken: order, offsets, and losses to the byte."""

    def __init__(self, conn, session_id):
        self.conn, self.id = conn, session_id
        self.seq, self.offset, self.got, self.skipped, self.told = 0, 0, 0, 0, []

    def take(self, method, params):
        if params.get("sessionId") != self.id or method == "process/started":
            return
        self.told.append(method)
        if method == "process/lagged":
            assert params["skippedBytes"] > 0 and params["nextSeq"] > self.seq + 1, params
            self.skipped += params["skippedBytes"]
            self.offset += params["skippedBytes"]
            self.seq = params["nextSeq"] - 1
            return
        assert params["seq"] == self.seq + 1, f"{method} {params['seq']} after {self.seq}"
        self.seq = params["seq"]
        if method == "process/outputDelta":
            data = unb64(params["chunk"])
            assert params["offset"] == self.offset, (params["offset"], self.offset)
            assert data == pattern.spew(len(data), self.offset)
            self.got += len(data)
            self.offset += len(data)

    async def until_closed(self):
        while "process/closed" not in self.told:
            message = await self.conn.recv(60)
            if "method" in message:
                self.take(message["method"], message["params"])


async def test_lag(t):
    """With the policy lag the program is not held up, and what is skipped is counted to the byte; the ends come."""
    total = 30 * MB
    async with serving(t, "--outbound-high-water-bytes", 65536, listen=("unix", "ws")) as server:
        other = await v1(server, workspace="w")
        for scheme in ("unix", "ws"):
            for stream, io in (("stdout", PIPES), ("terminal", PTY)):
                conn = await lagging(server, scheme)
                size = total if io is PIPES else total // 2
                session = await start(conn, "spew", size, io=io)
                conn.pause()
                result = await other.request("process/wait", {"sessionId": session.id}, 60)
                assert result["exitCode"] == 0, result
                lag = Lag(conn, session.id)
                conn.resume()
                await lag.until_closed()
                assert lag.told[-2:] == ["process/exited", "process/closed"], lag.told[-5:]
                assert lag.skipped > 0 and lag.got + lag.skipped == size, (lag.got, lag.skipped, size)
                assert "process/lagged" in lag.told
                snapshot = await other.request("process/snapshot", {"sessionId": session.id})
                assert snapshot["totalBytes"][stream] == size
                await conn.close()


async def test_lag_again_and_again(t):
    """A follower that stalls and comes back many times loses only what it is told it has lost."""
    async with serving(t, "--outbound-high-water-bytes", 65536) as server:
        other, conn = await v1(server, workspace="w"), await lagging(server)
        session = await start(conn, "raw-echo")
        lag = Lag(conn, session.id)
        echo = Session(other, session.id, session.pid)
        await session.until("ready")
        lag.seq, lag.offset = session.output.last_seq, 0
        written = 0
        for _ in range(5):
            conn.pause()
            for _ in range(20):
                await echo.write(pattern.spew(100000, written))
                written += 100000
            await until_total(other, session.id, written + 6)
            conn.resume()
            # What is written now comes when there is room again, behind the word about what was skipped.
            await other.request("process/write", {"sessionId": session.id, "chunk": b64(pattern.spew(10, written))})
            written += 10
            while lag.got + lag.skipped < written:
                message = await conn.recv()
                params = dict(message["params"])
                if "offset" in params:
                    params["offset"] -= 6
                lag.take(message["method"], params)
            assert lag.got + lag.skipped == written
        assert lag.told.count("process/lagged") >= 5 and lag.skipped > 1000000
        await echo("terminate", mode="force")


async def until_total(conn, session_id, total):
    while sum((await conn.request("process/inspect", {"sessionId": session_id}))["totalBytes"].values()) < total:
        pass


async def test_lag_holds_nobody_up(t):
    """A lagging follower does not hold up one that reads, who gets everything."""
    async with serving(t, "--outbound-high-water-bytes", 65536) as server:
        reader, conn = await v1(server, workspace="w"), await lagging(server)
        session = await start(reader, "raw-echo")
        await conn.request("process/subscribe", {"sessionId": session.id, "afterSeq": 0})
        conn.pause()
        data = pattern.spew(10 * MB)
        await session.until("ready\n")
        write = await session.ask("write", chunk=b64(data))
        await session.output.until(lambda o: len(o.data("stdout")) == len(data) + 6, 60)
        assert session.data()[6:] == data
        await within(write, "answer")
        await session("closeStdin")
        await session.closed()
        conn.resume()


async def test_opted_out_of_output(t):
    """Whoever does not want the output is never a reason to hold a program up."""
    async with serving(t, "--outbound-high-water-bytes", 65536) as server:
        other = await v1(server, workspace="w")
        conn = await v1(server, workspace="w", capabilities={"optOutNotificationMethods": ["process/outputDelta"]})
        session = await start(conn, "spew", 20 * MB)
        conn.pause()
        assert (await other.request("process/wait", {"sessionId": session.id}, 60))["exitCode"] == 0
        conn.resume()
        assert (await conn.notification("process/exited"))["exitCode"] == 0
        assert "process/outputDelta" not in [message.get("method") for message in conn.inbox]


async def test_answers_are_bounded_too(t):
    """A client that asks and asks and never takes an answer is not read any more; then it gets every answer."""
    async with serving(t, "--outbound-high-water-bytes", 65536, env=lean()) as server:
        conn, other = await v1(server, workspace="w"), await v1(server, workspace="w")
        await run(other, "spew", 900000)
        before = status(server.pid, "VmRSS")
        conn.pause()
        asked, futures = 0, []

        async def ask():
            nonlocal asked
            for _ in range(1000):
                futures.append(await conn.ask("process/snapshot", {"sessionId": "session-1"}))
                asked += 1
                await asyncio.wait_for(asyncio.shield(other.request("server/info")), 20)

        await ask()
        assert status(server.pid, "VmRSS") - before < 24 * MB, status(server.pid, "VmRSS") - before
        conn.resume()
        for future in futures:
            response = await within(future, "answer", 60)
            assert "result" in response or response["error"]["code"] == -32001, response
        assert sum("result" in future.result() for future in futures) >= 1


async def test_empty_and_slow_ends(t):
    """Sessions that end with nothing or next to nothing are told of behind a stalled reader as well."""
    async with serving(t, "--outbound-high-water-bytes", 65536) as server:
        conn, other = await v1(server, workspace="w"), await v1(server, workspace="w")
        quiet = [await start(conn, "eof", io=io) for _ in range(10) for _, io in BOTH]
        for session in quiet:
            await session.until("ready")
        flood = await start(conn, "spew", 10**12)
        conn.pause()
        await stalled(other, flood)
        for session in quiet:
            await other.request("process/terminate", {"sessionId": session.id, "mode": "force"})
        await until(other, lambda counts: not any(Watched.all([session.pid]) for session in quiet), "reaping")
        await other.request("process/terminate", {"sessionId": flood.id, "mode": "force"})
        conn.resume()
        for session in quiet:
            exited = await session.closed()
            assert exited["signal"] == "KILL" and exited["cause"] == "client"
        await flood.closed()


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
