"""
A connection that minds its own business while another one misbehaves: its
session echoes one line after the other, and nothing else may ever reach it.
"""

import asyncio

from .conn import Output, b64
from .deadline import SECONDS, within


class Bystander:
    """async with Bystander(server, "unix"): what happens inside must not disturb it."""

    def __init__(self, server, scheme):
        self._server, self._scheme = server, scheme
        self._ending = False
        self._changed = asyncio.Condition()
        self.count = 0  # lines that have come back

    async def __aenter__(self):
        self.conn = await self._server.connect(self._scheme, name=f"{self._scheme} bystander")
        await self.conn.initialize_v1()
        started = await self.conn.request("process/start", {
            "direct": {"argv": ["/bin/cat"]}, "io": {"pipe": {"stdin": "open"}}, "onDisconnect": "kill"})
        self._id = started["sessionId"]
        await self.conn.notification("process/started")
        self._output = Output(self.conn, self._id)
        self._task = asyncio.get_running_loop().create_task(self._echo())
        await self.echoes()
        return self

    async def _echo(self):
        size = 0
        try:
            while not self._ending:
                line = b"line %d\n" % self.count
                size += len(line)
                accepted = await self.conn.request("process/write", {"sessionId": self._id, "chunk": b64(line)})
                assert accepted == {"accepted": True}, accepted
                await self._output.until(lambda o: len(o.streams.get("stdout", b"")) >= size)
                held = self._output.streams["stdout"]
                assert len(held) == size and held.endswith(line), bytes(held[-200:])
                async with self._changed:
                    self.count += 1
                    self._changed.notify_all()
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def echoes(self, n=1, seconds=SECONDS):
        """Waits until 'n' more lines have come back: so often at least has the server turned to it."""
        goal = self.count + n

        async def wait():
            async with self._changed:
                await self._changed.wait_for(lambda: self.count >= goal or self._task.done())
            if self._task.done():
                self._task.result()  # raises what it failed with

        await within(wait(), "echo to the bystander", seconds)

    async def __aexit__(self, kind, failure, trace):
        if kind is not None:
            self._ending = True  # asyncio.wait_for() forgets a cancellation that comes with the result
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            return
        await self.echoes(2)
        self._ending = True
        await self._task
        assert self.conn.inbox == [], f"the bystander was told {self.conn.inbox}"
        result = await self.conn.request("process/terminate", {"sessionId": self._id, "mode": "force"})
        assert result == {"running": True}, result
        await self._output.until_closed()
        assert self._output.exited["signal"] == "KILL" and self._output.exited["cause"] == "client", self._output.exited
        await self.conn.close()
