"""The envelope, the answers to plain HTTP, and frames: what is sent here is sent byte by byte."""

import asyncio
import functools
import json
import struct

from px.deadline import within
from px.rawws import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawWebSocket

STATUS = '"method":"environment/status"'
IDS = ("0", "-1", "7", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1.5", "1.0", "1e3", '""',
       '"a"', '"é"', '"\\u0000"',
       '"\\ud83d\\ude00"', "null", "true", "{}", "[]", "[1]")
MALFORMED = {
    "nothing": "", "white space": "  ", "not JSON": "{", "a word": "hello", "a number": "7", "null": "null",
    "a string": '"a"', "an empty array": "[]",
    "a batch": '[{"id":1,"method":"environment/status"}]', "an empty object": "{}", "an id alone": '{"id":1}',
    "params alone": '{"params":{}}',
    "two values": '{"id":1,"method":"environment/status"}{}', "a method that is a number": '{"id":1,"method":7}',
    "a method that is null": '{"id":1,"method":null}',
    "an empty method": '{"id":1,"method":""}', "an unknown method": '{"id":1,"method":"a/b"}',
    "a name twice": '{"id":1,"id":1,"method":"environment/status"}',
    "a param twice": '{"id":1,"method":"process/terminate","params":{"processId":"a","processId":"b"}}',
    "a deep name twice": '{"id":1,"method":"environment/status","x":{"a":1,"a":1}}',
    "an unknown name": '{"id":1,"method":"environment/status","x":1}',
    "a comma too much": '{"id":1,"method":"environment/status",}',
    "NaN": '{"id":1,"method":"environment/status","x":NaN}',
    "a comment": '{"id":1,"method":"environment/status"}//x', "single quotes": "{'id':1}",
    "a leading zero": '{"id":01,"method":"environment/status"}',
    "a lone surrogate": '{"id":1,"method":"environment/status","x":"\\ud800"}',
    "a control character": '{"id":1,"method":"environment/status","x":"\n"}',
    "a byte order mark": '\ufeff{"id":1,"method":"environment/status"}',
    "deep": '{"id":1,"method":"environment/status","x":' + "[" * 60 + "]" * 60 + "}",
    "very deep": '{"id":1,"method":"environment/status","x":' + "[" * 200 + "]" * 200 + "}",
    "a huge number": '{"id":1,"method":"environment/status","x":1e999}',
    "a trace": '{"id":1,"method":"environment/status","trace":{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}',
    "a trace that is none": '{"id":1,"method":"environment/status","trace":7}',
    "space around": ' \n{"id":1,"method":"environment/status"}\r\n\t ',
    "method and result": '{"id":1,"method":"environment/status","result":{}}',
    "an id of null": '{"id":null,"method":"environment/status"}',
    "jsonrpc": '{"jsonrpc":"2.0","id":1,"method":"environment/status"}',
    "jsonrpc of another kind": '{"jsonrpc":1,"id":1,"method":"environment/status"}',
}
ENDING = {
    "an unknown notification": '{"method":"a/b"}',
    "a request without id": '{"method":"environment/status","params":null}', "a response": '{"id":1,"result":{}}',
    "an error": '{"id":1,"error":{"code":1,"message":"x"}}',
    "initialized again": '{"method":"initialized","params":{}}',
    "initialized with params": '{"method":"initialized","params":{"a":1}}',
    "initialized with an array": '{"method":"initialized","params":[]}',
    "initialized as a request": '{"id":1,"method":"initialized"}',
    "an error without id": '{"error":{"code":1,"message":"x"}}',
    "a result of null": '{"id":1,"result":null}', "a bad error": '{"id":1,"error":7}',
    "a response of an id that is none": '{"id":{},"result":1}',
}
UPGRADE = "Host: $HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
REQUESTS = {
    "upgrade": f"GET / HTTP/1.1\r\n{UPGRADE}\r\n", "upgrade with a query": f"GET /?a=b HTTP/1.1\r\n{UPGRADE}\r\n",
    "upgrade elsewhere": f"GET /x HTTP/1.1\r\n{UPGRADE}\r\n",
    "upgrade of readyz": f"GET /readyz HTTP/1.1\r\n{UPGRADE}\r\n",
    "upgrade by POST": f"POST / HTTP/1.1\r\n{UPGRADE}Content-Length: 0\r\n\r\n",
    "upgrade in HTTP/1.0": f"GET / HTTP/1.0\r\n{UPGRADE}\r\n",
    "upgrade with a protocol": f"GET / HTTP/1.1\r\n{UPGRADE}Sec-WebSocket-Protocol: a, b\r\n\r\n",
    "upgrade with an extension": f"GET / HTTP/1.1\r\n{UPGRADE}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    "upgrade with authorization": f"GET / HTTP/1.1\r\n{UPGRADE}Authorization: Bearer x\r\n\r\n",
    "upgrade, words in other cases": "GET / HTTP/1.1\r\nhost: $HOST\r\nCONNECTION: keep-alive, upgrade\r\nUPGRADE: WebSocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "no connection": f"GET / HTTP/1.1\r\n{UPGRADE}\r\n".replace("Connection: Upgrade\r\n", ""),
    "no upgrade": f"GET / HTTP/1.1\r\n{UPGRADE}\r\n".replace("Upgrade: websocket\r\n", ""),
    "another upgrade": f"GET / HTTP/1.1\r\n{UPGRADE}\r\n".replace("websocket\r\n", "h2c\r\n"),
    "no version": f"GET / HTTP/1.1\r\n{UPGRADE}\r\n".replace("Sec-WebSocket-Version: 13\r\n", ""),
    "another version": f"GET / HTTP/1.1\r\n{UPGRADE}\r\n".replace(": 13", ": 8"),
    "no key": f"GET / HTTP/1.1\r\n{UPGRADE}\r\n".replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""),
    "a short key": f"GET / HTTP/1.1\r\n{UPGRADE}\r\n".replace("dGhlIHNhbXBsZSBub25jZQ==", "YQ=="),
    "no host": f"GET / HTTP/1.1\r\n{UPGRADE}\r\n".replace("Host: $HOST\r\n", ""),
    "another host": f"GET / HTTP/1.1\r\n{UPGRADE}\r\n".replace("$HOST", "evil.example"),
    "an IP as host": f"GET / HTTP/1.1\r\n{UPGRADE}\r\n".replace("$HOST", "127.0.0.1"),
    "plain": "GET / HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n", "garbage": "hello\r\n\r\n",
    "a long path": f"GET /{'a' * 20000} HTTP/1.1\r\nHost: $HOST\r\n\r\n",
}
for _origin in ("", "null", "http://evil.example", "http://$HOST"):
    REQUESTS[f"origin {_origin!r}"] = f"GET / HTTP/1.1\r\n{UPGRADE}Origin: {_origin}\r\n\r\n"
    REQUESTS[f"readyz with origin {_origin!r}"] = f"GET /readyz HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\nOrigin: {_origin}\r\n\r\n"
for _method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
    for _path in ("/", "/readyz", "/healthz", "/health", "/ws", "/x", "/readyz/", "/readyz?a"):
        REQUESTS[f"{_method} {_path}"] = f"{_method} {_path} HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
SAYS = ("content-type", "content-length", "allow", "upgrade", "connection", "sec-websocket-accept",
        "sec-websocket-version", "sec-websocket-protocol",
        "sec-websocket-extensions", "www-authenticate", "access-control-allow-origin", "location")


def answers(talk):
    """What came besides the answer to the question whether the connection goes on; where an id is -1 or null, that alone."""
    return {request_id: got[0] if len(got) == 1 else got for request_id, got in talk.answers.items() if got}


async def identifier(side, text):
    talk = await side.talk()
    await talk.send(f'{{"id":{text},{STATUS}}}')
    await talk.ask("environment/status", None, label="after it")
    side.note("answers", answers(talk))


async def malformed(side, text):
    for state in ("initialized", "fresh"):
        talk = await side.talk(initialize=state == "initialized")
        await talk.send(text)
        await talk.ask("environment/status", None, label=f"after it, {state}")
        side.note(f"answers, {state}", answers(talk))


async def ending(side, text, state):
    talk = await side.talk(initialize=state == "initialized")
    if state == "greeted":
        await talk.request("initialize", {"clientName": "x", "resumeSessionId": None})
    await talk.send(text)
    await talk.ask("environment/status", None, label="after it")
    side.note("answers", answers(talk))


async def twice(side):
    """Two requests in flight with one id."""
    talk = await side.talk()
    await talk.send(f'{{"id":5,{STATUS}}}')
    await talk.send(f'{{"id":5,{STATUS}}}')
    for i in range(2):
        side.note(f"answer {i}", await talk.answer(5))


async def http(side, text):
    raw = await RawWebSocket.dial(f"ws://{side.server.host}")
    await raw.send_bytes(text.replace("$HOST", side.server.host).encode())
    try:
        status, headers = await raw.read_head(10)
        side.note("status", status)
        side.note("headers", {name: value if name == "sec-websocket-accept" else value.lower().replace(", ", ",")
                              for name, value in sorted(headers.items()) if name in SAYS})
        if status != 101:
            body = b"" if text.startswith("HEAD") else await body_of(raw, headers)
            side.note("body", body.decode("latin-1"))
    except (asyncio.IncompleteReadError, ConnectionError):
        side.note("status", "ended")
    await raw.close()


async def body_of(raw, headers):
    if "content-length" in headers:
        return await within(raw.reader.readexactly(int(headers["content-length"])), "body")
    return await within(raw.reader.read(), "body")


def request(i):
    return json.dumps({"id": i, "method": "environment/status"}).encode()


async def frames(side, sent):
    """Frames behind a handshake; what comes back until a request is answered, or the connection ends."""
    raw = await RawWebSocket.connect(f"ws://{side.server.host}")
    await raw.send_text('{"id":1,"method":"initialize","params":{"clientName":"x","resumeSessionId":null}}')
    await raw.read_message()
    await raw.send_text('{"method":"initialized"}')
    heard = []
    try:
        for opcode, payload, options in sent:
            await raw.send_frame(opcode, payload, **options)
        await raw.send_frame(TEXT, request(99))
    except ConnectionError:
        pass
    while (got := await raw.read_frame()) is not None:
        fin, opcode, payload = got
        if opcode == CLOSE:
            heard.append(["close", struct.unpack("!H", payload[:2])[0] if payload else None])
            continue
        value = json.loads(payload) if opcode == TEXT else payload.decode("latin-1")
        heard.append([fin, opcode, value])
        if opcode == TEXT and value["id"] == 99:
            break
    else:
        heard.append("ended")
    side.note("heard", {f"{i}": item for i, item in enumerate(heard)})
    await raw.close()


MB = 1 << 20
ASK = request(1)
FRAMES = {
    "text": [(TEXT, ASK, {})], "binary": [(BINARY, ASK, {})], "in two": [(TEXT, ASK[:9], {"fin": False}), (CONTINUATION, ASK[9:], {})],
    "binary in two": [(BINARY, ASK[:9], {"fin": False}), (CONTINUATION, ASK[9:], {})],
    "empty fragments": [(TEXT, b"", {"fin": False}), (CONTINUATION, ASK, {"fin": False}), (CONTINUATION, b"", {})],
    "a ping inside": [(TEXT, ASK[:9], {"fin": False}), (PING, b"p", {}), (CONTINUATION, ASK[9:], {})],
    "ping": [(PING, b"hello", {})], "empty ping": [(PING, b"", {})],
    "ping of 125": [(PING, b"p" * 125, {})], "ping of 126": [(PING, b"p" * 126, {})], "pong": [(PONG, b"x", {})],
    "a ping in two": [(PING, b"p", {"fin": False})],
    "unmasked": [(TEXT, ASK, {"mask": None})], "mask of zeros": [(TEXT, ASK, {"mask": b"\0\0\0\0"})],
    "reserved 1": [(TEXT, ASK, {"rsv": 4})], "reserved 3": [(TEXT, ASK, {"rsv": 1})],
    "opcode 3": [(3, ASK, {})], "opcode 11": [(11, b"", {})], "stray continuation": [(CONTINUATION, ASK, {})],
    "text in a message": [(TEXT, ASK[:9], {"fin": False}), (TEXT, ASK, {})],
    "not UTF-8": [(TEXT, b'{"id":"\xff"}', {})], "not UTF-8, binary": [(BINARY, b'{"id":"\xff"}', {})],
    "UTF-8 cut in two": [(TEXT, b'{"id":"\xc3', {"fin": False}), (CONTINUATION, b'\xa9","method":"environment/status"}', {})],
    "a wide length": [(TEXT, ASK, {"wide": 2})], "a very wide length": [(TEXT, ASK, {"wide": 8})],
    "a length of 2^63": [(TEXT, b"", {"length": 1 << 63, "wide": 8})],
    "close": [(CLOSE, struct.pack("!H", 1000), {})], "empty close": [(CLOSE, b"", {})],
    "close of one byte": [(CLOSE, b"x", {})], "close with a reason": [(CLOSE, struct.pack("!H", 1001) + b"bye", {})],
    "close of a bad code": [(CLOSE, struct.pack("!H", 1005), {})],
    "17 MB in a frame": [(TEXT, ASK + b" " * (17 * MB), {})],
    "16 MB in a frame": [(TEXT, ASK + b" " * (16 * MB - len(ASK)), {})],
    "40 MB in frames": [(TEXT, ASK, {"fin": False}), *[(CONTINUATION, b" " * (8 * MB), {"fin": False})] * 5,
                        (CONTINUATION, b"", {})],
    "72 MB in frames": [(TEXT, ASK, {"fin": False}), *[(CONTINUATION, b" " * (8 * MB), {"fin": False})] * 9,
                        (CONTINUATION, b"", {})],
}


def cases():
    found = messages(MALFORMED)
    for state in ("fresh", "greeted", "initialized"):
        found += [(f"ending {state} {name}", functools.partial(ending, text=text, state=state)) for name,
                  text in ENDING.items()]
    found += [(f"http {name}", functools.partial(http, text=text)) for name, text in REQUESTS.items()]
    found += [(f"frames {name}", functools.partial(frames, sent=sent)) for name, sent in FRAMES.items()]
    return found


def messages(malformed_ones):
    found = [(f"id {text}", functools.partial(identifier, text=text)) for text in IDS]
    found += [(f"message {name}", functools.partial(malformed, text=text)) for name, text in malformed_ones.items()]
    found.append(("an id twice", twice))
    return found


def lines():
    """
    Those that a line can hold, and that do not end the connection: on pipes the
    CLI's own server then says nothing more, and stays until its input ends.
    """
    return messages({name: text for name, text in MALFORMED.items() if "\n" not in text})
