#!/usr/bin/python3
"""Input: nothing lost, nothing unbounded, nothing out of order, and nobody kept from reading meanwhile."""

import asyncio
import fcntl
import os
import struct
import sys
import termios

from support import (BOTH, NO_INPUT, PIPES, PTY, Watched, b64, child, graceful, refused, run, serving, shell, stalled,
                     start, status, unb64, until, v1, within)

from px import pattern, tap
from px.tap import deadline

MB = 1 << 20
BLOCK = 4096


async def stopped(session):
    """Stops the session's process, so that it reads no further."""
    await session("signal", signal="STOP")
    await until(session.conn, lambda _: status(session.pid, "State") == "T", "stop of the process")


async def ask_all(session, blocks, **params):
    """Sends a write for each block without waiting for an answer, then something that is answered behind them."""
    writes = [await session.ask("write", chunk=b64(block), **{k: f"{v}{i}" for k, v in params.items()})
              for i, block in enumerate(blocks)]
    await session.conn.request("server/info")
    return writes


def accepted(writes):
    """How many of the writes have been answered; those are the first."""
    done = [write.done() for write in writes]
    count = sum(done)
    assert all(done[:count]), done
    assert all(write.result()["result"] == {"accepted": True} for write in writes[:count])
    return count


@deadline(120)
async def test_big_paste_into_raw_terminal(t):
    """10 MB in one write into a raw terminal that sends them back: no deadlock, no byte lost."""
    data = pattern.spew(10 * MB)
    async with serving(t) as server:
        session = await start(await v1(server), "raw-echo", io=PTY)
        await session.until("ready")
        write = await session.ask("write", chunk=b64(data))
        await session.output.until(lambda o: len(o.data("terminal")) >= len(data) + len("ready\n"), 100)
        assert session.data() == b"ready\n" + data
        assert (await write)["result"] == {"accepted": True}
        await session("terminate", mode="force")


@deadline(120)
async def test_many_writes(t):
    """10 MB in many writes at once, to a terminal and to a pipe, arrive whole and in order."""
    data = pattern.spew(10 * MB)
    async with serving(t, "--stdin-queue-bytes", 100000, listen=("ws",)) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session = await start(conn, "raw-sink", len(data), io=io)
            await session.until("ready")
            gate = asyncio.Semaphore(100)

            async def write(offset):
                try:
                    assert await answer[offset] == {"accepted": True}
                finally:
                    gate.release()

            answer, tasks = {}, []
            for offset in range(0, len(data), 50000):
                await gate.acquire()
                future = await session.ask("write", chunk=b64(data[offset:offset + 50000]))
                answer[offset] = result_of(future)
                tasks.append(asyncio.ensure_future(write(offset)))
            await asyncio.gather(*tasks)
            await session.closed()
            assert session.data() == b"ready\n" + pattern.sink_line(data)


async def result_of(future):
    return (await within(future, "answer to a write"))["result"]


async def test_bounded_queue(t):
    """Writes beyond the queue wait, others are served meanwhile, and a slow reader gets all of it in order."""
    blocks = [pattern.spew(BLOCK, i * BLOCK) for i in range(100)]
    async with serving(t, "--stdin-queue-bytes", 16 * BLOCK) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session = await start(conn, "raw-sink", 100 * BLOCK, io=io)
            await session.until("ready")
            await stopped(session)
            writes = await ask_all(session, blocks)
            count = accepted(writes)
            assert 16 <= count <= 34, count
            facts = await session("inspect")
            assert 16 * BLOCK <= facts["unreadInputBytes"] <= 35 * BLOCK, facts
            # On the same session: reading, waiting and looking go on.
            assert unb64((await session("read"))["chunks"][0]["chunk"]).startswith(b"ready")
            assert (await session("wait", timeoutMs=0))["timedOut"] is True
            other = await run(conn, "argv", "served")
            assert other.text() == "[0]=served\n"
            assert count <= accepted(writes) <= 34
            await session("signal", signal="CONT")
            await session.closed()
            assert await asyncio.gather(*map(result_of, writes)) == [{"accepted": True}] * 100
            assert session.data() == b"ready\n" + pattern.sink_line(b"".join(blocks))


async def test_waiting_writes_fail_at_the_end(t):
    """When the program ends, writes that wait are answered: its input is closed."""
    async with serving(t, "--stdin-queue-bytes", 16 * BLOCK) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session = await start(conn, "no-read", io=io)
            await session.until("ready")
            writes = await ask_all(session, [bytes(BLOCK)] * 100)
            count = accepted(writes)
            assert count < 100
            await session("terminate", mode="force")
            answers = await asyncio.gather(*(within(write, "answer") for write in writes))
            taken = ["result" in answer for answer in answers]
            assert count <= sum(taken) <= 34 and all(taken[:sum(taken)]), taken
            assert all(answer["error"]["code"] == -32005 for answer in answers[sum(taken):]), answers
            assert (await session.closed())["cause"] == "client"


async def test_waiting_writes_of_a_lost_connection(t):
    """What waits is cancelled with its connection, except writes that have an id: those may be asked again."""
    async with serving(t, "--stdin-queue-bytes", 16 * BLOCK) as server:
        keeper = await v1(server, workspace="w")
        for params, name in (({}, "plain"), ({"writeId": "w"}, "with-ids")):
            conn = await v1(server, workspace="w")
            session = await start(conn, "sink", name=name)
            await stopped(session)
            writes = await ask_all(session, [bytes(BLOCK)] * 100, **params)
            count = accepted(writes)
            for write in writes:
                write.cancel()
            await conn.close()
            session.conn = keeper
            await session("subscribe", afterSeq=0)
            session.output.conn = keeper
            if params:
                assert await session.write(bytes(BLOCK), writeId="w99") == {"accepted": True}
            await session("signal", signal="CONT")
            await session("closeStdin")
            await session.closed()
            got = int(session.text().split()[0])
            if params:
                assert got == 100 * BLOCK, got
            else:
                assert count * BLOCK <= got <= (count + 1) * BLOCK, (got, count)


async def test_write_id(t):
    """A write that is repeated with its id is answered again and written once."""
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session = await start(conn, "raw-echo", io=io)
            await session.until("ready")
            for write_id, text in (("a", "one"), ("a", "one"), ("b", "two"), ("a", "other"), ("b", "two"), ("c", ".")):
                assert await session.write(text, writeId=write_id) == {"accepted": True}
            await session.until(".")
            assert session.text().split("\n", 1)[1] == "onetwo.", session.text()
            await session("terminate", mode="force")


async def test_order_of_effects(t):
    """A resize between writes takes its place among them though they wait."""
    data = pattern.spew(400000)

    def size(path):
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        try:
            return struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))[:2]
        finally:
            os.close(fd)

    async with serving(t, "--stdin-queue-bytes", 65536) as server:
        conn = await v1(server)
        session = await start(conn, "raw-sink", len(data), io=PTY)
        await session.until("ready")
        terminal = os.readlink(f"/proc/{session.pid}/fd/0")
        await stopped(session)
        write = await session.ask("write", chunk=b64(data))
        resize = await session.ask("resize", rows=50, cols=60)
        again = await session.ask("write", chunk=b64(""))
        await conn.request("server/info")
        assert not write.done() and not resize.done() and not again.done()
        assert size(terminal) == (24, 80)
        await session("signal", signal="CONT")
        assert await result_of(again) == {"accepted": True}
        assert write.done() and resize.done() and resize.result()["result"] == {}
        assert size(terminal) == (50, 60)
        await session.closed()
        assert session.data() == b"ready\n" + pattern.sink_line(data)


async def test_end_of_input_after_writes(t):
    """The end of input comes behind all that was written before it, however much of that still waits."""
    data = pattern.spew(4 * MB)
    async with serving(t) as server:
        conn = await v1(server)
        session = await start(conn, "sink")
        write, close = await session.ask("write", chunk=b64(data)), await session.ask("closeStdin")
        late = await session.ask("write", chunk=b64("late"))
        assert (await within(late, "answer"))["error"]["code"] == -32005
        await session.closed()
        assert session.data() == pattern.sink_line(data)
        assert await result_of(write) == {"accepted": True} and await result_of(close) == {}
        assert await session("closeStdin") == {}


async def test_end_of_input_of_a_terminal(t):
    """A terminal's end of input is the character that its program has set for it, now."""
    async with serving(t) as server:
        conn = await v1(server)
        for setting in ("eof ^D", "eof ^X", "eof Q"):
            session = await start(conn, argv=shell(f"stty -echo {setting}; exec $child eof"), io=PTY)
            await session.until("ready")
            await session.write("two\nlines\n")
            assert await session("closeStdin") == {}
            await session.closed()
            assert session.text() == "ready\neof after 10 bytes\n", session.text()

        session = await start(conn, argv=shell("stty -echo eof undef; exec $child eof"), io=PTY)
        await session.until("ready")
        async with refused("invalidRequest", -32600):
            await session("closeStdin")
        await session("terminate", mode=graceful())
        await session.closed()


async def test_input_closed_from_the_start(t):
    """/dev/null is at its end at once, and no write is taken."""
    async with serving(t) as server:
        conn = await v1(server)
        session = await run(conn, "eof", io=NO_INPUT)
        assert session.text() == "ready\neof after 0 bytes\n"
        session = await start(conn, "no-read", io=NO_INPUT)
        async with refused("stdinClosed", -32005):
            await session.write("x")
        assert await session("closeStdin") == {}
        async with refused("stdinClosed", -32005):
            await conn.request("process/run", {"direct": {"argv": [child(), "echo"]}, "io": NO_INPUT, "chunk": b64("x")})
        await session("terminate", mode="force")


async def test_reader_that_closed_its_input(t):
    """Writing to a program that has closed its input is an error of that write, and nobody dies of SIGPIPE."""
    async with serving(t) as server:
        conn = await v1(server)
        session = await start(conn, argv=shell("exec <&-; exec $child no-read"))
        await session.until("ready")
        async with refused("stdinClosed", -32005):
            await session.write("x")
        async with refused("stdinClosed", -32005):
            await session.write("x")
        assert (await session("inspect"))["running"] is True
        await session("terminate", mode="force")
        await session.closed()


async def test_interrupt_gets_through(t):
    """^C reaches a flooding program though its output is stuck behind a client that does not read."""
    async with serving(t, "--outbound-high-water-bytes", 65536) as server:
        conn, observer = await v1(server, workspace="w"), await v1(server, workspace="w")
        session = await start(conn, "spew", 10**12, io=PTY)
        program = Watched(session.pid)
        conn.pause()
        await stalled(observer, session)
        await session.ask("write", chunk=b64("\x03"))
        await program.gone()
        conn.resume()
        exited = await session.closed()
        assert (exited["signal"], exited["cause"]) == ("INT", "self"), exited


async def test_whole_conversations(t):
    """run and communicate: input, its end, the exit and the output in one round trip."""
    data = pattern.spew(5 * MB)
    async with serving(t) as server:
        conn = await v1(server)
        result = await conn.request("process/run", {"direct": {"argv": [child(), "sink"]}, "io": PIPES, "chunk": b64(data)})
        assert unb64(result["stdout"]) == pattern.sink_line(data) and result["exitCode"] == 0
        assert (result["reason"], result["existing"], result["truncated"]) == ("exit", False, False), result
        session = await start(conn, "sink")
        await session.write(data[:1000])
        result = await session("communicate", chunk=b64(data[1000:]))
        assert unb64(result["stdout"]) == pattern.sink_line(data) and result["exitCode"] == 0
        result = await conn.request("process/run", {
            "direct": {"argv": shell("exec $child eof")}, "io": PTY, "chunk": b64("a line\n")})
        assert b"eof after 7 bytes" in unb64(result["terminal"]) and result["exitCode"] == 0, result
        # A program that ends without reading has not failed.
        result = await conn.request("process/run", {"direct": {"argv": [child(), "exit", "4"]}, "io": PIPES, "chunk": b64(data)})
        assert result["exitCode"] == 4 and result["stdout"] == "", result


async def test_resize(t):
    """A resize reaches the program as SIGWINCH with the new size; pipes have none, and after the end it is nothing."""
    async with serving(t) as server:
        conn = await v1(server)
        session = await start(conn, "size", io=PTY)
        await session.until("24x80\r\n")
        for rows, cols in ((50, 132), (1, 1), (65535, 65535)):
            assert await session("resize", rows=rows, cols=cols) == {}
            await session.until(f"{rows}x{cols}\r\n")
            assert (await session("inspect"))["io"] == {"pty": {"rows": rows, "cols": cols}}
        await session("terminate", mode="force")
        await session.closed()
        assert await session("resize", rows=2, cols=2) == {}
        session = await start(conn, "echo")
        async with refused("notATerminal", -32602):
            await session("resize", rows=2, cols=2)
        await session("closeStdin")


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
