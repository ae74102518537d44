#!/usr/bin/python3
"""
Everybody does everything at once: several connections in one workspace ask for things at random. Whatever comes of
it, each request is answered, who follows sees no hole, nobody is disturbed, and in the end nothing is left.
"""

import asyncio
import contextlib
import os
import random
import signal
import sys

from support import BOTH, b64, batch, child, children, counted, run, serving, shell, until, v1, within

from px import tap
from px.conn import Ended, Output, RpcError
from px.deadline import Late

SEED = int(os.environ.get("PX_SEED", "0")) or random.randrange(1, 10**9)
NAMES = [f"s{i}" for i in range(12)]
PROGRAMS = ([child(), "echo"], [child(), "raw-echo"], [child(), "spew", "300000"], [child(), "spew", "10000000000"],
            [child(), "exit", "3"], [child(), "tree", "3"], [child(), "setsid-child"], [child(), "daemonize"],
            [child(), "ignore-term"], [child(), "hold-output", "-"], [child(), "close-output"], [child(), "no-read"],
            shell("$child spew 100000 & $child spew 50000 stderr; exit 4"), ["/no/such/program"])


class Observer:
    """
    Follows every session from its first number on; what it hears of each must be without a hole. A subscription
    may meet the next session of that name, so the answers are taken in their places between the notifications:
    each tells whose events come behind it.
    """

    def __init__(self, conn):
        self.conn = conn
        self.heard = 0  # subscriptions of which something was heard
        self._asked = 0
        self._outputs = {}  # by name, of those that nothing is lost of; None: something is

    async def follow(self):
        while True:
            try:
                message = await self.conn.recv(300)
            except Ended:
                return
            if "method" not in message:
                self._begin(message["id"].split()[0], message)
            elif message["method"] == "process/started":
                await self._subscribe(message["params"]["sessionId"])
            else:
                self._hear(message["method"], message["params"])

    async def _subscribe(self, name):
        self._outputs.pop(name, None)
        self._asked += 1
        await self.conn.send_json({"id": f"{name} {self._asked}", "method": "process/subscribe",
                                   "params": {"sessionId": name, "afterSeq": 0}})

    def _begin(self, name, answer):
        if "error" in answer:
            assert answer["error"]["data"]["kind"] == "unknownSession", answer
            return
        self._outputs[name] = Output(self.conn, name) if answer["result"]["lostBytes"] == 0 else None

    def _hear(self, method, params):
        output = self._outputs[params["sessionId"]]
        if output is None:
            return
        if output.last_seq is None:
            assert params["seq"] == 1, (method, params)
            self.heard += 1
        output.add(method, params)


def action(chance):
    """A request at random: (method, params)."""
    name = chance.choice(NAMES)
    one = {"sessionId": name}
    kind = chance.choices(
        ["start", "run", "write", "closeStdin", "resize", "signal", "terminate", "wait", "inspect", "snapshot", "read",
         "communicate", "subscribe", "unsubscribe", "list", "release"],
        [20, 4, 20, 4, 4, 6, 8, 6, 4, 3, 6, 2, 6, 4, 3, 10])[0]
    if kind in ("start", "run"):
        params = {**one, "direct": {"argv": chance.choice(PROGRAMS)}, "io": chance.choice(BOTH)[1]}
        if chance.random() < 0.3:
            params["onDisconnect"] = chance.choice(["kill", "keep"])
        if chance.random() < 0.2:
            params["direct"] = {**params["direct"], "timeoutMs": chance.randrange(1, 200)}
        if kind == "run":
            params["timeoutMs"] = chance.randrange(0, 100)
        return f"process/{kind}", params
    more = {
        "write": lambda: {"chunk": b64(bytes(chance.choice([0, 1, 100, 5000, 300000]))),
                          **({"writeId": str(chance.randrange(20))} if chance.random() < 0.3 else {})},
        "resize": lambda: {"rows": chance.randrange(1, 300), "cols": chance.randrange(1, 300)},
        "signal": lambda: {"signal": chance.choice(["INT", "HUP", "STOP", "CONT", "TERM", "KILL", "USR1"])},
        "terminate": lambda: {"mode": chance.choice(["force", {"graceful": {"timeoutMs": chance.randrange(0, 50)}}])},
        "wait": lambda: {"timeoutMs": chance.randrange(0, 100), "until": chance.choice(
            [["exit"], [{"idleMs": chance.randrange(0, 30)}], [{"bytes": chance.randrange(0, 9999)}], [{"match": "ABC"}]]),
            **({"afterSeq": 0} if chance.random() < 0.5 else {})},
        "read": lambda: {"afterSeq": chance.choice([0, 1, 5, 10**9]), "maxBytes": chance.choice([0, 1000, 10**7]),
                         "waitMs": chance.randrange(0, 50)},
        "communicate": lambda: {"timeoutMs": chance.randrange(0, 50), "chunk": b64(b"x" * chance.randrange(0, 9999))},
        "subscribe": lambda: {"afterSeq": chance.choice([0, 1, 5])} if chance.random() < 0.7 else {},
    }
    return f"process/{kind}", {} if kind == "list" else {**one, **more.get(kind, dict)()}


async def answered(asked, seconds=60):
    """Each request has its answer, and none says that the server could not."""
    for method, params, future in asked:
        response = await within(future, f"answer to {method} {params}", seconds)
        if "error" in response:
            assert response["error"]["code"] not in (-32603, -32700), (method, params, response)


async def client(server, number, count):
    """One connection's life: requests, alone, in heaps or in batches, now and then an end and a new beginning."""
    chance = random.Random(SEED * 1000 + number)

    async def connect():
        slow = "lag" if chance.random() < 0.3 else "block"
        return await v1(server, ("unix", "ws")[number % 2], workspace="chaos", capabilities={"slowConsumer": slow})

    conn = await connect()
    while count > 0:
        roll = chance.random()
        if roll < 0.02:
            await conn.close()
            conn = await connect()
        elif roll < 0.05:
            conn.pause()
            await conn.ask("process/list")
        elif roll < 0.07:
            requests = [dict(zip(("id", "method", "params"), (f"{count}-{i}", *action(chance)))) for i in range(5)]
            conn.resume()
            answers = await batch(conn, requests, 60)
            assert [answer["id"] for answer in answers] == [one["id"] for one in requests], answers
            count -= len(requests)
        else:
            conn.resume()
            heap = [action(chance) for _ in range(chance.choice([1, 1, 1, 5, 20]))]
            await answered([(*one, await conn.ask(*one)) for one in heap])
            count -= len(heap)
        conn.inbox.clear()
    conn.resume()
    return conn


async def sweep(conn, enough):
    """Ends one session after the other, so that nobody waits for ever for one that does not read."""
    chance = random.Random(SEED)
    while not enough.is_set():
        name = chance.choice(NAMES)
        await answered([("terminate", name, await conn.ask("process/terminate", {"sessionId": name, "mode": "force"}))])
        await answered([("wait", name, await conn.ask("process/wait", {"sessionId": name, "timeoutMs": 20}))])
        await answered([("release", name, await conn.ask("process/release", {"sessionId": name}))])


@tap.deadline(240)
async def test_chaos(t):
    """Six connections, hundreds of requests each."""
    print(f"# PX_SEED={SEED}")
    async with serving(t, "--outbound-high-water-bytes", 65536, "--stdin-queue-bytes", 4096, "--detach-ttl-ms", 5,
                       "--shutdown-grace-period-ms", 50, "--retained-output-bytes-per-process", 65536,
                       "--exited-retention-ms", 400, "--max-processes-per-connection", 9, "--log-level", "warn",
                       listen=("unix", "ws")) as server:
        bystander = await v1(server)
        observer = Observer(await v1(server, workspace="chaos"))
        enough = asyncio.Event()
        mute = {"optOutNotificationMethods": ["process/started", "process/outputDelta", "process/exited", "process/closed"]}
        sweeper = await v1(server, workspace="chaos", capabilities=mute)
        async with asyncio.TaskGroup() as tasks:  # whichever fails, the test ends with it
            tasks.create_task(observer.follow())
            tasks.create_task(sweep(sweeper, enough))
            conns = await asyncio.gather(*(client(server, i, 1000) for i in range(6)))
            assert (await run(bystander, "exit", 7)).output.exited["exitCode"] == 7
            for conn in conns:
                await conn.close()
            await counted(bystander, 60, running=0, sessions=0)
            enough.set()
            await observer.conn.close()
        assert observer.heard > 50


async def wanderer(server, number, lives):
    """Comes, starts something, and goes without a word; sometimes it comes back in time to find its workspace."""
    chance = random.Random(SEED * 2000 + number)
    token = None
    for _ in range(lives):
        conn = await server.connect(chance.choice(["unix", "ws"]))
        if chance.random() < 0.3:
            await conn.initialize_v0()
            for _ in range(chance.randrange(4)):
                params = {"argv": chance.choice(PROGRAMS), "cwd": "/", "env": {}, "tty": chance.random() < 0.5}
                await conn.ask("command/exec", params)
                await conn.ask("command/exec/write", {"sessionId": "session-1", "chunk": b64(bytes(9999))})
                if chance.random() < 0.3:
                    await conn.ask("command/exec/terminate", {"sessionId": "session-1"})
        else:
            try:
                hello = await conn.initialize_v1(**({"resumeToken": token} if token else {}))
            except RpcError as error:
                assert error.kind in ("unknownToken", "alreadyAttached"), error
                hello = await conn.initialize_v1()
            token = hello["resumeToken"]
            for _ in range(chance.randrange(12)):
                await conn.ask(*action(chance))
        if chance.random() < 0.5:
            conn.pause()
        if chance.random() < 0.7:
            with contextlib.suppress(Late):
                await conn.notification(seconds=0.02)
        await conn.close()


@tap.deadline(240)
async def test_comings_and_goings(t):
    """Connections of both dialects that end at any moment, workspaces that expire or are come back to in the last."""
    print(f"# PX_SEED={SEED}")
    async with serving(t, "--outbound-high-water-bytes", 65536, "--stdin-queue-bytes", 4096, "--detach-ttl-ms", 15,
                       "--shutdown-grace-period-ms", 30, "--exited-retention-ms", 200, "--log-level", "warn",
                       listen=("unix", "ws")) as server:
        bystander = await v1(server)
        await asyncio.gather(*(wanderer(server, i, 50) for i in range(8)))
        assert (await run(bystander, "exit", 7)).output.exited["exitCode"] == 7

        def over(counts):
            # What was to be kept lives on, and nobody knows it but by its pid.
            for pid in children(server.pid) - server.own_children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return counts["running"] == 0 and counts["workspaces"] == 1

        await until(bystander, over, "end of all that was kept", 60)


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
