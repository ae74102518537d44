#!/usr/bin/python3
"""
Clients of the dialect codex that do everything at random while their connections are cut, freeze or end in the middle
of anything. Whatever comes of it, each accounts for every number of each of its processes, as the real one demands,
has their output byte for byte, and in the end nothing is left.
"""

import asyncio
import os
import random
import sys

from codex import MB, Client, Proxy
from support import b64, child, children, descriptors, nothing_left, shell

from px import pattern, tap
from px.conn import Ended
from px.deadline import Late

SEED = int(os.environ.get("PX_SEED", "0")) or random.randrange(1, 10**9)
ROUNDS = int(os.environ.get("PX_ROUNDS", "40"))
DETACH_MS = int(os.environ.get("PX_DETACH_MS", "15000"))
FEW = 6  # processes of a client that run at one time
HALVES = 120000

# What a program writes to its streams, when it is left to its end; None: it has no end, or no such output.
PROGRAMS = {
    "spew": ([child(), "spew", "300000"], {}, {"stdout": pattern.spew(300000)}, 0),
    "flood": ([child(), "spew", str(2 * MB)], {}, {"stdout": pattern.spew(2 * MB)}, 0),
    "both": (shell(f"$child spew {HALVES} & $child spew {HALVES} stderr; wait; exit 4"), {},
             {"stdout": pattern.spew(HALVES), "stderr": pattern.spew(HALVES)}, 4),
    "tty": ([child(), "spew", "100000"], {"tty": True}, {"pty": pattern.spew(100000)}, 0),
    "small": (["sh", "-c", "i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done"], {},
              {"stdout": b"".join(b"%d\n" % i for i in range(2000))}, 0),
    "late": (shell("{ sleep 0.2; $child spew 90000; } & exit 5"), {}, {"stdout": pattern.spew(90000)}, 5),
    "exit": ([child(), "exit", "3"], {}, {}, 3),
    "die": ([child(), "die", "9"], {}, {}, 137),
    "endless": ([child(), "spew", str(10**12)], {}, None, None),
    "endless-tty": ([child(), "spew", str(10**12)], {"tty": True}, None, None),
    "tree": ([child(), "tree", "3"], {}, None, None),
    "sleep": (["sleep", "100000"], {}, None, None),
}


class Wanderer:
    """One client, its way to the server, and what it has started."""

    def __init__(self, server, proxy, number):
        self.chance = random.Random(SEED * 1000 + number)
        self.server, self.proxy = server, proxy
        self.client = Client(server, plain=self.way())
        self.kinds, self.typed, self.killed, self.count, self.ended = {}, {}, set(), 0, 0

    def way(self):
        plain = {"to": self.proxy.url} if self.chance.random() < 0.7 else {}
        if self.chance.random() < 0.3:
            plain["rcvbuf"] = 8192
        return plain

    def living(self):
        return [process for process in self.client.processes.values() if not process.closed]

    # Requests. Each is sent, and its answer awaited or not.

    async def start(self):
        if len(self.living()) >= FEW:
            return await self.terminate()
        self.count += 1
        name = f"p{self.count}"
        kind = self.chance.choice([*PROGRAMS, "echo"])
        if kind == "echo":
            argv, params = [child(), "echo"], {"pipeStdin": True}
            self.typed[name] = [0, 0]  # bytes that were written, writes
        else:
            argv, params, _, _ = PROGRAMS[kind]
        self.kinds[name] = kind
        await self.client.start(name, *argv, **params)

    async def write(self):
        echoes = [process.name for process in self.living() if self.kinds[process.name] == "echo"]
        echoes = [name for name in echoes if name not in self.client.unsure]
        if not echoes:
            return
        name = self.chance.choice(echoes)
        at, n = self.typed[name]
        size = self.chance.choice([1, 100, 5000, 40000])
        params = {"processId": name, "chunk": b64(pattern.spew(size, at)), "writeId": str(n)}
        self.typed[name] = [at + size, n + 1]
        while True:
            try:
                assert await self.client.conn.request("process/write", params) == {"status": "accepted"}
                return
            except Ended:
                await self.come_back()  # and writes it again, which is written once

    async def read(self):
        for process in self.living()[:2]:
            await self.client.conn.ask("process/read", {
                "processId": process.name, "afterSeq": self.chance.choice([0, process.last]),
                "maxBytes": self.chance.choice([None, 0, 10000]), "waitMs": self.chance.randrange(100)})

    async def terminate(self):
        if self.living():
            await self.end(self.chance.choice(self.living()).name)

    async def end(self, name):
        """A program that has just exited may be told to have exited so, though what it left behind was killed."""
        self.killed.add(name)
        await self.client.conn.request("process/terminate", {"processId": name})

    async def interrupt(self):
        if self.living():
            process = self.chance.choice(self.living())
            if self.kinds[process.name] in ("sleep", "endless"):
                await self.client.conn.request("process/signal", {"processId": process.name, "signal": "interrupt"})

    async def files(self):
        for _ in range(self.chance.randrange(5)):
            await self.client.conn.ask("fs/readFile", {"path": "file:///bin/ls"})
            await self.client.conn.ask("fs/readDirectory", {"path": "file:///usr/bin"})

    async def wait(self):
        for _ in range(self.chance.randrange(400)):
            try:
                await self.client.take(0.05)
            except Late:
                return

    async def stall(self):
        self.client.conn.pause()
        await asyncio.sleep(self.chance.random() / 10)
        self.client.conn.resume()

    # Losses

    async def lose(self):
        """The connection ends in one of the ways in which they do."""
        way = self.chance.choice(["cut", "stalled", "held", "frozen", "left", "taken"])
        if way == "stalled":
            self.client.conn.pause()
            await asyncio.sleep(self.chance.random() / 20)
        elif way == "held":
            self.proxy.hold()
            await asyncio.sleep(self.chance.random() / 20)
        elif way == "frozen":
            self.proxy.freeze()
        elif way == "left":
            self.proxy.leave()
        elif way == "taken":
            self.client.conn.pause()
        old = self.client.conn
        self.client.drain()
        if way != "taken":
            await self.client.cut()
        self.client.plain = self.way()
        while self.chance.random() < 0.3:
            seconds = self.chance.choice([0, 0.01, 0.1])
            await self.try_to(lambda seconds=seconds: self.client.come_back_in_vain(seconds))
        await self.come_back()
        if way == "taken":
            await old.close()

    async def come_back(self):
        while not await self.try_to(self.come_back_once):
            self.client.plain = self.way()

    async def come_back_once(self):
        await self.client.come_back()
        # Of a start whose answer was lost nobody knew whether it was made: it is ended, as the real client does.
        for name in list(self.client.unsure):
            await self.end(name)
            self.client.unsure.discard(name)

    async def try_to(self, something):
        try:
            await something()
            return True
        except (Ended, OSError, asyncio.IncompleteReadError):
            return False

    # What must hold

    def check(self):
        for name, process in list(self.client.processes.items()):
            kind = self.kinds[name]
            if not process.closed:
                continue
            self.ended += 1
            streams = {stream: bytes(data) for stream, data in process.streams.items()}
            if kind == "echo":
                assert pattern.spew(self.typed[name][0]).startswith(streams.get("stdout", b"")), name
            elif kind.startswith("endless"):
                for data in streams.values():
                    assert data == pattern.spew(len(data)), (name, kind)
            elif PROGRAMS[kind][2] is not None:
                _, _, wanted, code = PROGRAMS[kind]
                assert process.exit_code in ([code, 137] if name in self.killed else [code]), (name, kind, process.exit_code)
                for stream, data in streams.items():
                    assert wanted[stream].startswith(data), (name, kind)
                if name not in self.killed:
                    assert streams == wanted, (name, kind, {s: len(d) for s, d in streams.items()})
            del self.client.processes[name]

    async def live(self, rounds):
        await self.client.connect()
        actions = [self.start, self.write, self.read, self.terminate, self.interrupt, self.files, self.wait, self.stall]
        for _ in range(rounds):
            try:
                for action in self.chance.choices(actions, [8, 8, 3, 1, 1, 1, 8, 2], k=self.chance.randrange(1, 8)):
                    await action()
            except Ended:
                pass
            await self.lose()
            self.check()
        for process in self.living():
            while not process.closed:
                await self.try_to(lambda process=process: self.finish(process))
        self.check()
        await self.client.cut()
        return self.ended

    async def finish(self, process):
        if self.client.conn.ended:
            await self.come_back()
        if PROGRAMS.get(self.kinds[process.name], (0, 0, None))[2] is None:
            await self.end(process.name)
        await process.until(lambda p: p.closed)


async def wander(server, proxied, rounds):
    async with Proxy.to(server) as proxy:
        wanderer = Wanderer(server, proxy, proxied)
        try:
            return await wanderer.live(rounds)
        except AssertionError as failure:
            slow = [line for line in server.log if line and " mute " in line]
            raise AssertionError(f"client {proxied}: {failure}; mute: {slow}") from failure


@tap.deadline(240)
async def test_chaos(t):
    """Five clients whose connections are lost over and over, with the smallest buffers."""
    print(f"# PX_SEED={SEED}")
    server = await t.server("--codex-replay-bytes", 65536, "--stdin-queue-bytes", 4096, "--codex-closed-bytes", MB,
                            "--shutdown-grace-period-ms", 50, "--detach-ttl-ms", DETACH_MS, listen=("ws", "unix"))
    server.own_children = children(server.pid)
    before = descriptors(server.pid)
    ended = await asyncio.gather(*(wander(server, i, ROUNDS) for i in range(5)))
    print(f"# {sum(ended)} processes of {ROUNDS} losses each came to their end")
    slow = [line for line in server.log if line and " mute " in line]
    assert not slow, f"this machine was too slow: {slow}"
    await nothing_left(server, before, seconds=DETACH_MS / 1000 + 20)


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
