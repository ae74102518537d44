#!/usr/bin/python3
"""Connections that are cut: a client that acknowledges comes back and goes on without a lost byte."""

import contextlib
import random
import sys

from support import (BOTH, LONG_MS, NO_INPUT, PIPES, PTY, RpcError, Session, counted, graceful, serving, shell,
                     stalled, start, v1)

from px import pattern, tap
from px.tap import deadline

MB = 1 << 20
OUTPUTS = 64  # protocol/exec-server.v1.md: acknowledge at the latest after so many
KEPT = ("--detach-ttl-ms", LONG_MS)


class Client:
    """Follows one session over as many connections as it takes, and acknowledges as late as it may."""

    def __init__(self, server, scheme=None):
        self.server, self.scheme = server, scheme
        self.conn = self.token = self.session = None
        self.unacknowledged = [0, 0]  # outputs, bytes

    async def connect(self):
        """A connection, to the workspace of the last one if there was any."""
        resume = {} if self.token is None else {"resumeToken": self.token}
        while True:
            try:
                self.conn = await v1(self.server, self.scheme, capabilities={"acknowledge": True}, **resume)
                break
            except RpcError as error:  # the server has yet to see the end of the last connection
                assert error.kind == "alreadyAttached", error
        self.token = self.conn.hello["resumeToken"]
        self.most = self.conn.hello["limits"]["acknowledgeBytes"]

    async def start(self, *mode, **options):
        await self.connect()
        self.session = await start(self.conn, *mode, **options)
        return self.session

    async def resume(self):
        """Comes back and goes on behind the last number that was seen."""
        session = self.session
        await self.connect()
        session.conn = session.output.conn = self.conn
        followed = await session("subscribe", afterSeq=session.output.last_seq or 0)
        assert followed["lostBytes"] == 0, followed
        self.unacknowledged = [0, 0]

    async def cut(self):
        await self.conn.cut()

    async def read(self, until):
        """Reads on until until() is true, or the session's last notification has come."""
        output = self.session.output
        while output.closed is None and not until():
            before = self.bytes()
            seq = output.last_seq
            await output.until(lambda o, seq=seq: o.last_seq != seq)
            self.unacknowledged[0] += 1
            self.unacknowledged[1] += self.bytes() - before
            if self.unacknowledged[0] >= OUTPUTS or self.unacknowledged[1] >= self.most:
                await self.acknowledge()

    async def acknowledge(self):
        self.unacknowledged = [0, 0]
        await self.conn.notify("process/ack", {"sessionId": self.session.id, "seq": self.session.output.last_seq})

    def bytes(self):
        return sum(map(len, self.session.output.streams.values()))


async def read_with_cuts(client, total, cuts, seed):
    """Reads a session that writes 'total' bytes to its end, with so many cuts on the way."""
    places = sorted(random.Random(seed).randrange(total) for _ in range(cuts))
    for place in places:
        await client.read(lambda place=place: client.bytes() >= place)
        await client.cut()
        await client.resume()
    await client.read(lambda: False)
    assert client.session.output.exited["exitCode"] == 0, client.session.output.exited


@deadline(300)
async def test_fifty_megabytes_in_pieces(t):
    """A flood over a connection that is cut 40 times: each byte comes, once."""
    total = 50 * MB
    async with serving(t, *KEPT) as server:
        client = Client(server)
        await client.start("spew", total, io=NO_INPUT)
        await read_with_cuts(client, total, 40, seed=1)
        assert client.session.data("stdout") == pattern.spew(total)
        await client.session("release")


@deadline(180)
async def test_over_websocket(t):
    """The same over WebSocket, with both streams."""
    total = 4 * MB
    async with serving(t, *KEPT, listen=("ws",)) as server:
        client = Client(server)
        await client.start(argv=shell(f"$child spew {total} stderr & $child spew {total}; wait"), io=NO_INPUT)
        await read_with_cuts(client, 2 * total, 20, seed=2)
        for stream in ("stdout", "stderr"):
            assert client.session.data(stream) == pattern.spew(total), stream
        await client.session("release")


@deadline(180)
async def test_little_is_kept(t):
    """The smaller what is kept, the more often the client has to speak; nothing is lost."""
    for retained, total in ((65536, 4 * MB), (4096, 300000), (16, 1000)):
        async with serving(t, *KEPT, "--retained-output-bytes-per-process", retained) as server:
            for _, io in BOTH:
                client = Client(server)
                await client.start("spew", total, io=io)
                await read_with_cuts(client, total, 10, seed=retained)
                assert client.session.data() == pattern.spew(total)
                await client.session("release")
                await client.conn.close()


@deadline(180)
async def test_terminal(t):
    """A program on a terminal goes on writing while its client is away, as far as there is room, and then waits."""
    total = 6 * MB
    async with serving(t, *KEPT) as server:
        client = Client(server)
        await client.start("spew", total, io=PTY)
        await read_with_cuts(client, total, 15, seed=3)
        assert client.session.data() == pattern.spew(total)
        await client.session("release")


async def test_cut_before_anything_was_read(t):
    """Whoever lost even the answer to its start repeats it, and has everything from the first byte."""
    total = 2 * MB
    async with serving(t, *KEPT) as server:
        client = Client(server)
        for attempt in range(5):
            await client.connect()
            client.session = await start(client.conn, "spew", total, name="a", io=NO_INPUT)
            assert client.session.existing == (attempt > 0)
            if attempt < 4:
                await client.cut()
        await client.read(lambda: False)
        assert client.session.data() == pattern.spew(total)
        await client.session("release")


async def test_end_while_away(t):
    """A program ends while its client is away: its last words, its exit and its close are there."""
    async with serving(t, *KEPT) as server:
        client, observer = Client(server), await v1(server)
        session = await client.start("raw-echo", io=PIPES)
        await session.until("ready")
        await client.acknowledge()
        await session.write("last words")
        await session("closeStdin")
        await client.cut()
        await counted(observer, running=0)
        await client.resume()
        await client.read(lambda: False)
        assert session.data().endswith(b"last words") and session.output.exited["exitCode"] == 0
        await session("release")


# Somebody else is there, or nobody comes


@contextlib.asynccontextmanager
async def abandoned(t, *flags, **options):
    """A server, an observer, and a flood whose client has been cut off."""
    async with serving(t, *flags) as server:
        observer = await v1(server, workspace="w")
        lost = await v1(server, workspace="w", capabilities={"acknowledge": True})
        session = await start(lost, "spew", 8 * MB, io=NO_INPUT, **options)
        await session.until(pattern.spew(1000))
        await lost.cut()
        yield server, observer, Session(observer, session.id, session.pid)


async def test_nobody_comes_back(t):
    """When the detach time has passed, nothing is held back any more: the program runs to its end."""
    async with abandoned(t, "--detach-ttl-ms", 300) as (_, observer, session):
        waited = await session("wait")
        assert waited["reason"] == "exit" and waited["exitCode"] == 0 and waited["cause"] == "self", waited
        assert (await session("snapshot"))["totalBytes"]["stdout"] == 8 * MB
        await session("release")


async def test_nobody_comes_back_to_a_workspace(t):
    """An anonymous workspace ends then, and with it a program that was held back."""
    async with serving(t, "--detach-ttl-ms", 300) as server:
        observer, client = await v1(server), Client(server)
        await client.start("spew", 10**12, io=NO_INPUT)
        await client.read(lambda: client.bytes() > 0)
        await client.cut()
        await counted(observer, sessions=0, running=0, workspaces=1)


async def test_kept_program_runs_on(t):
    """A program that is kept beyond the detach time is not held back beyond it."""
    async with serving(t, "--detach-ttl-ms", 300) as server:
        observer, client = await v1(server), Client(server)
        session = await client.start("spew", 8 * MB, io=NO_INPUT, on_disconnect="keep")
        await client.read(lambda: client.bytes() > 0)
        await client.cut()
        await counted(observer, running=0)
        await client.connect()
        snapshot = await client.conn.request("process/snapshot", {"sessionId": session.id})
        assert snapshot["totalBytes"]["stdout"] == 8 * MB and snapshot["exitCode"] == 0, snapshot
        await client.conn.request("process/release", {"sessionId": session.id})


async def test_held_until_somebody_says_so(t):
    """The program waits for its client; another of the workspace can let it go on by unsubscribing."""
    async with abandoned(t, *KEPT) as (_, observer, session):
        await stalled(observer, session)
        held = (await session("inspect"))["totalBytes"]["stdout"]
        assert held < MB, held
        assert (await session("unsubscribe"))["lostBytes"] == 0
        assert (await session("wait"))["exitCode"] == 0
        await session("release")


async def test_another_follower_takes_over(t):
    """So does a connection that follows the session, from wherever it likes."""
    async with abandoned(t, *KEPT) as (_, observer, session):
        await stalled(observer, session)
        assert (await session("subscribe", afterSeq=0))["lostBytes"] == 0
        await session.closed()
        assert session.data() == pattern.spew(8 * MB)
        await session("release")


async def test_terminate_what_is_held(t):
    """What is held back can be ended in each way, and its end is told at once."""
    for mode in ("force", graceful()):
        async with abandoned(t, *KEPT) as (_, observer, session):
            await stalled(observer, session)
            assert (await session("terminate", mode=mode))["running"]
            waited = await session("wait")
            assert waited["cause"] == "client" and waited["signal"] in ("KILL", "TERM"), waited
            await session("release")


async def test_server_stops_with_output_held(t):
    """A server that stops does not wait for anybody who might come back, nor for one who never acknowledges."""
    for retained in (4096, MB):
        server = await t.server(*KEPT, "--retained-output-bytes-per-process", retained, "--shutdown-grace-period-ms", 500)
        lost, silent = Client(server), Client(server)
        for client in (lost, silent):
            await client.start("spew", 10**12, io=NO_INPUT)
            await client.read(lambda client=client: client.bytes() > 0)
        await lost.cut()
        await server.stop()


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
