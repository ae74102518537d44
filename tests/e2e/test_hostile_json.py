#!/usr/bin/python3
"""
Every member of every method made wrong in every way that its type allows, and
texts that are no messages. The answer is exact, the connection goes on, nothing
was started, and another connection does not notice.
"""

import hashlib
import hmac
import json
import os
import sys

from support import b64, child

from hostile_members import METHODS, cases
from px import tap
from px.bystander import Bystander
from px.server import run_once

PARSE = (-32700, "parseError")
REQUEST = (-32600, "invalidRequest")
PARAMS = (-32602, "invalidParams")
EARLY_LIMIT = 65536  # bytes of a message before initialize
KEY = b"0123456789abcdef0123456789abcdef"


class Attacker:
    """A connection that is told text by text, each with one answer that is read before the next."""

    def __init__(self, conn):
        self.conn = conn

    async def expect(self, text, want_id, error, what=""):
        """Sends 'text'; the next message is that error, with that id and nothing else."""
        await self.conn.send_raw(text)
        answer = await self.conn.recv()
        shown = f"{what}: {text[:300]!r} got {answer}"
        assert isinstance(answer, dict) and sorted(answer) == ["error", "id"], shown
        assert answer["id"] == want_id and type(answer["id"]) is type(want_id), shown
        got = answer["error"]
        assert sorted(got) == ["code", "data", "message"] and got["message"], shown
        assert (got["code"], got["data"].get("kind")) == error, f"{shown}, not {error}"
        return got

    async def sound(self):
        """The connection still does what it is for."""
        await self.conn.send_raw('{"id":"sound","method":"no/such"}')
        answer = await self.conn.recv()
        assert answer["id"] == "sound", answer


async def attacker(server, scheme, dialect=None):
    conn = await server.connect(scheme, name=f"{scheme} attacker")
    if dialect is not None:
        await initialize(conn, dialect)
    return Attacker(conn)


async def initialize(conn, dialect):
    if dialect == "exec-server.v1":
        await conn.initialize_v1(capabilities={"experimentalApi": True})
    else:
        await getattr(conn, "initialize_" + dialect.rpartition(".")[2])()


def of_nobody(dialect, error=REQUEST):
    """The id and the error of what is no message."""
    return (-1, REQUEST) if dialect == "codex" else (None, error)


# Members


async def target(conn, dialect):
    """A session that the requests can name, silent for ever."""
    if dialect == "exec-server.v0":
        params = {"argv": [child(), "no-read"], "cwd": "/", "env": {}, "tty": True}
        started = await conn.request("command/exec", params)
        await conn.notification("command/exec/outputDelta")  # "ready"
    elif dialect == "codex":
        params = {"processId": "target", "argv": ["/bin/cat"], "cwd": "file:///", "env": {}, "tty": False, "pipeStdin": True}
        return (await conn.request("process/start", params))["processId"]
    else:
        params = {"direct": {"argv": ["/bin/cat"]}, "io": {"pipe": {"stdin": "open"}}, "onDisconnect": "kill"}
        started = await conn.request("process/start", params)
        await conn.notification("process/started")
    return started["sessionId"]


async def only(attack, session):
    """Nothing was started beside the target, and it was not touched."""
    rows = (await attack.conn.request("process/list"))["sessions"]
    assert [(row["sessionId"], row["running"]) for row in rows] == [(session, True)], rows
    inspected = await attack.conn.request("process/inspect", {"sessionId": session})
    assert inspected["totalBytes"] == {"stdout": 0, "stderr": 0}, inspected
    assert attack.conn.inbox == [], attack.conn.inbox


async def only_v0(attack):
    """The same where there is no list: the next session is the second."""
    assert attack.conn.inbox == [], attack.conn.inbox
    params = {"argv": ["/bin/true"], "cwd": "/", "env": {}, "tty": False}
    assert await attack.conn.request("command/exec", params) == {"sessionId": "session-2"}
    await attack.conn.notification("command/exec/exited")


async def only_codex(attack, session):
    """The same, where there is no list either."""
    assert attack.conn.inbox == [], attack.conn.inbox
    read = await attack.conn.request("process/read", {"processId": session})
    assert (read["nextSeq"], read["exited"]) == (1, False), read
    assert await attack.conn.request("process/terminate", {"processId": "new"}) == {"running": False}


def member_test(dialect, name, scheme, other):
    async def test(t):
        server = await t.shared()
        async with Bystander(server, other):
            initializing = name == "initialize"
            attack = await attacker(server, scheme, None if initializing else dialect)
            session = None if initializing else await target(attack.conn, dialect)
            n = 0
            for n, case in enumerate(cases(dialect, name, session), 1):
                text = b'{"id":%d,"method":"%s","params":%s}' % (n, name.encode(), case.params)
                malformed = case.unreadable or (dialect == "codex" and not initializing and case.has_twice())
                nobody = of_nobody(None if initializing else dialect, case.error)
                await attack.expect(text, *(nobody if malformed else (n, case.error)), case.what)
            if initializing:
                await initialize(attack.conn, dialect)
            elif dialect == "codex":
                await only_codex(attack, session)
            elif dialect == "exec-server.v1":
                await only(attack, session)
            else:
                await only_v0(attack)
            await attack.sound()
            assert n > 0, "no case was made"

    return f"{scheme} {dialect} {name}", test


async def test_every_method_has_its_members(t):
    """The table behind these tests has what the server lists, no less and no more."""
    status, out, _ = await run_once("--list-methods")
    assert status == 0, status
    listed = {tuple(line.split(" ")) for line in out.decode().splitlines()}
    assert listed, "the server lists no methods"
    missing = sorted(listed - set(METHODS))
    assert not missing, f"no members are known of {missing}"
    gone = sorted(set(METHODS) - listed)
    assert not gone, f"no methods of the server: {gone}"


async def test_signed(t):
    """A signed request: each part wrong, then a right signature over a wrong text."""
    folder = t.folder()
    path = os.path.join(folder, "key")
    with open(path, "wb") as f:
        f.write(KEY)
    server = await t.server("--prepared-key-file", path, listen=("unix", "ws"))
    forbidden = (-32006, "forbidden")
    good = b'{"argv":["/bin/true"],"cwd":"/","env":{}}'
    mac = hmac.new(KEY, good, hashlib.sha256).digest()

    def signed(text):
        return {"spec": b64(text), "signature": b64(hmac.new(KEY, text, hashlib.sha256).digest())}

    wrong = [({"argv": ["/bin/true"], "cwd": "/", "env": {}}, forbidden),
             ({"spec": b64(good)}, forbidden), ({"signature": b64(mac)}, forbidden),
             ({"spec": None, "signature": b64(mac)}, forbidden),
             ({"spec": b64(good), "signature": b64(mac[:-1])}, forbidden),
             ({"spec": b64(good), "signature": b64(mac + b"x")}, forbidden),
             ({"spec": b64(good), "signature": ""}, forbidden),
             ({"spec": b64(good + b" "), "signature": b64(mac)}, forbidden),
             ({"spec": good.decode(), "signature": b64(mac)}, PARAMS),
             ({"spec": 1, "signature": b64(mac)}, PARAMS),
             ({"spec": b64(good), "signature": "="}, PARAMS),
             ({"spec": b64(good), "signature": "A" * 1_000_001}, PARAMS),
             ({"spec": "A" * 1_000_001, "signature": b64(mac)}, PARAMS)]
    wrong += [(signed(text), PARAMS) for text in (
        b"", b"nonsense", b"[]", b"1", b'"x"', b"null", b'{"argv":["/bin/true"],"cwd":"/","env":{}}{}', b"\xff",
        b'{"argv":["true"],"cwd":"/","env":{}}', b'{"argv":[],"cwd":"/","env":{}}', b'{"argv":["/bin/true"],"env":{}}',
        b'{"argv":["/bin/true"],"cwd":"/","env":{},"env":{}}', b'{"argv":["/bin/true"],"cwd":"/","env":{"A":"1","A":"2"}}',
        b'{"argv":["/bin/\\u0000"],"cwd":"/","env":{}}', b"[" * 100 + b"]" * 100)]
    attack = await attacker(server, "unix", "exec-server.v1")
    for n, (prepared, error) in enumerate(wrong):
        params = {"prepared": prepared, "io": {"pipe": {"stdin": "closed"}}}
        text = json.dumps({"id": n, "method": "process/start", "params": params})
        await attack.expect(text, n, error)
    assert (await attack.conn.request("process/list")) == {"sessions": []}
    params = {"prepared": signed(good), "io": {"pipe": {"stdin": "closed"}}}
    assert (await attack.conn.request("process/run", params))["exitCode"] == 0


# Envelopes

NO_METHOD = {"exec-server.v0": (-32600, "methodNotFound"), "exec-server.v1": (-32601, "methodNotFound"),
             "codex": (-32601, "methodNotFound")}

NOT_JSON = (
    "{", "}", "{]", "[", "]", "[1,]", "[,1]", "[1 2]", '{"id":1', '{"id":1}{"id":2}', "{} {}", "1 2", '{"id":1,}', '{,"id":1}',
    '{"id"}', '{"id":}', '{id:1}', "{'id':1}", "nul", "nulll", "True", "NaN", "Infinity", "-Infinity", "-", "+1", "01", "-01", ".5",
    "5.", "1e", "1e+", "0x10", "1_000", '"', '"x', "'x'", r'"\x"', r'"\u12"', r'"\u12G4"', r'"\"', '"\\', "/* x */ {}", "{} // x",
    "# x", "\ufeff{}", "\u00a0{}", "\u2028{}", "{}\0", "\0{}", "\v{}", "\f{}", '"\t"', '"\x01"', '"\x1f"', '"\\ud800"',
    b"\xff\xfe{}", b'{"id":1,\xff"method":"x"}', b'"\xc3\x28"', b'"\xe2\x82"', '{"id":1}'.encode("utf-16-le"), b"\x80" * 1000,
    bytes(set(range(256)) - {10}), "[" * 1_000_000, "]" * 1_000_000, '{"a":' * 200_000, '"' + "\\" * 999_999, "-" * 1_000_000,
    "[1" * 1000, "9" * 1_000_000 + "x")
NO_MESSAGE = ("1", "-0", "1.5", "1e400", "9" * 100_000, "null", "true", "false", '"x"', '""', "[]", "{}", '{"id":1}', '{"params":{}}',
              '{"jsonrpc":"2.0"}', '{"id":1,"method":1}', '{"id":1,"method":null}', '{"id":1,"method":[]}', '{"id":1,"method":{}}',
              '{"id":1,"id":1,"method":"x"}', '{"id":1,"\\u0069d":2,"method":"x"}', '{"id":1,"method":"x","method":"x"}',
              '{"id":1,"method":"x","params":{},"params":{}}', '{"id":1,"method":"x","trace":1,"trace":1}',
              '{"id":1,"method":"x","unknown":1,"unknown":1}', "[" + ",".join(["1"] * 129) + "]")
WRONG_IDS = ("null", "true", "false", "1.5", "1.0", "1e3", "-0.0", "[]", "{}", "[1]", "9223372036854775808", "-9223372036854775809",
             "9" * 1000)
RIGHT_IDS = (0, -1, 2**63 - 1, -2**63, "", "x", "7", "a\0b", "\u00e9\U0001f600", "x" * 1_000_000, "\\\"/\b\f\n\r\t\x7f")
ODD_METHODS = ("", "x" * 1_000_000, "process/list\0", "process/list ", "PROCESS/LIST", "process/", "initialized", "rpc.discover",
               "\U0001f600" * 1000, "\n", "%s%n")
TRACES = (None, 1, True, "x", [], {}, {"traceparent": 1}, {"traceparent": None}, {"traceparent": "x" * 1_000_000},
          {"traceparent": "00-" + "f" * 32 + "-" + "f" * 16 + "-01", "tracestate": 1},
          {"traceparent": "00-" + "f" * 32 + "-" + "f" * 16 + "-01", "tracestate": "x" * 1_000_000},
          {"traceparent": "00-" + "0" * 32 + "-" + "0" * 16 + "-00\0"}, {"tracestate": "a=b"})


def envelope_test(dialect, scheme, other):
    async def test(t):
        server = await t.shared()
        async with Bystander(server, other):
            attack = await attacker(server, scheme, dialect)
            for text in NOT_JSON:
                await attack.expect(text, *of_nobody(dialect, PARSE))
            for text in NO_MESSAGE:
                await attack.expect(text, *of_nobody(dialect))
            for wrong in WRONG_IDS:
                await attack.expect('{"id":%s,"method":"no/such"}' % wrong, *of_nobody(dialect))
            for right in RIGHT_IDS:
                await attack.expect(json.dumps({"id": right, "method": "no/such"}), right, NO_METHOD[dialect])
            for method in ODD_METHODS:
                got = await attack.expect(json.dumps({"id": 1, "method": method}), 1, NO_METHOD[dialect])
                assert len(got["message"].encode()) < 200, "the answer repeats what was said at any length"
            for trace in TRACES:
                text = json.dumps({"jsonrpc": trace, "id": 1, "method": "no/such", "trace": trace})
                await attack.expect(text, 1, NO_METHOD[dialect])
            await attack.sound()

    return f"{scheme} {dialect} envelopes", test


def batch_test(scheme, other):
    """Batches whose members are anything but requests; each has its place in the answer."""

    async def test(t):
        server = await t.shared()
        async with Bystander(server, other):
            attack = await attacker(server, scheme, "exec-server.v1")
            members = ("1", "null", '"x"', "[]", "[[]]", "{}", '{"id":1}', '{"method":"x"}', '{"id":1,"result":1}', '{"error":1}',
                       '{"id":[],"method":"x"}', '{"id":1,"id":1,"method":"x"}', '{"id":1,"method":{}}')
            await attack.conn.send_raw("[" + ",".join(members) + "]")
            answers = await attack.conn.recv()
            assert len(answers) == len(members), answers
            for one in answers:
                assert one["id"] is None and one["error"]["code"] == -32600, one

            same = ['{"id":7,"method":"server/info"}'] * 128
            await attack.conn.send_raw("[" + ",".join(same) + "]")
            answers = await attack.conn.recv()
            assert [one["id"] for one in answers] == [7] * 128
            assert "result" in answers[0] and {one["error"]["data"]["kind"] for one in answers[1:]} == {"duplicateRequestId"}

            for bad in ("[" * 63 + "]" * 63, "[" + "[0]," * 127 + "[0]]"):
                await attack.conn.send_raw(bad)
                answers = await attack.conn.recv()
                assert {one["error"]["data"]["kind"] for one in answers} == {"invalidRequest"}, answers
            await attack.sound()

    return f"{scheme} batches", test


# Size and depth


def bounds_test(scheme, other):
    """The last size that is taken and the first that is not: levels, values, members."""

    async def test(t):
        server = await t.shared()
        unknown = NO_METHOD["exec-server.v1"]

        def message(params):
            return '{"id":1,"method":"no/such","params":{"a":%s}}' % params

        async with Bystander(server, other) as bystander:
            attack = await attacker(server, scheme, "exec-server.v1")
            await attack.expect(message("[" * 62 + "]" * 62), 1, unknown)
            await attack.expect(message("[" * 63 + "]" * 63), None, PARSE)
            await attack.expect(message('{"a":' * 62 + "0" + "}" * 62), 1, unknown)
            await attack.expect(message('{"a":' * 63 + "0" + "}" * 63), None, PARSE)
            values = 262144 - 5  # beside the message, its id, method and params, and the array
            await attack.expect(message("[" + ",".join(["0"] * values) + "]"), 1, unknown)
            await attack.expect(message("[" + ",".join(["0"] * (values + 1)) + "]"), None, PARSE)
            await bystander.echoes()

            distinct = ",".join(f'"{i}":0' for i in range(200_000))
            await attack.conn.send_raw('{"id":2,"method":"process/list","params":{%s}}' % distinct)
            assert await attack.conn.recv() == {"id": 2, "result": {"sessions": []}}
            await attack.expect('{"id":2,"method":"process/list","params":{%s,"77777":0}}' % distinct, 2, PARAMS)
            await attack.sound()

    return f"{scheme} bounds", test


def small_values_test(scheme, other):
    """64 MiB of nested small values, and as much in one string."""

    async def test(t):
        server = await t.shared()
        async with Bystander(server, other) as bystander:
            attack = await attacker(server, scheme, "exec-server.v1")
            size = 64 * 1024 * 1024
            for piece in ("[[]],", '{"a":{}},', "0,", '"",'):
                await attack.expect("[" + piece * ((size - 10) // len(piece)) + "0]", None, PARSE, "small values")
                await bystander.echoes()
            head, tail = '{"id":1,"method":"server/info","params":{"a":"', '"}}'
            for filler in ("x", r"\n"):
                await attack.conn.send_raw(head + filler * ((size - len(head + tail)) // len(filler)) + tail)
                assert "result" in await attack.conn.recv()
                await bystander.echoes()

    return f"{scheme} small values", tap.deadline(180)(test)


def early_test(scheme, other):
    """Before initialize a message of more than 64 KiB ends the connection, whichever member is enormous."""

    async def test(t):
        server = await t.shared()
        async with Bystander(server, other):
            for dialect in NO_METHOD:
                for params, _ in METHODS[dialect, "initialize"].forms:
                    for name in [*params, "unknown"]:
                        text = json.dumps({"id": 1, "method": "initialize", "params": {**params, name: "x" * EARLY_LIMIT}})
                        attack = await attacker(server, scheme)
                        if scheme == "ws":
                            await attack.conn.send_raw(text)
                        else:
                            await attack.expect(text, None, REQUEST)
                        assert await attack.conn.end() == (1009 if scheme == "ws" else None)
                        assert attack.conn.inbox == []

    return f"{scheme} enormous initialize", test


def versions_test(scheme, other):
    """A protocolVersion that is none: refused by name, and the connection may try again."""

    async def test(t):
        server = await t.shared()
        async with Bystander(server, other):
            attack = await attacker(server, scheme)
            for version in (None, 1, True, [], {}, "", "exec-server.v2", "exec-server.v1 ", "exec-server.v1\0", "x" * 50_000):
                text = json.dumps({"id": 1, "method": "initialize", "params": {"clientName": "x", "protocolVersion": version}})
                got = await attack.expect(text, 1, (-32602, "unsupportedVersion"))
                assert "exec-server.v1" in got["data"]["supported"], got
            await attack.conn.initialize_v1()

    return f"{scheme} versions", test


def all_tests():
    tests = tap.discover(globals())
    for scheme, other in (("unix", "ws"), ("ws", "unix")):
        tests += [member_test(dialect, name, scheme, other) for dialect, name in METHODS]
        tests += [envelope_test(dialect, scheme, other) for dialect in NO_METHOD]
        tests += [make(scheme, other) for make in (batch_test, bounds_test, small_values_test, early_test, versions_test)]
    return tests


if __name__ == "__main__":
    sys.exit(tap.main(all_tests(), jobs=2))
