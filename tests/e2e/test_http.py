#!/usr/bin/python3
"""HTTP on the WebSocket port: who may come, whether the server is well, and figures that are true."""

import asyncio
import os
import signal
import sys

from support import (BOTH, LONG_MS, PIPES, b64, counted, descriptors, figures, http, refused, run, serving, start, status, v1,
                     within)

from px import tap
from px.server import run_once, send_signal

UPGRADE = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
HOST = "Host: localhost"


async def test_health(t):
    """/healthz and /readyz for GET and HEAD; other methods and paths are told apart."""
    async with serving(t, listen=("ws",)) as server:
        for path, body in (("/healthz", b"ok\n"), ("/readyz", b"ready\n")):
            answer = await http(server, path)
            assert (answer.status, answer.body) == (200, body), answer.body
            answer = await http(server, path, "HEAD")
            assert answer.status == 200 and int(answer.headers["content-length"]) == len(body)
            for method in ("POST", "PUT", "DELETE", "OPTIONS"):
                answer = await http(server, path, method)
                assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD", method
        for path in ("/nothing", "/healthz/", "/HEALTHZ", "//healthz"):
            assert (await http(server, path)).status == 404, path
        assert (await http(server, "/healthz?x=1")).status == 200


async def test_who_may_come(t):
    """Host and Origin are checked before anything else, for pages and for upgrades."""
    async with serving(t, "--allow-origin", "https://good.example", "--allow-host", "good.example", listen=("ws",)) as server:
        port = server.url("ws").rpartition(":")[2]
        for path, headers in (("/healthz", ()), ("/", UPGRADE)):
            fine = 101 if headers else 200
            for extra, want in (((HOST,), fine), ((f"Host: 127.0.0.1:{port}",), fine), (("Host: good.example",), fine),
                                (("Host: evil.example",), 403), (("Host: localhost.evil.example",), 403),
                                (("Host: ",), 403), ((), 400), ((HOST, HOST), 400),
                                ((HOST, "Origin: https://good.example"), fine),
                                ((HOST, "Origin: http://good.example"), 403),
                                ((HOST, "Origin: https://good.example.evil.example"), 403),
                                ((HOST, "Origin: null"), 403), ((HOST, "Origin: "), 403),
                                ((HOST, "Origin: https://good.example", "Origin: https://evil.example"), 403)):
                answer = await http(server, path, headers=(*extra, *headers))
                assert answer.status == want, (path, extra, answer.status)
                assert "sec-websocket-accept" not in answer.headers or want == 101
        seen = await figures(server)
        assert seen["ptyexec_refused_origins_total"] == 10 and seen["ptyexec_refused_hosts_total"] == 6, seen


async def test_upgrade(t):
    """The handshake of RFC 6455's own example, and those that are none."""
    async with serving(t, listen=("ws",)) as server:
        answer = await http(server, "/", headers=(HOST, *UPGRADE))
        assert answer.status == 101 and answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert (await http(server, "/other", headers=(HOST, *UPGRADE))).status == 404
        old = [line.replace("Version: 13", "Version: 8") for line in UPGRADE]
        answer = await http(server, "/", headers=(HOST, *old))
        assert answer.status == 426 and answer.headers["sec-websocket-version"] == "13", answer.headers
        for missing in range(len(UPGRADE)):
            headers = [line for i, line in enumerate(UPGRADE) if i != missing]
            assert (await http(server, "/", headers=(HOST, *headers))).status in (400, 404, 426), UPGRADE[missing]
        assert (await http(server, "/", "POST", headers=(HOST, *UPGRADE))).status in (400, 405)


async def test_figures_are_true(t):
    """What /metrics says is what happened."""
    async with serving(t, listen=("ws", "unix")) as server:
        conn = await v1(server, "unix", workspace="w")
        before = await figures(server)
        assert before["ptyexec_connections"] == 2 and before["ptyexec_workspaces"] == 1, before
        for _, io in BOTH:
            await run(conn, "spew", 100000, io=io)
        for _ in range(3):
            async with refused("spawnFailed"):
                await start(conn, argv=["/no/such/program"])
        stuck = await start(conn, "no-read", io=PIPES)
        await stuck.until("ready")
        await stuck.ask("write", chunk=b64(bytes(500000)))
        await conn.request("server/info")
        seen = await figures(server)
        grown = {name: seen[name] - before.get(name, 0) for name in seen}
        assert grown["ptyexec_spawns_total"] == 3 and grown["ptyexec_spawn_failures_total"] == 3, grown
        assert grown["ptyexec_child_output_bytes_total"] == 200000 + len("ready\n"), grown
        taken, queued = seen["ptyexec_child_input_bytes_total"], seen["ptyexec_stdin_queue_bytes"]
        assert taken + queued == 500000 and taken >= 4096 and queued > 0, (taken, queued)
        assert seen['ptyexec_sessions{state="running"}'] == 1 and seen['ptyexec_sessions{state="exited"}'] == 2, seen
        assert seen["ptyexec_ptys"] == 1, seen["ptyexec_ptys"]  # of the exited one that is kept
        assert abs(seen["process_open_fds"] - len(descriptors(server.pid))) <= 2, seen["process_open_fds"]
        resident = status(server.pid, "VmRSS")
        assert abs(seen["process_resident_memory_bytes"] - resident) < 32 << 20, (resident, seen)
        assert grown["ptyexec_network_bytes_total{direction=\"in\"}"] > 666666
        await stuck("terminate", mode="force")
        await stuck.closed()
        for row in (await conn.request("process/list"))["sessions"]:
            await conn.request("process/release", {"sessionId": row["sessionId"]})
        await counted(conn, sessions=0)
        seen = await figures(server)
        assert seen['ptyexec_sessions{state="exited"}'] == 0 and seen["ptyexec_ptys"] == 0, seen
        assert seen["ptyexec_stdin_queue_bytes"] == 0, seen


async def test_loop_latency(t):
    """The histogram of the loop's latency counts while it is asked for."""
    async with serving(t, listen=("ws",)) as server:
        await figures(server)
        conn = await v1(server)

        async def sampled():
            while True:
                seen = await figures(server)
                if seen["ptyexec_loop_latency_seconds_count"] >= 2:
                    return seen
                await conn.request("server/info")

        seen = await within(sampled(), "samples of the loop's latency")
        buckets = [value for name, value in seen.items() if "_bucket" in name]
        assert buckets == sorted(buckets) and buckets[-1] == seen["ptyexec_loop_latency_seconds_count"], buckets


async def test_stopping(t):
    """A server that is about to end answers /readyz with 503 on connections that are already there."""
    server = await t.server("--shutdown-grace-period-ms", LONG_MS, listen=("ws",))
    conn = await v1(server)
    session = await start(conn, "ignore-term")
    await session.until("ready")
    host, _, port = server.url("ws")[len("ws://"):].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /readyz HTTP/1.1\r\n")
    assert (await figures(server))["ptyexec_connections"] == 3
    send_signal(server.process, signal.SIGTERM)
    await server.log_line(lambda line: " stop " in line)
    writer.write(b"Host: localhost\r\n\r\n")
    answer = await within(reader.read(), "answer")
    assert answer.startswith(b"HTTP/1.1 503 ") and answer.endswith(b"stopping\n"), answer
    writer.close()
    send_signal(server.process, signal.SIGTERM)
    assert await server.wait() == 0
    assert not os.path.exists(f"/proc/{session.pid}")


async def test_refuses_the_world(t):
    """It does not listen on an address that others reach, unless told twice."""
    code, out, err = await run_once("--listen", "ws://0.0.0.0:0")
    assert code == 2 and out == b"" and b"--insecure-allow-remote" in err, (code, err)
    server = await t.server("--insecure-allow-remote", listen=("ws://0.0.0.0:0",))
    server.urls["ws"] = [server.url("ws").replace("0.0.0.0", "127.0.0.1")]
    assert (await http(server, "/healthz")).status == 200


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
