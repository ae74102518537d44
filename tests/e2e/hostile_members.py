"""
The members of every method's params, and the ways to get each of them wrong.

A member is a path into the params and the type that the method takes there.
cases() makes from that: every other type, missing, twice, beyond its range, not
of its form, enormous, with NUL, a lone surrogate or invalid UTF-8 inside.
"""

import json
from dataclasses import dataclass

PARSE = (-32700, "parseError")
PARAMS = (-32602, "invalidParams")
SESSION = (-32004, "unknownSession")
TOKEN = (-32004, "unknownToken")
SPAWN = (-32007, "spawnFailed")
MS_MAX = 315360000000
INT64_MAX = 2**63 - 1
BIG = 1_000_000  # bytes: beyond every bound of a member, far below that of a message
ARG_MAX = 200_000  # bytes: more than the kernel takes as one argument (execve(2), MAX_ARG_STRLEN)
PROGRAM = "/nonexistent"  # should anything be taken that must not be, it starts nothing


class Raw(str):
    """JSON text that goes out as it stands."""


class Pairs(list):
    """An object as a list of its members, so that one can be there twice."""


def encode(value):
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        value = Pairs(value.items())
    if isinstance(value, Pairs):
        return "{%s}" % ",".join(f"{name if isinstance(name, Raw) else json.dumps(name)}:{encode(one)}"
                                 for name, one in value)
    if isinstance(value, list):
        return "[%s]" % ",".join(map(encode, value))
    return json.dumps(value)


def edited(params, path, change):
    """A copy of 'params' in which change(members, i) was made to the object that holds the member at 'path'."""
    name, rest = path[0], path[1:]
    if isinstance(params, list) and not isinstance(params, Pairs):
        copy = list(params)
        copy[name] = edited(copy[name], rest, change)
        return copy
    copy = Pairs(params.items())
    i = [one for one, _ in copy].index(name)
    if rest:
        copy[i] = (name, edited(copy[i][1], rest, change))
    else:
        change(copy, i)
    return copy


def replaced(params, path, value):
    def change(members, i):
        members[i] = (members[i][0], value)

    return edited(params, path, change)


def spelled(name):
    """The same name, its first letter as an escape."""
    return Raw('"\\u%04x%s"' % (ord(name[0]), name[1:]))


# What a member takes

SAMPLES = {"null": None, "boolean": True, "integer": 7, "fraction": Raw("1.5"), "string": "x", "array": [], "object": {}}


@dataclass(frozen=True)
class Type:
    json: tuple  # names of SAMPLES that are not a wrong type
    wrong: tuple = ()  # values of a right type that are refused all the same
    huge: object = "x" * BIG  # an enormous value
    huge_error: tuple = PARAMS
    nul: object = None  # a value with NUL inside
    nul_error: tuple = PARAMS
    text: str = None  # the place for a broken character: %s stands for it


def integer(low, high, huge=Raw("9" * 400)):
    beyond = (Raw(str(low - 1)), Raw(str(high + 1)), Raw("1.0"), Raw("1e0"), Raw("-0.0"), Raw(str(2**64)), Raw(str(-2**64)),
              Raw("1E400"), Raw("-9223372036854775808"))
    return Type(("integer",), beyond, huge)


def string(huge_error=PARAMS, nul_error=PARAMS, wrong=(), huge="x" * BIG, nul="a\0b"):
    return Type(("string",), wrong, huge, huge_error, nul, nul_error, '"a%sb"')


BYTES = Type(("string",), ("A", "AA", "AAA", "AA=", "AAA=A", "AB==", "AAB=", "AA==\n", " AA==", "AA==AA==", "-_-_", "A===", "====",
                           "AA=A", "\u00e9\u00e9"), "A" * (BIG + 1), nul="AA\0=", text='"AA%s="')
BOOLEAN = Type(("boolean",), huge=[True] * 1000)
OBJECT = Type(("object",), huge="{" * BIG)
WORD = string(wrong=("", "x", "Kill", "kill "))
SESSION_ID = string(SESSION, SESSION)
NEW_NAME = string(wrong=("", "a b", "a/b", "\u00e9", "x" * 129, "a\n"))
PATH = string(SPAWN, wrong=("", "relative", "./x"), huge="/" + "x" * BIG, nul="/a\0b")


def strings(huge=(PROGRAM, "x" * ARG_MAX), huge_error=SPAWN, wrong=()):
    return Type(("array",), ([1], [None], ["x", True], [["x"]], [{}], *wrong), list(huge), huge_error, ["x", "a\0b"],
                text='["a%sb"]')


ARGV = strings(wrong=([], [""]))
ENV = Type(("object",), ({"A": 1}, {"A": None}, {"A": []}, {"": "x"}, {"A=B": "x"}, {"A\0": "x"}, {"=": ""},
                         Pairs([("A", "1"), ("A", "2")]), Pairs([("A", "1"), (spelled("A"), "1")])),
           {"A": "x" * ARG_MAX}, SPAWN, {"A": "a\0b"}, text='{"A":"a%sb"}')


@dataclass(frozen=True)
class Member:
    path: tuple
    type: Type
    required: bool = False


def member(path, takes, required=False):
    steps = tuple(int(step) if step.isdigit() else step for step in path.split("."))
    return Member(steps, takes, required)


def needed(path, takes):
    return member(path, takes, True)


# The methods. A form is right params (SESSION_NAME stands for a session) and the members in them.

SESSION_NAME = object()
THE_SESSION = needed("sessionId", SESSION_ID)


@dataclass(frozen=True)
class Method:
    forms: tuple = ()


MODE = Type(("string", "object"), ("", "graceful", "Force", {}, {"graceful": None}, {"graceful": 1}, {"graceful": {}}, [1]))
CONDITION = Type(("array",), ([], ["exit"] * 17, ["stop"], [None], [1], [[]], [{}], [{"idleMs": 1, "bytes": 1}], [{"match": None}],
                              ["exit", {"match": ""}], [Pairs([("bytes", 1), ("bytes", 1)])]), ["exit"] * 100_000)
WRITE_ID = Type(("string",), ("", "x" * 129), text='"a%sb"')
MATCH = Type(("string",), ("", "x" * 4097), text='"a%sb"')
RLIMITS = tuple(member(f"rlimits.{name}", integer(0, high)) for name, high in
                (("cpuSeconds", 2**31 - 1), ("memoryBytes", INT64_MAX), ("openFiles", 2**31 - 1), ("fileSizeBytes", INT64_MAX)))
SPEC = {"argv": [PROGRAM], "cwd": "/", "env": {"A": "b"}, "arg0": "x", "timeoutMs": 1000, "umask": 18,
        "rlimits": {"cpuSeconds": 9, "memoryBytes": 2**40, "openFiles": 9, "fileSizeBytes": 9}}
SPEC_MEMBERS = (needed("argv", ARGV), member("arg0", string(SPAWN, huge="x" * ARG_MAX)), member("timeoutMs", integer(1, MS_MAX)),
                member("umask", integer(0, 511)), member("rlimits", OBJECT), *RLIMITS)
PTY_IO = {"pty": {"rows": 24, "cols": 80}}
PIPE_IO = {"pipe": {"stdin": "closed"}}


def under(name, members):
    return tuple(Member((name, *one.path), one.type, one.required) for one in members)


START_MEMBERS = (member("sessionId", NEW_NAME), needed("io", OBJECT), member("onDisconnect", WORD))
DIRECT = ({"sessionId": "new", "direct": {**SPEC, "inheritEnv": False}, "io": PTY_IO, "onDisconnect": "kill"},
          (*START_MEMBERS, needed("direct", OBJECT), needed("io.pty", OBJECT), needed("io.pty.rows", integer(1, 65535)),
           needed("io.pty.cols", integer(1, 65535)),
           *under("direct", (*SPEC_MEMBERS, member("cwd", PATH), member("env", ENV), member("inheritEnv", BOOLEAN)))))
PREPARED = ({"sessionId": "new", "prepared": SPEC, "io": PIPE_IO, "onDisconnect": "keep"},
            (*START_MEMBERS, needed("prepared", OBJECT), needed("io.pipe", OBJECT), needed("io.pipe.stdin", WORD),
             *under("prepared", (*SPEC_MEMBERS, needed("cwd", PATH), needed("env", ENV)))))
RUN = ({"direct": {"argv": [PROGRAM]}, "io": {"pipe": {"stdin": "open"}}, "chunk": "eA==", "timeoutMs": 1000},
       (member("chunk", BYTES), member("timeoutMs", integer(0, MS_MAX)), needed("direct", OBJECT), needed("direct.argv", ARGV),
        needed("io", OBJECT), needed("io.pipe", OBJECT), needed("io.pipe.stdin", WORD)))


def of_session(params, *members):
    return Method((({"sessionId": SESSION_NAME, **params}, (THE_SESSION, *members)),))


# A message before initialize is small, so an enormous one ends the connection: those are tests of their own.
EARLY = "x" * 50_000
ANY_TEXT = string(huge=Raw("7" + "0" * 400), nul=None)
SESSION_V0 = needed("sessionId", string((-32600, "unknownSession"), (-32600, "unknownSession")))
SPAWN_V0 = (-32603, "spawnFailed")


def with_spawn_v0(takes):
    return Type(takes.json, takes.wrong, takes.huge, SPAWN_V0 if takes.huge_error == SPAWN else takes.huge_error, takes.nul,
                takes.nul_error, takes.text)


# codex

SESSION_CODEX = (-32600, "unknownSession")
TOKEN_CODEX = (-32600, "unknownToken")
URI = string(wrong=("", "relative", "/", "file", "http://localhost/", "file://elsewhere/", "file:///%", "file:///%0", "file:///%zz",
                    "file:///%00", "file:///a?b", "file:///a#b"), huge="file:///" + "x" * BIG, nul="file:///a\0b")
KEY_PATHS = Type(("array",), ([[]], [["a"], []], [[1]], [{}], ["a"], [None]), "x" * BIG)
PATTERNS = strings(["*?*" * 10] * 10_000, SPAWN_V0)
SANDBOX = Type(("object",), ({}, {"permissions": None}, {"permissions": {}}, {"permissions": {"type": 1}},
                             {"permissions": {"type": "Disabled"}}), "x" * BIG)


def of_process(params, unknown, *members):
    return Method((({"processId": SESSION_NAME, **params}, (needed("processId", string(unknown, unknown)), *members)),))


FILE = "file:///nowhere/x"  # under a directory that is not there: what gets through changes nothing


def of_file(params, *members, changes=False, path="path"):
    takes = (needed(path, URI), *members, *((member("sandbox", SANDBOX),) if changes else ()), member("followSymlinks", BOOLEAN))
    common = {path: FILE, "sandbox": {"permissions": {"type": "disabled"}}, "followSymlinks": True}
    return Method((({**common, **params}, takes),))


NO_HANDLE = (-32004, "unknownHandle")
HANDLE = string(NO_HANDLE)
NO_DATA = (-32600, "invalidRequest")

METHODS = {
    ("exec-server.v1", "initialize"): Method((({
        "clientName": "x", "clientVersion": "1", "protocolVersion": "exec-server.v1", "workspace": "w",
        "capabilities": {"experimentalApi": True, "optOutNotificationMethods": ["x"], "slowConsumer": "lag",
                         "acknowledge": False}},
        (needed("clientName", ANY_TEXT), member("clientVersion", ANY_TEXT),
         member("workspace", string(wrong=("", "a b", "x" * 129), huge=EARLY)),
         member("capabilities", Type(("object",), huge=EARLY)), member("capabilities.experimentalApi", BOOLEAN),
         member("capabilities.optOutNotificationMethods", strings(["x"] * 10_000, PARAMS, (["x"] * 65,))),
         member("capabilities.acknowledge", BOOLEAN), member("capabilities.slowConsumer", string(wrong=("", "Lag", "x"), huge=EARLY)))),
        ({"clientName": "x", "protocolVersion": "exec-server.v1", "resumeToken": "x"},
         (member("resumeToken", string(TOKEN, TOKEN, huge=EARLY)),)))),
    ("exec-server.v1", "process/start"): Method((DIRECT, PREPARED)),
    ("exec-server.v1", "process/run"): Method((DIRECT, PREPARED, RUN)),
    ("exec-server.v1", "process/write"): of_session(
        {"chunk": "", "writeId": "1"}, needed("chunk", BYTES),
        member("writeId", WRITE_ID)),
    ("exec-server.v1", "process/closeStdin"): of_session({"writeId": "1"}, member("writeId", WRITE_ID)),
    ("exec-server.v1", "process/resize"): of_session(
        {"rows": 24, "cols": 80}, needed("rows", integer(1, 65535)), needed("cols", integer(1, 65535))),
    ("exec-server.v1", "process/signal"): of_session(
        {"signal": "CONT"}, needed("signal", string(wrong=("", "SIGINT", "int", "9", "RTMIN", "RTMIN+1", "EXIT", "INT ")))),
    ("exec-server.v1", "process/terminate"): Method((
        ({"sessionId": SESSION_NAME, "mode": "force"}, (THE_SESSION, member("mode", MODE))),
        ({"sessionId": SESSION_NAME, "mode": {"graceful": {"timeoutMs": 1}}},
         (needed("mode.graceful", OBJECT), needed("mode.graceful.timeoutMs", integer(0, MS_MAX)))))),
    ("exec-server.v1", "process/wait"): of_session(
        {"until": [{"idleMs": 0}, {"bytes": 0}, {"match": "x"}], "afterSeq": 0, "timeoutMs": 0},
        member("until", CONDITION), member("afterSeq", integer(0, INT64_MAX)), member("timeoutMs", integer(0, MS_MAX)),
        needed("until.0.idleMs", integer(0, MS_MAX)), needed("until.1.bytes", integer(0, INT64_MAX)),
        needed("until.2.match", MATCH)),
    ("exec-server.v1", "process/inspect"): of_session({}),
    ("exec-server.v1", "process/snapshot"): of_session({}),
    ("exec-server.v1", "process/read"): of_session(
        {"afterSeq": 0, "maxBytes": 1, "waitMs": 0}, member("afterSeq", integer(0, INT64_MAX)),
        member("maxBytes", integer(0, INT64_MAX)), member("waitMs", integer(0, MS_MAX))),
    ("exec-server.v1", "process/communicate"): of_session(
        {"chunk": "", "writeId": "1", "timeoutMs": 0}, member("chunk", BYTES), member("writeId", WRITE_ID),
        member("timeoutMs", integer(0, MS_MAX))),
    ("exec-server.v1", "process/subscribe"): of_session({"afterSeq": 0}, member("afterSeq", integer(0, INT64_MAX))),
    ("exec-server.v1", "process/unsubscribe"): of_session({}),
    ("exec-server.v1", "process/list"): Method(),
    ("exec-server.v1", "process/release"): of_session({}),
    ("exec-server.v1", "server/info"): Method(),
    ("exec-server.v0", "initialize"): Method((({"clientName": "x"}, (needed("clientName", ANY_TEXT),)),)),
    ("exec-server.v0", "command/exec"): Method((({
        "argv": [PROGRAM], "cwd": "/", "env": {"A": "b"}, "tty": False, "arg0": "x"},
        (needed("argv", with_spawn_v0(ARGV)), needed("cwd", with_spawn_v0(PATH)), needed("env", with_spawn_v0(ENV)),
         needed("tty", BOOLEAN), member("arg0", with_spawn_v0(string(SPAWN, huge="x" * ARG_MAX))))),)),
    ("exec-server.v0", "command/exec/write"): Method((
        ({"sessionId": SESSION_NAME, "chunk": ""}, (SESSION_V0, needed("chunk", BYTES))),)),
    ("exec-server.v0", "command/exec/terminate"): Method((({"sessionId": SESSION_NAME}, (
        needed("sessionId", string(None, None)),)),)),
    ("codex", "initialize"): Method((({"clientName": "x", "resumeSessionId": "x"}, (
        needed("clientName", ANY_TEXT), member("resumeSessionId", string(TOKEN_CODEX, TOKEN_CODEX, huge=EARLY)))),)),
    ("codex", "environment/info"): Method(),
    ("codex", "environment/status"): Method(),
    ("codex", "environmentConfig/read"): Method((({"cwd": "file:///", "configPaths": [["a"]], "requirementsPaths": [["b"]]}, (
        needed("cwd", URI), needed("configPaths", KEY_PATHS), needed("requirementsPaths", KEY_PATHS))),)),
    ("codex", "process/start"): Method((({
        "processId": "new", "argv": [PROGRAM], "cwd": "file:///", "env": {"A": "b"}, "tty": False, "pipeStdin": False, "arg0": "x",
        "envPolicy": {"inherit": "none", "ignoreDefaultExcludes": True, "exclude": ["x"], "set": {"A": "b"}, "includeOnly": ["A"]},
        "sandbox": {"permissions": {"type": "disabled"}}, "enforceManagedNetwork": False},
        (needed("processId", string(wrong=("x" * 129,))), needed("argv", with_spawn_v0(ARGV)), needed("cwd", URI),
         needed("env", with_spawn_v0(ENV)), needed("tty", BOOLEAN), member("pipeStdin", BOOLEAN),
         member("arg0", with_spawn_v0(string(SPAWN, huge="x" * ARG_MAX))), member("envPolicy", OBJECT),
         needed("envPolicy.inherit", WORD), needed("envPolicy.ignoreDefaultExcludes", BOOLEAN),
         needed("envPolicy.exclude", PATTERNS), needed("envPolicy.set", with_spawn_v0(ENV)),
         needed("envPolicy.includeOnly", PATTERNS), member("sandbox", SANDBOX), member("enforceManagedNetwork", BOOLEAN))),)),
    ("codex", "process/read"): of_process(
        {"afterSeq": 0, "maxBytes": 1, "waitMs": 0}, SESSION_CODEX, member("afterSeq", integer(0, INT64_MAX)),
        member("maxBytes", integer(0, INT64_MAX)), member("waitMs", integer(0, INT64_MAX))),
    ("codex", "process/write"): of_process(
        {"chunk": "", "writeId": "1"}, None, needed("chunk", BYTES), needed("writeId", WRITE_ID)),
    ("codex", "process/signal"): of_process({"signal": "interrupt"}, None, needed("signal", string(wrong=("", "INT", "interrupt ")))),
    ("codex", "process/terminate"): of_process({}, None),
    ("codex", "fs/getMetadata"): of_file({}),
    ("codex", "fs/canonicalize"): of_file({}),
    ("codex", "fs/readFile"): of_file({}),
    ("codex", "fs/readDirectory"): of_file({}),
    ("codex", "fs/writeFile"): of_file({"dataBase64": "AA=="}, needed("dataBase64", string((-32004, "noSuchFile"), NO_DATA)), changes=True),
    ("codex", "fs/createDirectory"): of_file({"recursive": False}, member("recursive", BOOLEAN), changes=True),
    ("codex", "fs/remove"): of_file(
        {"recursive": False, "force": False}, member("recursive", BOOLEAN), member("force", BOOLEAN), changes=True),
    ("codex", "fs/copy"): of_file(
        {"destinationPath": FILE, "recursive": False}, needed("destinationPath", URI), needed("recursive", BOOLEAN),
        changes=True, path="sourcePath"),
    ("codex", "fs/walk"): of_file(
        {"options": {"maxDepth": 1, "maxDirectories": 1, "maxEntries": 1, "followDirectorySymlinks": False,
                     "pruneHiddenDirectories": False}},
        needed("options", OBJECT), needed("options.maxDepth", integer(0, INT64_MAX)),
        needed("options.maxDirectories", integer(0, INT64_MAX)), needed("options.maxEntries", integer(0, INT64_MAX)),
        needed("options.followDirectorySymlinks", BOOLEAN), member("options.pruneHiddenDirectories", BOOLEAN)),
    ("codex", "fs/open"): of_file({"handleId": "h", "mode": "read"}, needed("handleId", string(huge="x" * 100_000)), member("mode", WORD)),
    ("codex", "fs/readBlock"): Method((({"handleId": "h", "offset": 0, "len": 1}, (
        needed("handleId", HANDLE), needed("offset", integer(0, INT64_MAX)), needed("len", integer(0, INT64_MAX)))),)),
    ("codex", "fs/writeBlock"): Method((({"handleId": "h", "offset": 0, "chunk": "AA=="}, (
        needed("handleId", HANDLE), needed("offset", integer(0, INT64_MAX)), needed("chunk", string(NO_HANDLE, NO_HANDLE)))),)),
    ("codex", "fs/close"): Method((({"handleId": "h"}, (needed("handleId", string(None)),)),)),
    ("codex", "fs/watchMissing"): Method((({"watchId": 1, "missing": [FILE], "present": FILE}, (
        needed("watchId", integer(0, INT64_MAX)), needed("missing", strings(["x"] * 20_000, PARAMS)),
        member("present", URI))),)),
}


# The cases


@dataclass(frozen=True)
class Case:
    what: str
    params: bytes
    error: tuple
    unreadable: bool = False  # not JSON: the answer cannot name the request

    def has_twice(self):
        """Does a name stand twice in one object?"""
        found = []

        def look(pairs):
            found.append(len(dict(pairs)) < len(pairs))

        if not self.unreadable:
            json.loads(self.params, object_pairs_hook=look)
        return any(found)


def _filled(params, session):
    return {name: session if one is SESSION_NAME else one for name, one in params.items()}


def _changes(one):
    """(what, value, error) for each wrong value of a member."""
    takes = one.type
    for name, value in SAMPLES.items():
        if name not in takes.json and (name != "null" or one.required):
            yield name, value, PARAMS
    for value in takes.wrong:
        yield f"the value {encode(value)[:40]}", value, PARAMS
    if takes.huge_error is not None:
        yield "an enormous value", takes.huge, takes.huge_error
    if takes.nul is not None and takes.nul_error is not None:
        yield "NUL", takes.nul, takes.nul_error


def _broken(takes):
    """Values that make the whole text unreadable, as bytes."""
    if takes.text is None:
        return
    for lone in (r"\ud800", r"\udc00", r"\ud800A", r"\ud800\ud800", r"\udc00\ud800", r"\uDBFF", r"\ud83d \ude00"):
        yield f"the lone surrogate {lone}", (takes.text % lone).encode()
    for bad in (b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf0\x9f\x98", b"\x80", b"\xfe"):
        yield f"the bytes {bad.hex()}", (takes.text % "@@").encode().replace(b"@@", bad)
    for control in (b"\x00", b"\x01", b"\t", b"\x1f"):
        yield f"the bare control character {control.hex()}", (takes.text % "@@").encode().replace(b"@@", control)


def cases(dialect, method, session):
    for params, members in METHODS[dialect, method].forms:
        right = _filled(params, session)
        for one in members:
            yield from _member_cases(".".join(map(str, one.path)), right, one)
    if METHODS[dialect, method].forms:
        for name in ("boolean", "integer", "fraction", "string", "array"):
            yield Case(f"params of type {name}", encode(SAMPLES[name]).encode(), PARAMS)
    # What nobody knows is ignored, but not twice.
    yield Case("an unknown member twice", b'{"unknown":1,"unknown":1}', PARAMS)
    yield Case("an unknown member twice inside", b'{"unknown":{"a":[{"b":1,"c":2,"b":3}]}}', PARAMS)


def _member_cases(path, right, one):
    for what, value, error in _changes(one):
        yield Case(f"{path}: {what}", encode(replaced(right, one.path, value)).encode(), error)
    if one.required:
        yield Case(f"{path}: missing", encode(edited(right, one.path, lambda members, i: members.pop(i))).encode(), PARAMS)
    yield Case(f"{path}: twice", encode(edited(right, one.path, lambda members, i: members.append(members[i]))).encode(), PARAMS)
    yield Case(f"{path}: twice, spelled in two ways", encode(edited(
        right, one.path, lambda members, i: members.insert(0, (spelled(members[i][0]), members[i][1])))).encode(), PARAMS)
    for what, bad in _broken(one.type):
        marked = encode(replaced(right, one.path, Raw('"@mark@"'))).encode()
        yield Case(f"{path}: {what}", marked.replace(b'"@mark@"', bad), PARSE, True)
