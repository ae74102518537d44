#!/usr/bin/python3
"""
The harness under test: what a dialogue accepts, what it must not let pass, and
that the puppet and its Python twin agree. TAP on stdout; needs PX_CHILD.
"""

import asyncio
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from px import pattern, tap  # noqa: E402
from px.conn import b64  # noqa: E402
from px.dialogue import Player, load  # noqa: E402
from px.server import child, ended, spawn  # noqa: E402


class Recorded:
    """A connection whose server says what a test wrote down, then answers the closing request."""

    def __init__(self, messages):
        self.inbox = list(messages)
        self.sent = []

    async def send_json(self, value):
        self.sent.append(value)
        if isinstance(value, dict) and value.get("method") == "dialogue/end":
            self.inbox.append({"id": value["id"], "error": {"code": -32601, "message": "no"}})

    async def send_raw(self, text):
        self.sent.append(text)

    async def recv(self):
        if not self.inbox:
            raise AssertionError("no message")
        return self.inbox.pop(0)

    async def end(self):
        return 1000

    async def close(self):
        pass


async def play(t, lines, messages, **variables):
    """Plays a dialogue of these lines against these messages; returns the connection, or raises."""
    path = os.path.join(t.folder(), "d.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    conn = Recorded(messages)

    async def connect(_):
        return conn

    await Player(load(path, "d"), connect, variables).play()
    return conn


async def passes(t, lines, messages, **variables):
    return await play(t, lines, messages, **variables)


async def fails(t, lines, messages, why):
    try:
        await play(t, lines, messages)
    except AssertionError as failure:
        assert why in str(failure), f"{why!r} is not in: {failure}"
    else:
        raise AssertionError("the dialogue was accepted")


def line(value, mark="<"):
    return f"{mark} {json.dumps(value)}"


def output(seq, text, offset, session="a", stream="stdout"):
    return {"method": "process/outputDelta", "params": {
        "sessionId": session, "seq": seq, "stream": stream, "offset": offset, "chunk": b64(text)}}


def ended_message(seq, method="process/exited", session="a"):
    return {"method": method, "params": {"sessionId": session, "seq": seq}}


def wanted(text, offset=0, session="a", stream="stdout"):
    message = output("$int", "", offset, session, stream)
    message["params"]["chunk"] = "$base64:" + text
    return line(message)


START = {"id": 1, "result": {"sessionId": "a"}}


async def test_values(t):
    """Placeholders, captures and texts, each against a value that fits and one that does not."""
    for want, good, bad in (
        ("$any", None, "absent"), ("$string", "x", 1), ("$int", 7, True), ("$int", 7, 7.0), ("$positive", 1, 0),
        ("$bool", False, 0), ("$array", [], {}), ("$object", {}, []), ("$hex", "0af", "0AF"), ("$$any", "$any", "any"),
        ("$match:a.*c", "abbc", "xabbc"), ("$base64:hi", "aGk=", "aGk"), ("$times:3:ab", "ababab", "abab"),
        (1, 1, True), (None, None, 0), ([1, "$int"], [1, 2], [1]), ({"a": 1}, {"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "$more": True}, {"a": 1, "b": 2}, {"b": 2}),
    ):
        await passes(t, [line({"id": 1, "result": want})], [{"id": 1, "result": good}])
        wrong = {"id": 1} if bad == "absent" else {"id": 1, "result": bad}
        await fails(t, [line({"id": 1, "result": want})], [wrong], "unexpected")


async def test_captures(t):
    """A captured value keeps its type and goes into texts."""
    lines = [line({"id": 1, "result": {"pid": "$=pid:int", "id": "$=id:string"}}),
             line({"id": 2, "params": {"pid": "${pid}", "text": "${id}-${pid}", "b": "$base64:${id}"}}, ">"),
             line({"id": 2, "result": "${pid}"})]
    conn = await passes(t, lines, [{"id": 1, "result": {"pid": 7, "id": "x"}}, {"id": 2, "result": 7}])
    assert conn.sent[0]["params"] == {"pid": 7, "text": "x-7", "b": "eA=="}, conn.sent
    await fails(t, lines, [{"id": 1, "result": {"pid": 7, "id": "x"}}, {"id": 2, "result": "7"}], "unexpected")


async def test_raw_lines(t):
    """Raw lines go out as they stand."""
    conn = await passes(t, [">! {", ">! $json:\" \\r\"", ">!", ">! $times:3:["], [])
    assert conn.sent[:4] == ["{", " \r", "", "[[["], conn.sent


async def test_response_order(t):
    """Responses of one block come in any order, notifications of a session do not."""
    lines = [line({"id": 1, "result": {}}), line({"id": 2, "result": {}})]
    await passes(t, lines, [{"id": 2, "result": {}}, {"id": 1, "result": {}}])
    lines = [line(ended_message("$int")), line(ended_message("$int", "process/closed"))]
    await passes(t, lines, [ended_message(1), ended_message(2, "process/closed")])
    await fails(t, lines, [ended_message(1, "process/closed"), ended_message(2)], "unexpected")


async def test_start_before_notifications(t):
    """The response that names a session comes before what is told about it."""
    lines = [line(START), line(ended_message("$int"))]
    await passes(t, lines, [START, ended_message(1)])
    await fails(t, lines, [ended_message(1), START], "unexpected")


async def test_missing_and_surplus(t):
    """A message too few or too many is found, wherever it stands."""
    await fails(t, [line(START)], [], "still expected: line 1")
    await fails(t, [line(START)], [START, ended_message(1)], "after the last line")
    await fails(t, [line(START), "> {}", line({"id": 2, "result": 1})], [START, ended_message(1)], "unexpected")


async def test_output_joined(t):
    """Bytes count, not chunks: split, joined, or across two expected lines."""
    messages = [output(1, "he", 0), output(2, "ll", 2), output(3, "o", 4)]
    await passes(t, [wanted("hello")], messages)
    await passes(t, [wanted("hel"), wanted("lo", 3)], messages)
    await passes(t, [wanted("hel"), wanted("lo", 3)], [output(1, "hello", 0)])
    await fails(t, [wanted("hello")], [output(1, "hel", 0)], "still expected")
    await fails(t, [wanted("hello")], [output(1, "help", 0)], "output: expected")
    await fails(t, [wanted("hello")], [output(1, "hello!", 0)], "unexpected")
    await fails(t, [wanted("hello", 1)], [output(1, "hello", 0)], "offset")


async def test_output_before_exit(t):
    """The exit may not overtake output of any stream; the streams may overtake each other."""
    lines = [wanted("out"), wanted("err", stream="stderr"), line(ended_message("$int"))]
    out, err = output(1, "out", 0), output(2, "err", 0, stream="stderr")
    await passes(t, lines, [out, err, ended_message(3)])
    await passes(t, lines, [dict(err, params=dict(err["params"], seq=1)), dict(out, params=dict(out["params"], seq=2)),
                            ended_message(3)])
    await fails(t, lines, [out, ended_message(2), err], "unexpected")


async def test_output_any(t):
    """"$any" output ends when something else comes."""
    any_output = output("$int", "", "$int")
    any_output["params"]["chunk"] = "$any"
    lines = [line(any_output), line(ended_message("$int"))]
    await passes(t, lines, [output(1, "x", 0), output(2, "yz", 1), ended_message(3)])


async def test_numbers(t):
    """A hole in seq or offset is found though the dialogue does not look."""
    lines = [wanted("ab"), line(ended_message("$int")), line(ended_message("$int", "process/closed"))]
    good = [output(1, "a", 0), output(2, "b", 1), ended_message(3), ended_message(4, "process/closed")]
    await passes(t, lines, good)
    await fails(t, lines, [good[0], output(3, "b", 1), *good[2:]], "seq 3 of a after 1")
    await fails(t, lines, [good[0], output(2, "b", 2), *good[2:]], "offset 2")
    await fails(t, lines, [*good[:3], ended_message(3, "process/closed")], "seq 3 of a after 3")
    await fails(t, [*lines, wanted("c", 2)], [*good, output(5, "c", 2)], "after the last notification")


async def test_numbers_after_subscribe(t):
    """A subscription may begin anywhere, and have a hole where the server counts a loss."""
    lines = [wanted("a"), line({"id": 2, "method": "process/subscribe", "params": {"sessionId": "a"}}, ">"),
             line({"id": 2, "result": {"lostBytes": "$int"}}), wanted("a"), wanted("z", 9)]
    again = [output(1, "a", 0), output(5, "z", 9)]
    await passes(t, lines, [output(1, "a", 0), {"id": 2, "result": {"lostBytes": 8}}, *again])
    await fails(t, lines, [output(1, "a", 0), {"id": 2, "result": {"lostBytes": 0}}, *again], "seq 5 of a after 1")


async def run_child(*mode):
    process = await spawn(child(), *mode, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    return process


async def test_child_spew(t):
    """The puppet's bytes are those of pattern.spew(), from any offset."""
    for count in (0, 1, pattern.PERIOD, 3 * pattern.PERIOD + 17):
        process = await run_child("spew", str(count))
        out, _ = await process.communicate()
        assert await ended(process) == 0
        assert out == pattern.spew(count)
        assert out[5:] == pattern.spew(max(count - 5, 0), 5)


async def test_child_sink(t):
    """The puppet's checksum is that of pattern.sink_line()."""
    data = pattern.spew(200001)
    process = await run_child("sink")
    out, _ = await process.communicate(data)
    assert await ended(process) == 0
    assert out == pattern.sink_line(data), out


if __name__ == "__main__":
    sys.exit(tap.main(tap.discover(globals())))
