#!/usr/bin/python3
"""Limits: each is reached exactly, told by name and value, and what is given back can be used again."""

import asyncio
import json
import subprocess
import sys

from support import (BOTH, LONG_MS, NO_INPUT, PIPES, PTY, b64, batch, child, counted, graceful, holdings, http,
                     needs_native, refused, run, serving, shell, start, unb64, until, v1, within)

from px import pattern, tap
from px.conn import Output

KIB = 1 << 10


async def over(limit, value, conn, **options):
    """One start more is refused by this limit and leaves nothing."""
    async with refused("limitExceeded", -32008) as error:
        await start(conn, "echo", **options)
    assert (error["limit"], error["value"]) == (limit, value), error


async def test_processes_of_a_workspace(t):
    """max_processes_per_connection counts what runs in a workspace, over all its connections, and nothing else."""
    async with serving(t, "--max-processes-per-connection", 3) as server:
        one, two = await v1(server, workspace="w"), await v1(server, workspace="w")
        other = await v1(server)
        await run(one, "exit", 0)
        sessions = [await start(conn, "echo", io=io) for conn, io in ((one, PIPES), (two, PTY), (one, PIPES))]
        before = holdings(server)
        for conn in (one, two):
            await over("max_processes_per_connection", 3, conn)
        assert holdings(server) == before
        await (await start(other, "echo"))("terminate", mode="force")
        # A repeated start needs no room.
        named = await start(other, "echo", name="n")
        assert (await start(other, "echo", name="n")).existing is True
        await named("closeStdin")
        await sessions[0]("closeStdin")
        await sessions[0].exited()
        sessions.append(await start(two, "echo"))
        await over("max_processes_per_connection", 3, one)
        for session in sessions[1:]:
            await session("terminate", mode="force")


async def test_processes_of_the_server(t):
    """max_processes counts over all workspaces and dialects."""
    async with serving(t, "--max-processes", 2) as server:
        one, two = await v1(server), await v1(server)
        old = await server.connect()
        await old.initialize_v0()
        first = await start(one, "echo")
        params = {"argv": [child(), "ignore-term"], "cwd": "/", "env": {}, "tty": False}
        assert await old.request("command/exec", params) == {"sessionId": "session-1"}
        await over("max_processes", 2, two)
        async with refused("limitExceeded", -32008) as error:
            await old.request("command/exec", params)
        assert (error["limit"], error["value"]) == ("max_processes", 2), error
        await first("closeStdin")
        await first.exited()
        second = await start(two, "echo")
        await over("max_processes", 2, one)
        await old.close()
        await counted(one, running=1)
        await start(one, "exit", 0)
        await second("closeStdin")


async def test_processes_ended_by_force(t):
    """A program that is being ended counts until it is gone."""
    async with serving(t, "--max-processes-per-connection", 1) as server:
        conn = await v1(server)
        for _, io in BOTH:
            session = await start(conn, "ignore-term", io=io)
            await session.until("ready")
            ending = await session.ask("terminate", mode={"graceful": {"timeoutMs": LONG_MS}})
            await over("max_processes_per_connection", 1, conn)
            await session("terminate", mode="force")
            await within(ending, "answer")
            await (await start(conn, "exit", 0)).closed()


async def test_connections(t):
    """max_connections: one more is told so and ended; when one has gone there is room."""
    async with serving(t, "--max-connections", 3, listen=("unix", "ws")) as server:
        conns = [await v1(server, "unix"), await v1(server, "ws"), await v1(server, "unix")]
        for _ in range(3):
            reader, writer = await asyncio.open_unix_connection(server.url("unix")[len("unix://"):])
            answer = json.loads(await within(reader.read(), "refusal"))
            assert answer["id"] is None and answer["error"]["code"] == -32008, answer
            data = answer["error"]["data"]
            assert (data["kind"], data["limit"], data["value"]) == ("limitExceeded", "max_connections", 3), data
            writer.close()
            assert (await http(server, "/healthz")).status == 503
        await conns[0].close()
        await counted(conns[1], connections=2)
        fresh = await v1(server, "ws")
        assert (await run(fresh, "exit", 2)).output.exited["exitCode"] == 2
        await conns[1].close()
        await counted(fresh, connections=2)


async def test_concurrent_requests(t):
    """Requests at one time: as many as allowed wait, the next is refused at once, and an answer makes room for one."""
    async with serving(t, "--max-concurrent-requests-per-connection", 5) as server:
        conn, other = await v1(server, workspace="w"), await v1(server, workspace="w")
        session = await start(conn, "raw-echo")
        await session.until("ready")
        waits = [await session.ask("wait", until=[{"match": f"<{i}>"}]) for i in range(5)]
        for _ in range(3):
            async with refused("overloaded", -32001):
                await conn.request("server/info")
        await other.request("process/write", {"sessionId": session.id, "chunk": b64("<3>")})
        assert (await within(waits.pop(3), "answer"))["result"]["reason"] == "match"
        await conn.request("server/info")
        waits.append(await session.ask("wait"))
        async with refused("overloaded", -32001):
            await conn.request("server/info")
        await other.request("process/terminate", {"sessionId": session.id, "mode": "force"})
        for wait in waits:
            assert (await within(wait, "answer"))["result"]["reason"] == "exit"


async def test_bytes_of_waiting_requests(t):
    """Writes that wait hold a bounded number of bytes; one more is refused, and nothing of it is written."""
    size = 50 * KIB
    async with serving(t, "--max-message-bytes", 256 * KIB, "--stdin-queue-bytes", KIB) as server:
        conn = await v1(server)
        session = await start(conn, "raw-sink", 3 * size + 4)
        await session.until("ready")
        await session("signal", signal="STOP")
        data = pattern.spew(3 * size)
        # The first goes into the pipe, in part; of the others there is room for two.
        writes = [await session.ask("write", chunk=b64(data[i * size:(i + 1) * size])) for i in range(3)]
        refusals = 0
        for _ in range(10):
            async with refused("overloaded", -32001):
                await session.write(b"x" * 3 * size)
            refusals += 1
        assert refusals == 10
        await session("signal", signal="CONT")
        for write in writes:
            assert (await within(write, "answer"))["result"] == {"accepted": True}
        await session.write("last")
        await session.closed()
        assert session.data() == b"ready\n" + pattern.sink_line(data + b"last")


def message(size, **members):
    """A request of exactly 'size' bytes."""
    text = json.dumps({"id": "big", "method": "process/list", "params": {"x": ""}, **members})
    return text.replace('"x": ""', '"x": "%s"' % ("x" * (size - len(text))))


async def test_message_size(t):
    """max_message_bytes to the byte, on each transport; over it, a stream is told and ended, a WebSocket closed 1009."""
    limit = 100 * KIB
    async with serving(t, "--max-message-bytes", limit, listen=("unix", "ws")) as server:
        for scheme in ("unix", "ws"):
            conn = await v1(server, scheme)
            await conn.send_raw(message(limit))
            assert (await conn.recv())["id"] == "big"
            await conn.send_raw(message(limit + 1))
            if scheme == "unix":
                answer = await conn.recv()
                assert answer["id"] is None and answer["error"]["code"] == -32600, answer
                assert f"larger than {limit} bytes" in answer["error"]["message"], answer
            assert await conn.end() == (1009 if scheme == "ws" else None)
        # A line that never ends is not gathered either.
        conn = await v1(server, "unix")
        for _ in range(3):
            await conn.transport.send_bytes(b"x" * 50 * KIB)
        assert "larger than" in (await conn.recv())["error"]["message"]
        await conn.end()


async def test_message_size_before_initialize(t):
    """Before initialize a message has 64 KiB, whatever it may have afterwards."""
    async with serving(t, listen=("unix", "ws")) as server:
        for scheme in ("unix", "ws"):
            conn = await server.connect(scheme)
            await conn.send_raw(message(64 * KIB))
            assert (await conn.recv())["error"]["message"] == "Not initialized"
            await conn.send_raw(message(64 * KIB + 1))
            if scheme == "unix":
                assert f"larger than {64 * KIB} bytes" in (await conn.recv())["error"]["message"]
            assert await conn.end() == (1009 if scheme == "ws" else None)
            conn = await v1(server, scheme)
            await conn.send_raw(message(1024 * KIB))
            assert (await conn.recv())["id"] == "big"


async def test_pipelined_behind_initialize(t):
    """A large message that is sent right behind initialize is measured by the limit that initialize has opened."""
    async with serving(t) as server:
        conn = await server.connect()
        initialize = {"id": 1, "method": "initialize",
                      "params": {"clientName": "x", "protocolVersion": "exec-server.v1"}}
        await conn.transport.send_bytes(json.dumps(initialize).encode() + b"\n" + message(500 * KIB).encode() + b"\n")
        assert (await conn.recv())["id"] == 1 and (await conn.recv())["id"] == "big"


async def test_slow_to_initialize(t):
    """A connection that does not initialize in time is ended; one that has may be silent for longer."""
    async with serving(t, "--initialize-timeout-ms", 300, listen=("unix", "ws")) as server:
        early = await v1(server)
        for scheme in ("unix", "ws"):
            silent = await server.connect(scheme)
            assert await silent.end() == (1008 if scheme == "ws" else None)
        half = await server.connect("unix")
        await half.transport.send_bytes(b'{"id":1,')
        await half.end()
        host, _, port = server.url("ws")[len("ws://"):].rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\r\nHost: ")
        await within(reader.read(), "end of a connection that never upgrades")
        writer.close()
        assert (await run(early, "exit", 3)).output.exited["exitCode"] == 3


@needs_native
async def test_descriptors_for_connections(t):
    """Without descriptors nobody new gets in, who is in is served, and the queue is taken up when there are some."""
    async with serving(t) as server:
        conn = await v1(server)
        before = holdings(server)
        argv = ["prlimit", "--pid", str(server.pid), "--nofile", "--noheadings", "--raw", "--output", "SOFT,HARD"]
        soft, hard = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
        subprocess.run(["prlimit", "--pid", str(server.pid), f"--nofile={max(before[0]) + 1}:{hard}"], check=True)
        waiting = [await server.connect() for _ in range(3)]
        answers = [await one.ask("initialize", {"clientName": "x", "protocolVersion": "exec-server.v1"}) for one in waiting]
        await server.log_line(lambda line: "EMFILE" in line)
        for _ in range(20):
            assert (await conn.request("process/list"))["sessions"] == []
        assert not any(answer.done() for answer in answers)
        subprocess.run(["prlimit", "--pid", str(server.pid), f"--nofile={soft}:{hard}"], check=True)
        for answer in answers:
            assert "result" in await within(answer, "answer to one that waited")


async def test_input_of_many_sessions(t):
    """The queue of each session is its own: a full one takes nothing from the others."""
    async with serving(t, "--stdin-queue-bytes", 4 * KIB) as server:
        conn = await v1(server)
        stuck = await start(conn, "no-read")
        await stuck.until("ready")
        writes = [await stuck.ask("write", chunk=b64(bytes(50 * KIB))) for _ in range(10)]
        for _, io in BOTH:
            session = await start(conn, "raw-sink", 300 * KIB, io=io)
            await session.until("ready")
            data = pattern.spew(300 * KIB)
            assert await session.write(data) == {"accepted": True}
            await session.closed()
            assert session.data() == b"ready\n" + pattern.sink_line(data)
        assert not writes[-1].done()
        await stuck("terminate", mode="force")
        await asyncio.gather(*(within(write, "answer") for write in writes))


async def test_batch_of_waiting_requests(t):
    """A batch is answered when all of it is, in its order, and counts against the bound meanwhile."""
    async with serving(t, "--max-concurrent-requests-per-connection", 3) as server:
        conn = await v1(server)
        session = await start(conn, "raw-echo")
        await session.until("ready")
        requests = [{"id": "w", "method": "process/wait", "params": {"sessionId": session.id, "until": [{"match": "go"}]}},
                    {"id": "x", "method": "process/write", "params": {"sessionId": session.id, "chunk": b64("go")}},
                    {"id": "l", "method": "process/list"}]
        answers = await batch(conn, requests)
        assert [answer["id"] for answer in answers] == ["w", "x", "l"], answers
        assert answers[0]["result"]["reason"] == "match" and all("result" in answer for answer in answers), answers
        await conn.request("server/info")
        await session("terminate", mode="force")


async def test_batch_of_a_start_and_its_end(t):
    """A batch may wait for a program that writes more than is kept: what it started is told before the answer then."""
    async with serving(t, "--retained-output-bytes-per-process", 64 * KIB) as server:
        conn = await v1(server)
        of = {"sessionId": "a"}
        requests = [{"id": 1, "method": "process/start", "params": {
                        **of, "direct": {"argv": [child(), "spew", "1000000"]}, "io": NO_INPUT}},
                    {"id": 2, "method": "process/wait", "params": of}]
        answers = await batch(conn, requests)
        assert answers[1]["result"]["reason"] == "exit", answers
        output = await Output(conn, "a").until_closed()
        assert output.data() == pattern.spew(1000000) and output.exited["exitCode"] == 0

        requests[0]["params"] = {"sessionId": "b", "io": NO_INPUT, "direct": {
            "argv": shell("trap '' TERM; exec $child spew 10000000000")}}
        requests[1] = {"id": 2, "method": "process/terminate", "params": {"sessionId": "b", "mode": graceful(300)}}
        answers = await batch(conn, requests)
        assert answers[1]["result"] == {"running": True}, answers
        await Output(conn, "b").until_closed()


async def test_retention_counts_bytes_not_sessions(t):
    """What a session keeps is in its row; released, it is nowhere."""
    async with serving(t, "--retained-output-bytes-per-process", 64 * KIB) as server:
        conn = await v1(server)
        session = await run(conn, "spew", 1000000, io=NO_INPUT)
        row, = (await conn.request("process/list"))["sessions"]
        assert row["retainedBytes"] == 64 * KIB, row
        assert len(unb64((await session("snapshot"))["stdout"])) == 64 * KIB
        await session("release")
        await until(conn, lambda counts: counts["sessions"] == 0, "release")


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
