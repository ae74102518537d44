#!/usr/bin/python3
"""
Short commands without end: soak.py [COUNT [PARALLELISM [SEED]]]. Half of them
on pipes, half on terminals, each with output of its own size, over both kinds
of socket. Not a byte may be lost, nothing may come after its exit, and in the
end the server may hold no more than in the beginning. 100000 commands, 16 at a time,
when nothing else is said.
"""

import asyncio
import random
import sys
import time

from support import BOTH, PTY, descriptors, serving, start, status, v1

from px import pattern, tap

COUNT, PARALLELISM, SEED = [*map(int, sys.argv[1:4]), *(100_000, 16, int(time.time()))[len(sys.argv[1:4]):]]
SIZES = (0, 1, 80, 4095, 4096, 4097, 20_000, 65_535, 65_536, 65_537, 200_000)


class Soak:
    def __init__(self, server):
        self.server = server
        self.numbers = iter(range(COUNT))
        self.done = self.bytes = 0
        self.began = time.monotonic()

    def tell(self):
        seconds = time.monotonic() - self.began
        print(f"# {self.done} commands, {self.bytes >> 20} MiB, {self.done / seconds:.0f} a second, "
              f"{len(descriptors(self.server.pid))} descriptors, {status(self.server.pid, 'VmRSS') >> 10} KiB resident",
              flush=True)

    async def one(self, conn, number):
        chance = random.Random(SEED * 1_000_003 + number)
        io = BOTH[number % 2][1]
        size = max(0, chance.choice(SIZES) + chance.randrange(-20, 20))
        stream = "stderr" if io is not PTY and chance.random() < 0.5 else "stdout"
        session = await start(conn, "spew", size, stream, io=io)
        exited = await session.exited(120)
        at_exit = session.data()
        assert at_exit == pattern.spew(size), f"command {number}: {len(at_exit)} bytes of {size}"
        assert exited["exitCode"] == 0 and exited["cause"] == "self", f"command {number}: {exited}"
        await session.closed(120)
        assert session.data() == at_exit, f"command {number}: output behind the exit"
        await session("release")
        self.done += 1
        self.bytes += size
        if self.done % 10_000 == 0:
            self.tell()

    async def work(self, scheme):
        # A connection of its own each, so that nobody looks through what others are told.
        conn = await v1(self.server, scheme)
        for number in self.numbers:
            await self.one(conn, number)
            conn.inbox.clear()


@tap.deadline(24 * 3600)
async def test_soak(t):
    """COUNT commands, PARALLELISM at a time."""
    print(f"# {COUNT} commands, {PARALLELISM} at a time, seed {SEED}", flush=True)
    async with serving(t, "--log-level", "warn", listen=("unix", "ws")) as server:
        soak = Soak(server)
        await asyncio.gather(*(soak.work(("unix", "ws")[i % 2]) for i in range(PARALLELISM)))
        soak.tell()
        assert soak.done == COUNT


if __name__ == "__main__":
    sys.exit(tap.main(globals(), []))
