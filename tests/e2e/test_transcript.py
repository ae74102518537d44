#!/usr/bin/python3
"""Transcripts: what is kept of each stream, where it was, and how it is had again."""

import asyncio
import os
import sys

from support import (BOTH, NO_INPUT, PIPES, PTY, lean, needs_native, refused, run, serving, shell, start, status,
                     unb64, until, v1, within)

from px import pattern, tap

CAP = 65536


def kept(total, cap=CAP):
    """What a transcript of 'cap' keeps of 'total' bytes of the pattern, and what it says is missing."""
    data = pattern.spew(total)
    if total <= cap:
        return data, None
    head, tail = cap // 2, cap - cap // 2
    return data[:head] + data[-tail:], {"offset": head, "bytes": total - cap}


async def test_head_and_tail(t):
    """The first half of the cap from the beginning, the rest from the end, to the byte, for each stream by itself."""
    for cap in (100, 1001, CAP):
        async with serving(t, "--retained-output-bytes-per-process", cap) as server:
            conn = await v1(server)
            for out, err in ((0, 0), (cap - 1, cap), (cap + 1, 3), (10 * cap + 7, cap + 100000), (1000003, 2 * cap + 1)):
                session = await run(conn, argv=shell(f"$child spew {out}; $child spew {err} stderr"))
                snapshot = await session("snapshot")
                omitted = {}
                for stream, total in (("stdout", out), ("stderr", err)):
                    want, missing = kept(total, cap)
                    assert unb64(snapshot[stream]) == want, (cap, stream, total, len(unb64(snapshot[stream])))
                    if missing:
                        omitted[stream] = missing
                    assert session.data(stream) == pattern.spew(total), "what was sent live"
                assert snapshot["omitted"] == omitted and snapshot["truncated"] is bool(omitted), snapshot["omitted"]
                assert snapshot["totalBytes"] == {"stdout": out, "stderr": err} and snapshot["terminal"] == "", snapshot


async def test_terminal_stream(t):
    """A terminal has the one stream."""
    async with serving(t, "--retained-output-bytes-per-process", CAP) as server:
        session = await run(await v1(server), "spew", 300000, io=PTY)
        snapshot = await session("snapshot")
        want, missing = kept(300000)
        assert unb64(snapshot["terminal"]) == want and snapshot["omitted"] == {"terminal": missing}, snapshot["omitted"]
        assert snapshot["totalBytes"] == {"terminal": 300000} and snapshot["stdout"] == snapshot["stderr"] == ""


async def test_bytes_untouched(t):
    """All byte values come through, live and kept, from a pipe and from a raw terminal."""
    async with serving(t) as server:
        conn = await v1(server)
        for stream, io in (("stdout", PIPES), ("terminal", PTY)):
            session = await run(conn, "bytes", 100, io=io)
            assert session.data() == bytes(range(256)) * 100
            assert unb64((await session("snapshot"))[stream]) == bytes(range(256)) * 100


def check_chunks(chunks, sent):
    """Chunks are in order by number, each where it says, holes only where bytes are missing; the bytes by stream."""
    seq, offsets, held = 0, {}, {}
    for chunk in chunks:
        stream, data = chunk["stream"], unb64(chunk["chunk"])
        assert data and chunk["seq"] > seq, chunk
        assert chunk["offset"] >= offsets.get(stream, 0), chunk
        assert data == sent[stream][chunk["offset"]:chunk["offset"] + len(data)], (stream, chunk["offset"])
        seq, offsets[stream] = chunk["seq"], chunk["offset"] + len(data)
        held[stream] = held.get(stream, 0) + len(data)
    return held


async def test_read(t):
    """read gives what is kept with numbers and absolute offsets, and counts what is not."""
    async with serving(t, "--retained-output-bytes-per-process", CAP) as server:
        session = await run(await v1(server), argv=shell("$child spew 500000; $child spew 1000 stderr"))
        sent = {"stdout": pattern.spew(500000), "stderr": pattern.spew(1000)}
        result = await session("read")
        held = check_chunks(result["chunks"], sent)
        assert held == {"stdout": CAP, "stderr": 1000}, held
        assert result["lostBytes"] == 500000 - CAP and result["closed"] is True and result["exitCode"] == 0
        assert result["nextSeq"] == session.output.closed["seq"] + 1
        after = await session("read", afterSeq=result["nextSeq"] - 1)
        assert after["chunks"] == [] and after["lostBytes"] == 0 and after["nextSeq"] == result["nextSeq"], after
        beyond = await session("read", afterSeq=10**15)
        assert beyond["chunks"] == [] and beyond["nextSeq"] == result["nextSeq"], beyond


async def test_read_by_pages(t):
    """Read piece by piece, a transcript is the same, with losses counted once."""
    async with serving(t, "--retained-output-bytes-per-process", CAP) as server:
        session = await run(await v1(server), argv=shell("$child both 500; $child spew 500000"))
        whole = await session("read")
        for page in (0, 1, 1000, 20000, 10**9):
            chunks, lost, after, turns = [], 0, 0, 0
            while True:
                result = await session("read", afterSeq=after, maxBytes=page)
                chunks += result["chunks"]
                lost += result["lostBytes"]
                assert result["nextSeq"] > after
                size = sum(len(unb64(chunk["chunk"])) for chunk in result["chunks"])
                assert size <= page or len(result["chunks"]) == 1, (page, size)
                turns += 1
                if not result["chunks"]:
                    break
                after = result["nextSeq"] - 1
            assert chunks == whole["chunks"] and lost == whole["lostBytes"], (page, lost, whole["lostBytes"])
            assert turns >= (2 if page == 10**9 else 3)


async def test_read_waits(t):
    """A read waits for the next event and no longer: output, the exit, the close, or its time."""
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session = await start(conn, "eof", io=io)
            await session.until("ready")
            seen = (await session("read"))["nextSeq"] - 1
            empty = await session("read", afterSeq=seen, waitMs=50)
            assert empty["chunks"] == [] and empty["nextSeq"] == seen + 1 and not empty["exited"]
            waiting = await session.ask("read", afterSeq=seen, waitMs=300000)
            assert (await session("wait", timeoutMs=0))["timedOut"] is True
            assert not waiting.done()
            await session("closeStdin")
            result = (await within(waiting, "read"))["result"]
            assert b"eof after 0 bytes" in unb64(result["chunks"][0]["chunk"]), result
            await session.closed()
            result = await session("read", afterSeq=10**6, waitMs=300000)
            assert result["closed"] is True and result["chunks"] == []


async def test_read_waits_for_the_close(t):
    """Between the exit and the close a read waits on."""
    fifo = os.path.join(t.folder(), "fifo")
    os.mkfifo(fifo)
    async with serving(t) as server:
        conn = await v1(server)
        session = await start(conn, "hold-output", fifo)
        await session.exited()
        seen = (await session("read"))["nextSeq"] - 1
        waiting = await session.ask("read", afterSeq=seen, waitMs=300000)
        assert (await session("read", afterSeq=seen))["closed"] is False and not waiting.done()
        await session("release")
        assert (await within(waiting, "answer"))["error"]["code"] == -32004


async def follow(conn, session, after=None):
    """Subscribes; what is then told, up to the close."""
    params = {} if after is None else {"afterSeq": after}
    answer = await conn.request("process/subscribe", {"sessionId": session.id, **params})
    told = []
    while not told or told[-1][0] != "process/closed":
        message = await conn.recv()
        told.append((message["method"], message["params"]))
    return answer, told


async def test_subscribe_replays(t):
    """A subscription replays what is kept after its place, exit and close too, exactly as it was sent live."""
    async with serving(t) as server:
        conn = await v1(server, workspace="w")
        session = await start(conn, argv=shell("$child both 300; exit 5"))
        live = []
        while not live or live[-1][0] != "process/closed":
            message = await conn.recv()
            if message["method"] != "process/started":
                live.append((message["method"], message["params"]))
        last = live[-1][1]["seq"]
        for after in sorted({0, 1, last - 2, last - 1}):
            other = await v1(server, workspace="w")
            answer, told = await follow(other, session, after)
            assert answer == {"nextSeq": last + 1, "lostBytes": 0}, answer
            assert told == [one for one in live if one[1]["seq"] > after], after
            await other.close()


async def test_subscribe_counts_losses(t):
    """Where bytes are no longer kept the replay has a hole, and the answer says how large all of them are."""
    async with serving(t, "--retained-output-bytes-per-process", CAP) as server:
        conn = await v1(server, workspace="w")
        session = await run(conn, "spew", 1000000)
        other = await v1(server, workspace="w")
        answer, told = await follow(other, session, 0)
        assert answer["lostBytes"] == 1000000 - CAP, answer
        chunks = [params for method, params in told if method == "process/outputDelta"]
        assert check_chunks(chunks, {"stdout": pattern.spew(1000000)}) == {"stdout": CAP}


async def test_many_followers(t):
    """Followers that come at different times all see the whole."""
    async with serving(t, listen=("unix", "ws")) as server:
        first = await v1(server, workspace="w")
        session = await start(first, "raw-echo")
        await session.until("ready")
        followers = []
        for i in range(6):
            conn = await v1(server, "ws" if i % 2 else "unix", workspace="w")
            follower = type(session)(conn, session.id, session.pid)
            assert (await follower("subscribe", afterSeq=0))["lostBytes"] == 0
            followers.append(follower)
            await session.write(f"line {i}\n")
        await session("closeStdin")
        for follower in [session, *followers]:
            assert (await follower.closed())["exitCode"] == 0
            assert follower.text() == "ready\n" + "".join(f"line {i}\n" for i in range(6))


async def test_unsubscribe(t):
    """Without a subscription nothing is told; the output is kept all the same."""
    async with serving(t) as server:
        conn = await v1(server)
        session = await start(conn, "echo")
        await session("unsubscribe")
        await session.write("unheard")
        await session("closeStdin")
        assert (await session("wait"))["exitCode"] == 0
        assert unb64((await session("snapshot"))["stdout"]) == b"unheard"
        told = [message["method"] for message in conn.inbox]
        assert told == ["process/started"], told
        await session("subscribe", afterSeq=0)
        await session.closed()
        assert session.text() == "unheard"


@needs_native
async def test_memory_follows_what_is_kept(t):
    """Transcripts take the room of what they hold, not of what they may hold, and give it back."""
    flags = "--retained-output-bytes-per-process", 256 << 20, "--max-processes-per-connection", 300
    async with serving(t, *flags, env=lean()) as server:
        conn = await v1(server)
        before = status(server.pid, "VmRSS")
        sessions = await asyncio.gather(*(run(conn, "spew", 1000) for _ in range(100)))
        small = status(server.pid, "VmRSS") - before
        for session in sessions:
            await session("release")
        session = await run(conn, "spew", 64 << 20)
        large = status(server.pid, "VmRSS") - before
        await session("release")
        await until(conn, lambda _: status(server.pid, "VmRSS") - before < 24 << 20, "return of the memory")
        assert small < 16 << 20, small
        assert 64 << 20 <= large < 128 << 20, large


async def test_exited_sessions_are_bounded(t):
    """A workspace keeps as many exited sessions as it may have running ones; the oldest goes first."""
    async with serving(t, "--max-processes-per-connection", 3) as server:
        conn = await v1(server)
        for i in range(8):
            await run(conn, "exit", i, io=NO_INPUT)
        kept_codes = [row["exitCode"] for row in (await conn.request("process/list"))["sessions"]]
        assert kept_codes == [5, 6, 7], kept_codes


async def test_retention_time(t):
    """An exited session is forgotten when its time has passed; a running one is not."""
    async with serving(t, "--exited-retention-ms", 100) as server:
        conn = await v1(server)
        running, session = await start(conn, "echo"), await run(conn, "exit", 0)
        rows = []
        while len(rows) != 1:
            rows = (await conn.request("process/list"))["sessions"]
        assert rows[0]["sessionId"] == running.id
        async with refused("unknownSession", -32004):
            await session("snapshot")
        await running("closeStdin")


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
