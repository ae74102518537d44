#!/usr/bin/python3
"""The server as pages in a browser see it: those that may come, and those that may not."""

import contextlib
import hashlib
import sys

from browser import site, visit
from support import child, figures, serving, v1

from px import pattern, tap
from px.tap import deadline

MB = 1 << 20


@contextlib.asynccontextmanager
async def about(t, *flags, host="127.0.0.1", allowed=True):
    """A server that a page at 'host' may come to, or not, and a function that lets the page do something there."""
    with site() as pages:
        address = f"http://{host}:{pages.port}"
        if allowed:
            flags += ("--allow-origin", address)
        server = await t.server(*flags, listen=("ws",))
        url = server.url("ws").replace("127.0.0.1", host)
        async with serving(t) as keeper:
            conn = await v1(keeper)

            @contextlib.asynccontextmanager
            async def doing(page, **more):
                async with visit(t, conn, address, page, server=url, child=child(), **more):
                    yield pages.told

            yield server, doing


@deadline(120)
async def test_a_page_that_may_come(t):
    """A terminal, 20 MB out and 300 KB in, and a close that both sides understand."""
    async with about(t) as (_, doing):
        async with doing("terminal") as told:
            assert await told() == {"exitCode": 0, "code": 1000, "wasClean": True}
        async with doing("flood", bytes=20 * MB) as told:
            want = hashlib.sha256(pattern.spew(20 * MB)).hexdigest()
            assert await told() == {"exitCode": 0, "sha256": want}
        async with doing("large", bytes=300_000) as told:
            assert await told() == {"text": pattern.sink_line(b"x" * 300_000).decode()}


@deadline(120)
async def test_the_server_ends(t):
    """The page learns that it went away, and not that something broke."""
    async with about(t) as (server, doing):
        async with doing("end") as told:
            assert await told() == {"connected": True}
            await server.stop()
            assert await told() == {"code": 1001, "wasClean": True}


@deadline(120)
async def test_a_page_of_elsewhere(t):
    """It can neither connect, nor read, nor make anything start, and each try is counted."""
    async with about(t, allowed=False) as (server, doing):
        async with doing("intruder") as told:
            assert await told() == {"code": 1006, "read": "nothing", "sent": "opaque"}
        found = await figures(server)
        assert (found["ptyexec_refused_origins_total"], found["ptyexec_spawns_total"]) == (3, 0)


@deadline(120)
async def test_a_name_that_leads_here(t):
    """Somebody's name with our address (DNS rebinding): the Host tells, also where the Origin is one that may come."""
    async with about(t, host="evil.test") as (server, doing):
        async with doing("intruder") as told:
            assert await told() == {"code": 1006, "read": "nothing", "sent": "opaque"}
        found = await figures(server)
        assert (found["ptyexec_refused_hosts_total"], found["ptyexec_spawns_total"]) == (3, 0)
    async with about(t, "--allow-host", "good.test", host="good.test") as (_, doing):
        async with doing("terminal") as told:
            assert (await told())["exitCode"] == 0


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
