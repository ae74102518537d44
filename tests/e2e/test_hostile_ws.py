#!/usr/bin/python3
"""
Frames that no decent client sends, and HTTP that is no handshake. The close code
or the status is exact, and a connection over a unix socket does not notice.
"""

import asyncio
import json
import os
import struct
import sys

from support import within

from px import tap
from px.bystander import Bystander
from px.conn import parse
from px.rawws import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawWebSocket, frame

HELLO = json.dumps({"id": 0, "method": "initialize", "params": {"clientName": "x", "protocolVersion": "exec-server.v1"}}).encode()
INFO = b'{"id":1,"method":"server/info"}'
PROTOCOL, BAD_TEXT, POLICY, TOO_BIG = 1002, 1007, 1008, 1009


async def upgraded(server):
    """A raw peer that has said initialize and heard the answer."""
    peer = await RawWebSocket.connect(server.url("ws"))
    await peer.send_frame(TEXT, HELLO)
    answer = parse(await peer.read_message())
    assert answer["id"] == 0 and "result" in answer, answer
    return peer


async def alive(peer):
    """Everything sent before was taken: a request behind it is answered, and nothing was said before that."""
    await peer.send_frame(TEXT, INFO)
    answer = parse(await peer.read_message())
    assert answer["id"] == 1 and answer["result"]["name"] == "ptyexecd", answer


async def closes(server, code, *pieces):
    """The server answers these bytes with a close frame of 'code', nothing else, and the end."""
    peer = await upgraded(server)
    for piece in pieces:
        await peer.send_bytes(piece)
    got = await peer.read_frame()
    shown = f"{[piece[:40] for piece in pieces]}: {got}, not {code}"
    assert got is not None and got[:2] == (True, CLOSE), shown
    assert struct.unpack("!H", got[2][:2])[0] == code, shown
    got[2][2:].decode()  # the reason is text
    await peer.send_frame(CLOSE, got[2][:2])
    assert await peer.read_frame() is None, "something after the close frame"
    await peer.close()


def close_test(code, *attacks):
    async def test(t):
        server = await t.shared()
        async with Bystander(server, "unix") as bystander:
            for attack in attacks:
                await closes(server, code, *([attack] if isinstance(attack, bytes) else attack))
            await bystander.echoes()

    return test


test_unmasked = close_test(PROTOCOL, *(frame(opcode, INFO[:100], mask=None) for opcode in (TEXT, BINARY, PING, PONG)),
                           frame(CLOSE, b"\x03\xe8", mask=None), frame(TEXT, b"", mask=None),
                           (frame(TEXT, INFO[:9], fin=False), frame(CONTINUATION, INFO[9:], mask=None)))

test_reserved_bits = close_test(PROTOCOL, *(frame(opcode, b"{}", rsv=rsv) for opcode in (TEXT, BINARY, PING, PONG, CLOSE)
                                            for rsv in (1, 2, 4, 7)),
                                (frame(TEXT, INFO[:9], fin=False), frame(CONTINUATION, INFO[9:], rsv=4)))

test_reserved_opcodes = close_test(PROTOCOL, *(frame(opcode, b"{}") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)))

test_control_frames_too_long = close_test(
    PROTOCOL, *(frame(opcode, b"\x03\xe8" + b"x" * 124) for opcode in (PING, PONG, CLOSE)),
    *(frame(opcode, b"x" * 5, wide=wide) for opcode in (PING, PONG) for wide in (2, 8)), frame(PING, b"x" * 70_000)[:14])

test_control_frames_in_fragments = close_test(PROTOCOL, *(frame(opcode, b"\x03\xe8", fin=False) for opcode in (PING, PONG, CLOSE)),
                                              (frame(TEXT, INFO[:9], fin=False), frame(PING, b"x", fin=False)))

test_fragments_out_of_order = close_test(
    PROTOCOL, frame(CONTINUATION, INFO), frame(CONTINUATION, INFO, fin=False), frame(CONTINUATION),
    (frame(TEXT, b"{", fin=False), frame(TEXT, b"}")), (frame(TEXT, b"{", fin=False), frame(BINARY, b"}")),
    (frame(BINARY, b"", fin=False), frame(TEXT, b"{}", fin=False)))

test_lengths = close_test(
    PROTOCOL, frame(TEXT, b"{}", wide=2), frame(TEXT, b"{}", wide=8), frame(BINARY, b"x" * 200, wide=8),
    frame(TEXT, b"", length=2**63, wide=8), frame(TEXT, b"", length=2**64 - 1, wide=8))

test_close_frames = close_test(
    PROTOCOL, frame(CLOSE, b"\x03"), *(frame(CLOSE, struct.pack("!H", code)) for code in (
        0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535)))

test_close_reason_not_text = close_test(BAD_TEXT, *(frame(CLOSE, b"\x03\xe8" + bad) for bad in (b"\xff", b"\xc3", b"\xed\xa0\x80")))

NOT_TEXT = (b"\xff", b"\xfe\xff", b"\x80", b"\xc0\x80", b"\xc3\x28", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x80\x80\x80",
            b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b'{"id":1,"method":"\xff"}')

test_not_utf8 = close_test(
    BAD_TEXT, *(frame(TEXT, bad) for bad in NOT_TEXT), frame(TEXT, b"\xe2\x82"),
    (frame(TEXT, b'"\xe2', fin=False), frame(CONTINUATION, b'x"')),
    # At once, not when the message is whole; and within a frame that never ends.
    frame(TEXT, b"\xff", fin=False), frame(TEXT, b"{\xff", length=1000, wide=2))


async def test_announced_too_big(t):
    """A length beyond the limit is refused when it is announced; nobody waits for the bytes, or makes room for them."""
    server = await t.server("--max-message-bytes", 100_000, listen=("unix", "ws"))
    async with Bystander(server, "unix"):
        for length in (100_001, 2**31 - 1, 2**32, 2**62, 2**63 - 1):
            await closes(server, TOO_BIG, frame(BINARY, b"x", length=length, wide=8))
        half = frame(TEXT, b"x" * 60_000, fin=False)
        await closes(server, TOO_BIG, half, frame(CONTINUATION, b"x" * 60_000))
        await closes(server, TOO_BIG, half, *[frame(CONTINUATION, b"x" * 8000, fin=False)] * 5, frame(CONTINUATION, b"x"))
        peer = await RawWebSocket.connect(server.url("ws"))  # not initialized: 64 KiB
        await peer.send_bytes(frame(TEXT, b"x", length=65537, wide=8))
        assert await peer.read_close() == TOO_BIG


async def test_after_close(t):
    """What follows a close frame is not looked at, in one piece with it or behind it."""
    server = await t.shared()
    async with Bystander(server, "unix"):
        for code in (1000, 1001, 1003, 1011, 1014, 3000, 4999):
            peer = await upgraded(server)
            body = struct.pack("!H", code) + "grüße".encode()
            await peer.send_bytes(frame(CLOSE, body) + frame(TEXT, INFO) + b"\xff" * 1000)
            assert await peer.read_frame() == (True, CLOSE, body[:2])
            assert await peer.read_frame() is None
        peer = await upgraded(server)
        await peer.send_frame(CLOSE)
        assert await peer.read_frame() == (True, CLOSE, b"")
        assert await peer.read_frame() is None


async def test_truncated(t):
    """A frame cut at any byte, then the end of the stream: the connection ends, without a word."""
    server = await t.shared()
    whole = frame(TEXT, INFO) + frame(PING, b"x" * 9) + frame(BINARY, b" " * 300 + INFO)
    async with Bystander(server, "unix"):
        for cut in (1, 2, 3, 5, 6, 7, 20, len(INFO) + 5, len(INFO) + 7, len(INFO) + 12, len(INFO) + 22, len(INFO) + 25, len(whole) - 1):
            peer = await upgraded(server)
            await peer.send_bytes(whole[:cut])
            peer.writer.write_eof()
            frames = []
            while (got := await peer.read_frame()) is not None:
                frames.append(got[1])
            assert frames == [TEXT] * (cut >= len(INFO) + 6) + [PONG] * (cut >= len(INFO) + 6 + 15), (cut, frames)


async def test_tiny_fragments(t):
    """A message in thousands of fragments of one byte and of none, pings between them: one answer, every pong."""
    server = await t.shared()
    async with Bystander(server, "unix") as bystander:
        peer = await upgraded(server)
        text = INFO + b" " * 20_000
        pieces = [frame(TEXT, b"", fin=False)]
        for i in range(len(text)):
            pieces += [frame(CONTINUATION, text[i:i + 1], fin=False), frame(CONTINUATION, b"", fin=False)]
            if i % 100 == 0:
                pieces.append(frame(PING, b"%d" % i))
        await peer.send_bytes(b"".join(pieces))
        for i in range(0, len(text), 100):
            assert await peer.read_frame() == (True, PONG, b"%d" % i)
        await bystander.echoes()
        await peer.send_frame(CONTINUATION, b" ")
        assert parse(await peer.read_message())["id"] == 1
        await peer.send_bytes(frame(BINARY, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 50_000)
        await bystander.echoes()
        await peer.send_frame(CONTINUATION, INFO)
        assert parse(await peer.read_message())["id"] == 1


async def test_byte_by_byte(t):
    """Frames that arrive in single bytes, the text cut inside its characters."""
    server = await t.shared()
    async with Bystander(server, "unix") as bystander:
        peer = await upgraded(server)
        text = '{"id":"ä€\U0001f600","method":"no/such"}'.encode()
        data = frame(TEXT, text[:8], fin=False) + frame(PING, "€".encode()) + frame(CONTINUATION, text[8:])
        for i in range(len(data)):
            await peer.send_bytes(data[i:i + 1])
            await bystander.echoes()
        assert await peer.read_frame() == (True, PONG, "€".encode())
        assert parse(await peer.read_message())["id"] == "ä€\U0001f600"


async def test_not_json(t):
    """Messages that are frames but not JSON are answered one by one, binary ones that are not UTF-8 too."""
    server = await t.shared()
    async with Bystander(server, "unix"):
        peer = await upgraded(server)
        for opcode, payload in ((TEXT, b""), (BINARY, b""), (TEXT, b"x"), (BINARY, bytes(range(256))), (BINARY, b"\xff" * 100_000),
                                (BINARY, os.urandom(50_000)), (TEXT, b"\0"), (TEXT, b"{}\n{}"), (TEXT, b"\n")):
            await peer.send_frame(opcode, payload)
            answer = parse(await peer.read_message())
            assert answer["id"] is None and answer["error"]["code"] == -32700, answer
        await peer.send_frame(PONG, b"nobody asked")
        await alive(peer)


async def test_behind_the_upgrade(t):
    """Frames in one piece with the handshake, whole and cut, count from the first byte."""
    server = await t.shared()
    head = ("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").encode()
    data = head + frame(TEXT, HELLO) + frame(PING, b"x") + frame(TEXT, INFO)
    async with Bystander(server, "unix") as bystander:
        for cut in (0, len(head) - 1, len(head) + 1, len(head) + 100, len(data)):
            peer = await RawWebSocket.dial(server.url("ws"))
            await peer.send_bytes(data[:cut])
            await bystander.echoes()
            await peer.send_bytes(data[cut:])
            assert (await peer.read_head())[0] == 101
            assert parse(await peer.read_message())["id"] == 0
            assert await peer.read_frame() == (True, PONG, b"x")
            assert parse(await peer.read_message())["id"] == 1
            await peer.close()
        peer = await RawWebSocket.dial(server.url("ws"))
        await peer.send_bytes(head + frame(TEXT, HELLO, mask=None))
        assert (await peer.read_head())[0] == 101
        assert await peer.read_close() == PROTOCOL


# HTTP


async def status_of(server, data, end=False):
    """The status that these bytes are answered with; the connection ends behind it. None: no answer."""
    peer = await RawWebSocket.dial(server.url("ws"))
    await peer.send_bytes(data)
    if end:
        peer.writer.write_eof()
    try:
        status, headers = await peer.read_head()
    except asyncio.IncompleteReadError as nothing:
        assert nothing.partial == b"", nothing.partial
        return None
    body = await within(peer.reader.read(), "end behind the answer")
    if status != 101:
        length = 0 if data.startswith(b"HEAD ") else int(headers["content-length"])
        assert "close" in headers.get("connection", "").split(", ") and len(body) == length, (headers, body)
    await peer.close()
    return status


def request(*lines, first="GET / HTTP/1.1", host="127.0.0.1", without=()):
    right = {"Host": host, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    named = {line.partition(":")[0] for line in lines if isinstance(line, str)}
    kept = [f"{name}: {value}" for name, value in right.items() if name not in without and name not in named]
    raw = [line if isinstance(line, bytes) else line.encode("utf-8", "surrogateescape") for line in [first, *kept, *lines]]
    return b"\r\n".join(raw) + b"\r\n\r\n"


BAD_REQUESTS = (
    b"\r\n\r\n", b"x\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"\0\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"SSH-2.0-x\r\n\r\n", HELLO + b"\r\n\r\n", b"\xff" * 100 + b"\r\n\r\n", frame(TEXT, HELLO) + b"\r\n\r\n",
    request(first="GET http://127.0.0.1/ HTTP/1.1"), request(first="GET * HTTP/1.1"), request(first="GET  / HTTP/1.1"),
    request(first="GET / HTTP/1.1 "), request(first="GET /\t HTTP/1.1"), request(first="GET /% HTTP/1.1"),
    request(first="GET /%0 HTTP/1.1"), request(first="GET /#x HTTP/1.1"), request(first="GET /ä HTTP/1.1"),
    request(first="G(T / HTTP/1.1"), request(first="GET / http/1.1"), request(first="GET / HTTP/2"), request(first="GET / HTTP/1.2"),
    request(" folded: x"), request("\tfolded"), request("no colon"), request("Name : x"), request(": x"), request("N\0ame: x"),
    request("Name: x\0y"), request("Name: x\ry"), request(b"Name: x\ny"), request("Name: \x01"), request("Name: \x7f"),
    request("Näme: x"), request(b"Name: x\n\n"), request(*["A: b"] * 65), request(without=("Host",)),
    request("Host: 127.0.0.1", "Host: 127.0.0.1"), request("Host: 127.0.0.1", "Host: 127.0.0.1:1"),
    request(first="GET / HTTP/1.0"), request(without=("Connection",)), request("Connection: close"), request("Connection: Upgraded"),
    request(without=("Sec-WebSocket-Key",)), request("Sec-WebSocket-Key: "), request("Sec-WebSocket-Key: AAAA"),
    request("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA="), request("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAB=="),
    request("Sec-WebSocket-Key: " + "A" * 5000), request("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA AA=="),
    request("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
    request("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13"), request("Content-Length: 1") + b"x",
    request("Content-Length: 0", "Content-Length: 5"), request("Transfer-Encoding: chunked") + b"0\r\n\r\n",
    request("Content-Length: -1"), request(first="POST / HTTP/1.1"), request(first="HEAD / HTTP/1.1"), request(first="CONNECT / HTTP/1.1"))


async def test_bad_requests(t):
    """No request, or not quite a handshake: 400, and the end."""
    server = await t.shared()
    async with Bystander(server, "unix"):
        for data in BAD_REQUESTS:
            assert await status_of(server, data) == 400, data
        for data in (request("Upgrade: h2c"), request("Sec-WebSocket-Version: 8"), request("Sec-WebSocket-Version: 13, 8"),
                     request(without=("Sec-WebSocket-Version",))):
            assert await status_of(server, data) == 426, data
        for data in (b"x" * 16384, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 3000, request("Name: " + "x" * 16384), os.urandom(1 << 20)):
            assert await status_of(server, data) == 431, data[:100]
        for data in (b"", b"G", b"GET / HTTP/1.1\r\n", request()[:-2], b"\xff" * 1000):
            assert await status_of(server, data, end=True) is None, data


async def test_extensions(t):
    """Extensions and subprotocols that are offered are not taken up."""
    server = await t.shared()
    offers = [("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits, x-webkit-deflate-frame"),
              ("Sec-WebSocket-Extensions", "nonsense;;;=,\"\""), ("Sec-WebSocket-Protocol", "a, b")]
    async with Bystander(server, "unix"):
        peer = await RawWebSocket.dial(server.url("ws"))
        status, headers = await peer.upgrade(headers=offers)
        assert status == 101, status
        assert sorted(headers) == ["connection", "sec-websocket-accept", "upgrade"], headers
        await peer.send_frame(TEXT, HELLO)
        assert parse(await peer.read_message())["id"] == 0


HOSTS = ("127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:65535", "localhost", "LOCALHOST:80", "localhost.", "10.1.2.3", "good.example",
         "Good.Example:1234", "ports.example:99")
NO_HOSTS = ("", " ", "evil.example", "localhost.evil.example", "evil.localhost", "127.0.0.1.evil.example", "localhost:", "localhost:x",
            "localhost:65536", "localhost:1:2", "localhost@evil.example", "evil.example@localhost", "127.0.0.1:80, evil.example", "::1", "[::1",
            "[::1]x", "[evil.example]", "[127.0.0.1]", "127.1", "2130706433", "0x7f000001", "127.0.0.1.", "ports.example", "ports.example:98",
            "notgood.example", "good.example.evil.example", "good.example/", "local host", "[]", "[", "]", ":", ".", "localhost..", "x" * 8000)
ORIGINS = ("https://good.example", "https://good.example:8443")
NO_ORIGINS = ("", "null", "http://localhost", "http://127.0.0.1", "https://evil.example", "http://good.example", "https://good.example:443",
              "https://good.example/", "https://good.example.evil.example", "https://GOOD.example", "good.example", "file://", "https://",
              "https://evil.example https://good.example", "https://good.example, https://evil.example", "x" * 8000)


async def test_host_and_origin(t):
    """Who may come (a browser is a program of somebody else): an Origin that is not listed, a Host that is a name of elsewhere."""
    server = await t.server("--allow-host", "good.example", "--allow-host", "ports.example:99", *(
        word for origin in ORIGINS for word in ("--allow-origin", origin)), listen=("unix", "ws"))
    async with Bystander(server, "unix"):
        for host in HOSTS:
            assert await status_of(server, request(host=host) + frame(CLOSE)) == 101, host
        for host in NO_HOSTS:
            assert await status_of(server, request(host=host)) == 403, host
            assert await status_of(server, request(host=host, first="GET /metrics HTTP/1.1", without=("Upgrade",))) == 403, host
        for origin in ORIGINS:
            assert await status_of(server, request(f"Origin: {origin}") + frame(CLOSE)) == 101, origin
        for origin in NO_ORIGINS:
            for first in ("GET / HTTP/1.1", "GET /healthz HTTP/1.1", "OPTIONS / HTTP/1.1", "POST /metrics HTTP/1.1"):
                assert await status_of(server, request(f"Origin: {origin}", first=first)) == 403, origin
        both = [f"Origin: {ORIGINS[0]}", "Origin: https://evil.example"]
        assert await status_of(server, request(*both)) == 403
        assert await status_of(server, request(*reversed(both))) == 403


async def test_paths(t):
    """Three pages and a WebSocket at /; everything else is not there, whatever it looks like."""
    server = await t.shared()
    async with Bystander(server, "unix"):
        for path in ("/healthz", "/readyz", "/metrics", "/metrics?x=y", "/healthz?"):
            assert await status_of(server, request(first=f"GET {path} HTTP/1.1", without=("Upgrade",))) == 200, path
            assert await status_of(server, request(first=f"GET {path} HTTP/1.0", without=("Upgrade", "Host"))) == 200, path
            for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "BREW"):
                assert await status_of(server, request(first=f"{method} {path} HTTP/1.1", without=("Upgrade",))) == 405, method
        for path in ("/", "/index.html", "/healthz/", "//healthz", "/HEALTHZ", "/healthz/../metrics", "/./metrics", "/%6detrics",
                     "/metrics%00", "/metrics;x", "/../../etc/passwd", "/" + "x" * 8000):
            assert await status_of(server, request(first=f"GET {path} HTTP/1.1", without=("Upgrade",))) == 404, path
            if path != "/":
                assert await status_of(server, request(first=f"GET {path} HTTP/1.1")) == 404, path
        assert await status_of(server, request(first="GET /?x=y HTTP/1.1") + frame(CLOSE)) == 101


# Time


async def test_slow_handshake(t):
    """A head that comes in drops, one that stops, an upgrade without initialize: all end with the time for it."""
    server = await t.server("--initialize-timeout-ms", 400, listen=("unix", "ws"))
    async with Bystander(server, "unix") as bystander:
        peers = [await RawWebSocket.dial(server.url("ws")) for _ in range(4)]
        await peers[1].send_bytes(b"GET / HTTP/1.1\r\n")
        assert (await peers[2].upgrade())[0] == 101
        assert (await peers[3].upgrade())[0] == 101
        silent = [asyncio.create_task(peers[0].reader.read()), asyncio.create_task(peers[1].reader.read())]
        pings, dropping = 0, True
        frames = []

        async def drops():
            """One header after the other to the first, a ping after the other to the fourth."""
            nonlocal pings
            await peers[0].send_bytes(b"GET / HTTP/1.1\r\n")
            try:
                while dropping:
                    await bystander.echoes()
                    await peers[0].send_bytes(b"A")
                    await peers[3].send_frame(PING, b"x")
                    pings += 1
            except ConnectionError:
                pass

        task = asyncio.create_task(drops())
        while (got := await peers[3].read_frame()) is not None:
            frames.append(got)
        assert frames[-1][1] == CLOSE and struct.unpack("!H", frames[-1][2][:2])[0] == POLICY, frames[-1]
        assert {one[:2] for one in frames[:-1]} <= {(True, PONG)}
        assert await peers[2].read_close() == POLICY
        assert await within(asyncio.gather(*silent), "end of those that say nothing") == [b"", b""], "words for a peer that has not spoken"
        dropping = False
        await task
        assert pings > 0
        await bystander.echoes()


if __name__ == "__main__":
    sys.exit(tap.main(globals(), jobs=2))
