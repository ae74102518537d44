"""Reading and playing golden dialogues; protocol/README.md describes their form."""

import json
import os
import re
import shlex
from dataclasses import dataclass, field

from .conn import b64, unb64
from .expect import Mismatch, fill, match

_LINE = re.compile(r"([2-9]?)(>!|>x|<x|>|<)(?: (.*))?$")
_DIRECTIVE = re.compile(r"# (server|file|transports): (.*)$")
_END = "end of dialogue"


@dataclass
class Step:
    line: int
    conn: int
    action: str  # ">", ">!", ">x", "<" or "<x"
    value: object = None


@dataclass
class Dialogue:
    name: str  # "exec-server.v1/process-start"
    steps: list = field(default_factory=list)
    flags: list = field(default_factory=list)
    files: list = field(default_factory=list)  # (name, text)
    transports: tuple = ("stdio", "unix", "ws")

    def methods(self):
        """The methods of all requests and notifications that the client sends."""
        for step in self.steps:
            if step.action == ">":
                for message in step.value if isinstance(step.value, list) else [step.value]:
                    if isinstance(message, dict) and isinstance(message.get("method"), str):
                        yield message["method"]

    def connections(self):
        return max(step.conn for step in self.steps)


def load(path, name):
    """Reads a file; a wrong line is a ValueError that names it."""
    dialogue = Dialogue(name)
    with open(path, encoding="utf-8", newline="\n") as f:
        for number, line in enumerate(f, 1):
            try:
                _load_line(dialogue, number, line.rstrip("\n"))
            except ValueError as failure:
                raise ValueError(f"{path}:{number}: {failure}") from None
    if not dialogue.steps:
        raise ValueError(f"{path}: empty")
    return dialogue


def _load_line(dialogue, number, line):
    directive = _DIRECTIVE.match(line)
    if directive:
        what, text = directive.groups()
        if what == "server":
            dialogue.flags += shlex.split(text)
        elif what == "file":
            name, _, content = text.partition(" ")
            dialogue.files.append((name, content))
        else:
            dialogue.transports = tuple(text.split())
        return
    if not line or line.startswith("#"):
        return
    found = _LINE.match(line)
    if not found:
        raise ValueError("neither a comment nor a message")
    conn, action, text = found.groups()
    step = Step(number, int(conn or "1"), action, text)
    if action in (">", "<"):
        step.value = json.loads(text or "")
    elif action == ">!":
        text = text or ""
        step.value = json.loads(text[len("$json:"):]) if text.startswith("$json:") else text
    elif action == "<x":
        step.value = int(text) if text else None
    dialogue.steps.append(step)


def folder_dialogues(root):
    """All dialogues under 'root', by name."""
    found = []
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            if name.endswith(".jsonl"):
                path = os.path.join(folder, name)
                found.append(load(path, os.path.relpath(path, root)[: -len(".jsonl")]))
    return found


# What a message is about


def _params(message):
    params = message.get("params") if isinstance(message, dict) else None
    return params if isinstance(params, dict) else {}


def _session(message):
    """The session a message names: such messages keep their order."""
    if not isinstance(message, dict):
        return None
    result = message.get("result")
    about = result if isinstance(result, dict) else _params(message)
    named = about.get("processId", about.get("sessionId"))
    return named if isinstance(named, str) else None


def _is_output(message):
    return isinstance(message, dict) and str(message.get("method", "")).endswith(("/outputDelta", "/output"))


class _Numbers:
    """
    What holds for every numbered notification of a connection whatever the
    dialogue expects: seq rises by one, offsets are contiguous, nothing follows the last.
    """

    def __init__(self):
        self._seq, self._offset, self._over = {}, {}, set()
        self._subscribing, self._holes = {}, set()  # sessions by request id; sessions with a counted loss

    def forget(self, session):
        self._seq.pop(session, None)
        self._over.discard(session)
        self._holes.discard(session)
        for key in [key for key in self._offset if key[0] == session]:
            del self._offset[key]

    def sent(self, message):
        """A request that starts the numbering of a session anew, for this connection."""
        for one in message if isinstance(message, list) else [message]:
            if isinstance(one, dict) and one.get("method") in (
                    "process/subscribe", "process/start", "process/run", "process/release"):
                session = _session(one)
                self.forget(session)
                if one["method"] == "process/subscribe":
                    self._subscribing[one.get("id")] = session

    def check(self, message):
        params, session = _params(message), _session(message)
        if isinstance(message, dict) and isinstance(message.get("result"), dict):
            subscribed = self._subscribing.pop(message["id"], None)
            if message["result"].get("lostBytes"):
                self._holes.add(subscribed)
        if session is None or not isinstance(message, dict) or "method" not in message:
            return
        if message["method"] == "process/lagged":
            self.forget(session)
            return
        if message["method"].startswith(("process/output", "process/exited", "process/closed", "command/")):
            if session in self._over:
                raise Mismatch(f"{message['method']} after the last notification of {session}")
        if message["method"] in ("process/closed", "command/exec/exited"):
            self._over.add(session)
        if "seq" in params:
            last = self._seq.get(session)
            hole = session in self._holes and last is not None and params["seq"] > last
            if last is not None and params["seq"] != last + 1 and not hole:
                raise Mismatch(f"seq {params['seq']} of {session} after {last}")
            self._seq[session] = params["seq"]
        if "offset" in params:
            key = (session, params["stream"])
            want = self._offset.get(key, params["offset"])
            if params["offset"] != want and not (session in self._holes and params["offset"] > want):
                raise Mismatch(f"offset {params['offset']} of {key} where {want} is next")
            self._offset[key] = params["offset"] + len(unb64(params["chunk"]))


class _Expected:
    """One expected message; for output, the bytes that are still to come."""

    def __init__(self, step):
        self.step, self.want = step, step.value
        self.left = None  # bytes of an output that began to arrive
        self.done = False

    def session(self, variables):
        try:
            return fill(_session(self.want), variables)
        except Mismatch:
            return None  # not captured yet

    def stream(self):
        return _params(self.want).get("stream") if _is_output(self.want) else None

    def _pattern(self):
        """The expected delta for any one chunk: its bytes, and after the first its place, are checked apart."""
        params = dict(self.want["params"], chunk="$string")
        if self.left is not None:
            params.update({name: "$int" for name in ("seq", "offset") if name in params})
        return {**self.want, "params": params}

    def try_take(self, message, variables):
        """Matches 'message', or what of its bytes belongs here; returns the bytes left over (b"" for none)."""
        trial = dict(variables)
        chunk = _params(self.want).get("chunk") if _is_output(self.want) else None
        if chunk is None or not _is_output(message):
            match(self.want, message, trial)
            rest, self.done = b"", True
        else:
            match(self._pattern(), message, trial)
            rest = self._take_bytes(chunk, message, variables)
        variables.update(trial)
        return rest

    def _take_bytes(self, chunk, message, variables):
        got = unb64(message["params"]["chunk"])
        if chunk == "$any":
            return b""  # done when something else of the session comes
        left = unb64(fill(chunk, variables)) if self.left is None else self.left
        common = min(len(left), len(got))
        if got[:common] != left[:common]:
            raise Mismatch(f"output: expected {left!r}, got {got!r}")
        self.left = left[common:]
        self.done = not self.left
        return got[common:]


class Player:
    """Plays one dialogue against a server; 'connect(n)' makes connection n."""

    def __init__(self, dialogue, connect, variables):
        self._dialogue, self._connect = dialogue, connect
        self._variables = variables
        self._conns, self._numbers = {}, {}

    async def play(self):
        steps, i = self._dialogue.steps, 0
        while i < len(steps):
            try:
                if steps[i].action.startswith("<"):
                    block = []
                    while i < len(steps) and steps[i].action.startswith("<"):
                        block.append(steps[i])
                        i += 1
                    await self._expect(block)
                else:
                    await self._send(steps[i])
                    i += 1
            except Exception as failure:
                line = steps[min(i, len(steps) - 1)].line
                cause = None if isinstance(failure, AssertionError) else failure
                raise AssertionError(f"{self._dialogue.name}, near line {line}: {failure}") from cause
        for number in sorted(self._conns):
            await self._finish(number)

    async def _conn(self, number):
        if number not in self._conns:
            self._conns[number] = await self._connect(number)
            self._numbers[number] = _Numbers()
        return self._conns[number]

    async def _send(self, step):
        conn = await self._conn(step.conn)
        if step.action == ">x":
            # Until the server has ended it as well, so that what follows meets a server that knows.
            conn.end_sending()
            await conn.end()
            del self._conns[step.conn]
        elif step.action == ">!":
            await conn.send_raw(fill(step.value, self._variables))
        else:
            value = fill(step.value, self._variables)
            self._numbers[step.conn].sent(value)
            await conn.send_json(value)

    async def _expect(self, block):
        for number in dict.fromkeys(step.conn for step in block):
            conn = await self._conn(number)
            mine = [step for step in block if step.conn == number]
            await self._expect_messages(conn, self._numbers[number], [s for s in mine if s.action == "<"])
            for step in mine:
                if step.action == "<x":
                    await self._expect_end(conn, number, step)

    async def _expect_messages(self, conn, numbers, steps):
        pending = [_Expected(step) for step in steps]
        while any(not one.done for one in pending):
            try:
                message = await conn.recv()
            except AssertionError as failure:
                rest = [f"line {one.step.line}" for one in pending if not one.done]
                raise AssertionError(f"{failure}; still expected: {', '.join(rest)}") from None
            numbers.check(message)
            self._place(message, pending)

    def _place(self, message, pending):
        """Finds the expectation that 'message' fulfils; those of the same session before it must be done."""
        why, session = [], _session(message)
        for one in pending:
            if one.done:
                continue
            same = session is not None and one.session(self._variables) == session
            try:
                rest = one.try_take(message, self._variables)
            except Mismatch as failure:
                why.append(f"line {one.step.line}: {failure}")
                if not same:
                    continue
                if _params(one.want).get("chunk") == "$any" and one.stream():
                    one.done = True  # swallowed all output there was
                    continue
                if one.stream() is not None and _is_output(message) and one.stream() != _params(message)["stream"]:
                    continue  # the order of two streams is not promised
                break
            if rest:
                self._place_rest(message, rest, pending)
            return
        raise Mismatch("unexpected " + json.dumps(message)[:2000] + "".join(f"\n  not {text}" for text in why))

    def _place_rest(self, message, rest, pending):
        """The bytes of a chunk that go beyond one expected line belong to the next line of that stream."""
        params = dict(message["params"], chunk=b64(rest))
        if "offset" in params:
            params["offset"] += len(unb64(message["params"]["chunk"])) - len(rest)
        self._place({**message, "params": params}, pending)

    async def _expect_end(self, conn, number, step):
        code = await conn.end()
        if conn.inbox:
            raise Mismatch(f"line {step.line}: before the end came {conn.inbox[0]!r}")
        if step.value is not None and code is not None and code != step.value:
            raise Mismatch(f"line {step.line}: closed with {code}, expected {step.value}")
        del self._conns[number]

    async def _finish(self, number):
        """A last request that every state answers at once: nothing else may be waiting before its answer."""
        conn = self._conns[number]
        await conn.send_json({"id": _END, "method": "dialogue/end"})
        message = await conn.recv()
        if not (isinstance(message, dict) and message.get("id") == _END and "error" in message):
            raise AssertionError(f"{self._dialogue.name}: after the last line came {json.dumps(message)[:2000]}")
        await conn.close()
