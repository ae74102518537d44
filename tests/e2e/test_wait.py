#!/usr/bin/python3
"""Waiting: each condition ends a wait when it has come true, and nothing else does."""

import asyncio
import sys

from support import BOTH, LONG_MS, b64, child, refused, run, serving, shell, start, v1, within

from px import tap


async def ready(conn, *mode, **options):
    session = await start(conn, *mode, **options)
    await session.until("ready")
    return session


async def asked(session, **params):
    """A wait that is under way: what was asked behind it has been answered."""
    future = await session.ask("wait", timeoutMs=LONG_MS, **params)
    await session("inspect")
    assert not future.done(), future.result()
    return future


async def reason(future):
    result = (await within(future, "answer to a wait"))["result"]
    assert result["timedOut"] is (result["reason"] == "timeout"), result
    return result["reason"]


async def test_exit(t):
    """An exit ends every wait, whatever it waits for, and says what is to be said."""
    async with serving(t) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session = await ready(conn, "eof", io=io)
            waits = [await asked(session), await asked(session, until=["exit"]),
                     await asked(session, until=[{"match": "never"}, {"bytes": 10**9}, {"idleMs": LONG_MS}])]
            await session("closeStdin")
            for wait in waits:
                result = (await within(wait, "answer"))["result"]
                assert (result["reason"], result["exited"], result["exitCode"]) == ("exit", True, 0), result
                assert (result["signal"], result["cause"], result["timedOut"]) == (None, "self", False), result
            told = await session.closed()
            assert (await session("wait", until=[{"match": "never"}]))["usage"] == told["usage"]


async def test_timeout(t):
    """A wait that runs out of time says so and changes nothing."""
    async with serving(t) as server:
        conn = await v1(server)
        session = await ready(conn, "eof")
        for ms in (0, 1, 50):
            result = await session("wait", timeoutMs=ms, until=[{"match": "never"}])
            assert result == {"reason": "timeout", "exited": False, "exitCode": None, "signal": None, "cause": None,
                              "timedOut": True, "nextSeq": 2, "usage": None}, result
        await session("closeStdin")
        assert (await session.closed())["cause"] == "self"


async def test_bytes(t):
    """N bytes over all streams, counted from the place or from the call."""
    async with serving(t) as server:
        conn = await v1(server)
        session = await ready(conn, "raw-echo")  # "ready\n", then what is written
        wait = await asked(session, until=[{"bytes": 10}])
        from_start = await asked(session, until=[{"bytes": 16}], afterSeq=0)
        assert await reason(await session.ask("wait", until=[{"bytes": 6}], afterSeq=0)) == "bytes"
        assert await reason(await session.ask("wait", until=[{"bytes": 0}])) == "bytes"
        await session.write("123456789")
        await session.until("9")
        await session("inspect")
        assert not wait.done() and not from_start.done()
        await session.write("0")
        assert await reason(wait) == "bytes" and await reason(from_start) == "bytes"
        await session("closeStdin")

        session = await start(conn, argv=shell("$child spew 300 stderr; exec $child raw-echo"))
        await session.until("ready")
        assert await reason(await session.ask("wait", until=[{"bytes": 306}], afterSeq=0)) == "bytes"
        await asked(session, until=[{"bytes": 307}], afterSeq=0)
        await session("terminate", mode="force")
        await session.closed()


async def test_match(t):
    """A text is found in what came after the place or the call, within one stream."""
    async with serving(t) as server:
        conn = await v1(server)
        session = await ready(conn, "raw-echo")
        late = await asked(session, until=[{"match": "ready"}])
        assert await reason(await session.ask("wait", until=[{"match": "ready"}], afterSeq=0)) == "match"
        after = (await session("read"))["nextSeq"] - 1
        wait = await asked(session, until=[{"match": "needle"}])
        await session.write("hay nee")
        await session.until("nee")
        beyond = await asked(session, until=[{"match": "needle"}], afterSeq=after + 1)
        await session.write("dle hay")
        assert await reason(wait) == "match"
        assert await reason(await session.ask("wait", until=[{"match": "needle"}], afterSeq=after)) == "match"
        await session("inspect")
        assert not beyond.done() and not late.done()
        await session("terminate", mode="force")
        assert await reason(beyond) == "exit" and await reason(late) == "exit"


async def test_match_across_chunks(t):
    """Wherever chunks end: each byte of the text in a chunk of its own, false starts before it, and all of 4096 bytes."""
    texts = ["aab", "abababac", "aaaaaaab", "x" * 4095 + "y", "\u20ac\U0001f600"]
    async with serving(t) as server:
        conn = await v1(server)
        for text in texts:
            session = await ready(conn, "raw-echo")
            data = text.encode()
            wait = await asked(session, until=[{"match": text}])
            pieces = [data[:-1], data[:1], data] if len(data) > 100 else [data[:-1], *(data[i:i + 1] for i in range(len(data)))]
            for i, piece in enumerate(pieces):
                assert not wait.done(), (text[:20], i)
                seen = len(session.data()) + len(piece)
                await session.write(piece)
                await session.output.until(lambda o: len(o.data("stdout")) == seen)
                if i < len(pieces) - 1:
                    await session("inspect")
            assert await reason(wait) == "match", text[:20]
            assert session.output.last_seq >= len(pieces) + 1
            await session("terminate", mode="force")


async def test_match_not_across_streams(t):
    """Two halves on two streams are no match; the whole on either is."""
    async with serving(t) as server:
        conn = await v1(server)
        session = await start(conn, argv=shell(
            "printf 'ready nee' ; printf 'dle' >&2; read line; printf 'needle' >&2; read line"))
        await session.until("ready nee")
        await session.output.until(lambda o: o.data("stderr") == b"dle")
        wait = await asked(session, until=[{"match": "needle"}], afterSeq=0)
        await session.write("\n")
        assert await reason(wait) == "match"
        await session("closeStdin")


async def test_idle(t):
    """idle counts from the call or the last output, whichever is later: output puts it off."""
    async with serving(t) as server:
        conn = await v1(server)
        session = await ready(conn, "raw-echo")
        assert await reason(await session.ask("wait", until=[{"idleMs": 0}])) == "idle"
        loop = asyncio.get_running_loop()

        async def put_off(ms, total):
            """Keeps a wait for 'ms' of silence up for 'total'; whether the machine was quick enough for that."""
            wait = await session.ask("wait", until=[{"idleMs": ms}], timeoutMs=LONG_MS)
            began = loop.time()
            while loop.time() - began < total / 1000:
                sent, size = loop.time(), len(session.data())
                await session.write(".")
                await session.output.until(lambda o: len(o.data("stdout")) == size + 1)
                if wait.done():
                    return False
            assert await reason(wait) == "idle"
            assert (loop.time() - sent) * 1000 >= ms - 1
            assert (await session("inspect"))["idleMs"] >= ms - 1
            return True

        ms = 300
        while not await put_off(ms, 2 * ms):
            ms *= 2
        await session("terminate", mode="force")


async def test_any_of_sixteen(t):
    """Of up to sixteen conditions the first to come true is the reason."""
    many = [{"match": f"word-{i}."} for i in range(16)]
    async with serving(t) as server:
        conn = await v1(server)
        session = await ready(conn, "raw-echo")
        wait = await asked(session, until=many)
        await session.write("word-1, word-99. word-15")
        await session.until("word-15")
        await session("inspect")
        assert not wait.done()
        await session.write(".")
        assert await reason(wait) == "match"
        async with refused("invalidParams", -32602):
            await session("wait", until=[*many, "exit"])
        async with refused("invalidParams", -32602):
            await session("wait", until=[])
        await session("terminate", mode="force")


async def test_many_waits(t):
    """A hundred waits on one session, each with its own condition, all end at the right place."""
    async with serving(t) as server:
        conn = await v1(server)
        session = await ready(conn, "raw-echo")
        waits = [await asked(session, until=[{"match": f"<{i}>"}]) for i in range(100)]
        for i in range(100):
            await session.write(f"<{i}>")
            assert await reason(waits[i]) == "match"
            if i < 99:
                assert not waits[i + 1].done()
        await session("terminate", mode="force")


async def test_released_meanwhile(t):
    """A wait whose session is forgotten is answered: there is none."""
    async with serving(t) as server:
        conn = await v1(server)
        session = await run(conn, "exit", 0)
        result = await session("wait", until=[{"idleMs": 0}])
        assert result["reason"] == "exit"
        await session("release")
        async with refused("unknownSession", -32004):
            await session("wait")


async def test_run_with_timeout(t):
    """run's timeout bounds the answer and not the program; direct.timeoutMs bounds the program."""
    async with serving(t) as server:
        conn = await v1(server)
        result = await conn.request("process/run", {
            "sessionId": "a", "direct": {"argv": [child(), "eof"]}, "io": {"pty": {"rows": 2, "cols": 40}}, "timeoutMs": 0,
            "chunk": b64("half a line")})
        assert result["timedOut"] is True and result["running"] is True and result["exitCode"] is None, result
        await conn.request("process/subscribe", {"sessionId": "a"})
        result = await conn.request("process/terminate", {"sessionId": "a", "mode": "force"})
        assert result == {"running": True}
        result = await conn.request("process/run", {"direct": {"argv": [child(), "signals"], "timeoutMs": 200},
                                                    "io": {"pipe": {"stdin": "open"}}})
        assert (result["cause"], result["exitCode"], result["timedOut"]) == ("timeout", 3, False), result


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
