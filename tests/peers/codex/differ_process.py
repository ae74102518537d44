"""Processes: what is started and how it is told, environments, input, reading, the ways to end."""

import asyncio
import functools
import json
import os

from px.conn import b64

from differ_side import in_order, start_params

CLEAN = "/usr/bin/env | /usr/bin/grep -v -e ^PATH= -e ^CODEX_ -e ^_= -e SAN_OPTIONS= | /usr/bin/sort"
ECHO = "while read -r line; do echo $line; [ $line != end ] || { read -r line; exit 5; }; done"
POLICY = {"inherit": "all", "ignoreDefaultExcludes": True, "exclude": [], "set": {}, "includeOnly": []}
POLICIES = {
    "all": {}, "core": {"inherit": "core"}, "none": {"inherit": "none"}, "secrets": {"ignoreDefaultExcludes": False},
    "core without secrets": {"inherit": "core", "ignoreDefaultExcludes": False}, "exclude": {"exclude": ["FOO_*"]},
    "exclude in any case": {"exclude": ["foo_*"]}, "exclude one letter": {"exclude": ["FOO_?"]},
    "exclude a class": {"exclude": ["A[B]", "[F]OO_A"]},
    "exclude all": {"exclude": ["*"]}, "exclude nothing": {"exclude": [""]}, "exclude stars": {"exclude": ["**O*_**"]},
    "exclude a part": {"exclude": ["FOO", "OO_A"]}, "exclude what is set": {"exclude": ["NEW"], "set": {"NEW": "n"}},
    "set": {"set": {"NEW": "n", "BAR": "over"}}, "set a secret": {"ignoreDefaultExcludes": False, "set": {"NEW_TOKEN": "n"}},
    "only": {"includeOnly": ["FOO_*"]}, "only what is set": {"set": {"NEW": "n"}, "includeOnly": ["new"]},
    "only other than set": {"set": {"NEW": "n"}, "includeOnly": ["BAR"]}, "only nothing": {"includeOnly": [""]},
    "only and exclude": {"exclude": ["FOO_A"], "includeOnly": ["FOO_?", "HOME"]},
    "none and set": {"inherit": "none", "set": {"A": "1"}},
    "empty value": {"inherit": "none", "set": {"A": ""}}, "a name with =": {"inherit": "none", "set": {"A=B": "1"}},
    "no name": {"inherit": "none", "set": {"": "1"}}, "not ASCII": {"set": {"É": "é"}, "exclude": ["é"]},
    "a dot": {"exclude": ["FOO.A"]},
    "a backslash": {"exclude": ["FOO\\_A", "\\FOO_B"]}, "All": {"inherit": "All"},
}
COMMANDS = {
    "true": ["true"], "no such": ["no-such-program"], "no such path": ["/nonexistent/program"], "a directory": ["/tmp"],
    "not executable": ["/etc/passwd"], "an empty word": [""], "NUL": ["tr\0ue"], "an empty argument": ["echo", "", "x"],
    "NUL in an argument": ["echo", "a\0b"], "relative": ["./a-script"], "in the directory": ["a-script"],
    "no interpreter": ["./bare"],
    "a wrong interpreter": ["./wrong"], "a slash": ["/"], "many": ["echo", *map(str, range(2000))],
    "not ASCII": ["echo", "é€\U0001f600"],
    "a long argument": ["sh", "-c", "echo ${#1}", "sh", "x" * 100000], "too long an argument": ["echo", "x" * 200000],
}


def script(side, name, text, mode=0o755):
    with open(side.path(name), "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(side.path(name), mode)


async def command(side, argv, **params):
    script(side, "a-script", "#!/bin/sh\necho script $0\n")
    script(side, "bare", "echo bare\n")
    script(side, "wrong", "#!/nonexistent/sh\n")
    talk = await side.talk()
    answer = await talk.start("p", *argv, **params)
    if "result" in answer:
        await talk.closed("p")
    await talk.ask("process/read", {"processId": "p"}, label="read")
    await talk.start("p", "true", label="the same id")


async def environment(side, policy, env):
    talk = await side.talk()
    answer = await talk.start("p", "/bin/sh", "-c", CLEAN, env=env, envPolicy=policy and {**POLICY, **policy})
    if "result" in answer:
        await talk.closed("p")


async def shell(side, text, **params):
    """A script that ends by itself."""
    talk = await side.talk()
    await talk.run("p", "/bin/sh", "-c", text, **params)
    await talk.ask("process/read", {"processId": "p"}, label="read")
    await talk.ask("process/terminate", {"processId": "p"}, label="terminate")
    await talk.ask("process/signal", {"processId": "p", "signal": "interrupt"}, label="signal")
    await talk.ask("process/write", {"processId": "p", "chunk": "YQ==", "writeId": "1"}, label="write")


async def identifiers(side):
    talk = await side.talk()
    for name in ("", "a b", "é", "a\nb", "x" * 128, "x" * 129, "x" * 5000, "a\0b", "%41", "../x"):
        label = f"{name[:8]!r} of {len(name)}"
        answer = await talk.start(name, "true", label=f"start {label}")
        if "result" in answer:
            await talk.closed(name, label=f"events {label}")
        await talk.ask("process/read", {"processId": name}, label=f"read {label}")
        await talk.ask("process/write", {"processId": name, "chunk": "", "writeId": "1"}, label=f"write {label}")
        await talk.ask("process/terminate", {"processId": name}, label=f"terminate {label}")


async def others(side):
    """A process belongs to its session."""
    talk, other = await side.talk(), await side.talk()
    await talk.start("p", "sleep", "1000")
    await other.ask("process/read", {"processId": "p"}, label="read of another session")
    await other.ask("process/write", {"processId": "p", "chunk": "YQ==", "writeId": "1"},
                    label="write of another session")
    await other.ask("process/signal", {"processId": "p", "signal": "interrupt"}, label="signal of another session")
    await other.ask("process/terminate", {"processId": "p"}, label="terminate of another session")
    await other.start("p", "true", label="the same id in another session")
    await talk.ask("process/terminate", {"processId": "p"}, label="terminate")
    await talk.closed("p")


async def echoed(talk, name, words, tty=False):
    """A process that has said each word in a chunk of its own."""
    await talk.start(name, "/bin/sh", "-c", ("stty -echo; echo ready; " if tty else "") + ECHO, pipeStdin=True, tty=tty)
    if tty:
        await talk.output(name, "ready")
    for i, word in enumerate(words):
        await talk.request("process/write", {"processId": name, "chunk": b64(f"{word}\n"), "writeId": f"w{i}"})
        await talk.output(name, word)


async def exact(talk, label, **params):
    """A reading whose chunks are compared one by one."""
    answer = await talk.request("process/read", {"processId": "p", **params})
    talk.side.note(label, answer.get("result", answer))


async def reading(side, end):
    talk = await side.talk()
    await echoed(talk, "p", ["a", "bb", "ccc", "dddd"] + (["end"] if end else []))
    if end:
        await talk.request("process/write", {"processId": "p", "chunk": b64("over\n"), "writeId": "over"})
        await talk.closed("p")
    for after in (None, 0, 1, 2, 3, 4, 5, 6, 7, 8, 100, (1 << 63) - 1):
        await exact(talk, f"after {after}", afterSeq=after)
        for most in (0, 1, 2, 3, 4, 5, 6, 9, 100, 1 << 40):
            await exact(talk, f"after {after} at most {most}", afterSeq=after, maxBytes=most)
    for after in (0, 3) if not end else (0, 5, 6, 7, 8):
        await exact(talk, f"after {after} waiting", afterSeq=after, waitMs=15000)
    await exact(talk, "in vain", afterSeq=3 if end else 4, waitMs=1 if end else 20)
    await exact(talk, "null", afterSeq=None, maxBytes=None, waitMs=None)
    await talk.ask("process/read", {"processId": "q"}, label="unknown")


async def waiting(side):
    """A reading that waits, for output, for the exit, for the end of the output."""
    talk = await side.talk()
    await talk.start("p", "/bin/sh", "-c", "sleep 0.3; echo a; sleep 0.3; (sleep 0.6)& exit 3")
    for after in (0, 1, 2, 3):
        await exact(talk, f"after {after}", afterSeq=after, waitMs=15000)
    await talk.closed("p")


async def writing(side):
    talk = await side.talk()

    async def write(name, text, write_id, label):
        await talk.ask("process/write", {"processId": name, "chunk": b64(text), "writeId": write_id}, label=label)

    await talk.start("p", "/bin/sh", "-c", ECHO, pipeStdin=True)
    await write("p", "one\n", "1", "first")
    await write("p", "two\n", "1", "its id again")
    await write("p", "three\n", "2", "second")
    await write("p", "four\n", "1", "the first id again")
    await write("p", "", "3", "nothing")
    await write("p", "five\n", "3", "the id of nothing again")
    await write("p", "six\n", "é" * 64, "an id not ASCII")
    await write("p", "seven\n", "x" * 128, "a long id")
    await write("p", "eight\n", "x" * 129, "too long an id")
    await write("p", "end\n", "9", "the end")
    await talk.output("p", "end")
    await write("p", "over\n", "over", "the last")
    await talk.closed("p")
    await write("p", "x", "10", "when it has gone")
    await write("p", "x", "9", "an old id when it has gone")
    await write("q", "x", "1", "unknown")
    await talk.start("n", "sleep", "1000")
    await write("n", "x", "1", "to no input")
    await write("n", "", "1", "nothing to no input")
    await talk.start("c", "/bin/sh", "-c", "exec <&-; echo shut; exec sleep 1000", pipeStdin=True)
    await talk.output("c", "shut")
    await write("c", "x", "1", "to an input that is shut")
    await write("c", "x", "2", "and again")
    for name in ("n", "c"):
        await talk.ask("process/terminate", {"processId": name}, label=f"terminate {name}")
        await talk.closed(name)
        await write(name, "x", "3", f"to {name} when it has gone")


async def ended(side, how, script_text, tty):
    talk = await side.talk()
    await talk.start("p", "/bin/sh", "-c", script_text, tty=tty)
    await talk.output("p", "ready")
    if how == "interrupt":
        await talk.ask("process/signal", {"processId": "p", "signal": "interrupt"}, label="interrupt")
    else:
        await talk.ask("process/terminate", {"processId": "p"}, label="terminate")
    await talk.closed("p")
    await talk.ask("process/terminate", {"processId": "p"}, label="terminate again")


async def signals(side):
    talk = await side.talk()
    for name in ("SIGINT", "INT", "int", "Interrupt", "INTERRUPT", "kill", "terminate", " interrupt", 2, ["interrupt"],
                 {"interrupt": None}, {"interrupt": 1}):
        await talk.ask("process/signal", {"processId": "q", "signal": name}, label=f"signal {json.dumps(name)}")


async def typed(side):
    """A terminal: its settings and size, and what is typed."""
    talk = await side.talk()
    await talk.start("p", "/bin/sh", "-c",
                     "stty -a; stty size; ps -o tty= $$ | grep -c pts; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo three; cat", tty=True)
    await talk.output("p", "three")
    for i, text in enumerate(("hello\n", "\x04")):
        await talk.ask("process/write", {"processId": "p", "chunk": b64(text), "writeId": str(i)},
                       label=f"type {text!r}")
        await talk.output("p", "hello\r\nhello")
    await talk.closed("p")


async def back(side, end):
    """A connection that is cut, and what the session has when it is resumed."""
    talk = await side.talk()
    await echoed(talk, "p", ["a", "bb"])
    await talk.request("fs/open", {"handleId": "h", "path": "file:///etc/passwd"})
    session = talk.session
    await talk.cut()
    again = await resumed(side, session)
    side.note("resumed", again.session == session)
    await exact(again, "read", afterSeq=1)
    await again.ask("fs/readBlock", {"handleId": "h", "offset": 0, "len": 1}, label="an old handle")
    await again.ask("process/write", {"processId": "p", "chunk": b64("again\n"), "writeId": "w1"},
                    label="an id of before")
    await again.ask("process/write", {"processId": "p", "chunk": b64("end\n" if end else "new\n"), "writeId": "w2"},
                    label="a new id")
    await again.start("p", "true", label="the same process id")
    await again.output("p", "end" if end else "new")
    if end:
        await again.ask("process/write", {"processId": "p", "chunk": b64("over\n"), "writeId": "over"},
                        label="the last")
    else:
        await again.ask("process/terminate", {"processId": "p"}, label="terminate")
    await again.until_event("p", lambda events: len(events) == 3, "output, exit and end")
    side.note("events", [value["params"] for _, value in in_order(again.events["p"])])


async def resumed(side, session):
    """Comes back as the client does: as long as the old connection is taken to be there, again."""
    for _ in range(100):
        talk = await side.talk(initialize=False)
        answer = await talk.request("initialize", {"clientName": "x", "resumeSessionId": session})
        if answer.get("error", {}).get("code") != -32010:
            break
        await asyncio.sleep(0.1)
    talk.session = answer["result"]["sessionId"]
    await talk.send('{"method":"initialized"}')
    return talk


async def sessions(side):
    talk = await side.talk()
    other = await side.talk(initialize=False)
    for session in ("unknown", "", "00000000-0000-0000-0000-000000000000", "x" * 100):
        await other.ask("initialize", {"clientName": "x", "resumeSessionId": session}, label=f"resume {session[:10]!r}")
    await other.ask("initialize", {"clientName": "", "resumeSessionId": None}, label="after all that")
    await other.ask("initialize", {"clientName": "", "resumeSessionId": None}, label="twice")
    await other.ask("environment/status", None, label="before initialized")
    third = await side.talk(initialize=False)
    await third.ask("initialize", {"clientName": "x", "resumeSessionId": talk.session}, label="resume what is attached")
    await third.send('{"method":"initialized"}')
    await third.ask("environment/status", None, label="who resumed")


async def surroundings(side):
    talk = await side.talk(initialize=False)
    await talk.ask("initialize", {"clientName": "x", "resumeSessionId": None}, label="initialize")
    await talk.send('{"method":"initialized","params":null}')
    await talk.ask("environment/info", None)
    await talk.ask("environment/status", None)
    for label, lists in (("none", ([], [])), ("one", ([["a"]], [])), ("other", ([], [["a", "b"]])),
                         ("empty path", ([[]], [])), ("empty name", ([[""]], []))):
        await talk.ask("environmentConfig/read", {"cwd": side.uri(), "configPaths": lists[0],
                                                  "requirementsPaths": lists[1]}, label=f"config {label}")


async def refused(side, **params):
    talk = await side.talk()
    await talk.ask("process/start", {**start_params(side, "p", "true"), **params}, label="start")


async def confined(side, sandbox):
    """A policy that is none, or that confines nothing."""
    talk = await side.talk()
    await talk.ask("process/start", {**start_params(side, "p", "true"), "sandbox": sandbox}, label="start")
    await talk.ask("fs/writeFile", {"path": side.uri("new"), "dataBase64": "", "sandbox": sandbox}, label="write")
    await talk.ask("fs/readFile", {"path": side.uri("new"), "sandbox": sandbox}, label="read")


def endings():
    for tty in (False, True):
        kind = "tty" if tty else "pipes"
        for status in (0, 1, 2, 126, 127, 128, 137, 255):
            yield f"exit {status} {kind}", functools.partial(shell, text=f"exit {status}", tty=tty)
        for number in (1, 2, 3, 6, 8, 9, 10, 11, 13, 14, 15, 31, 34, 64):
            yield f"signal {number} {kind}", functools.partial(shell, text=f"kill -{number} $$; sleep 5", tty=tty)
        for how in ("interrupt", "terminate"):
            for name, text in (("sleep", "echo ready; exec sleep 1000"),
                               ("trap",
                                "trap 'echo got; exit 7' INT TERM HUP; echo ready; while :; do sleep 0.05; done"),
                               ("deaf", "trap '' TERM HUP; echo ready; exec sleep 1000"),
                               ("shell", "sh -c 'echo ready; exec sleep 1000'; echo on")):
                yield f"{how} {name} {kind}", functools.partial(ended, how=how, script_text=text, tty=tty)


def cases():
    found = [(f"command {name}", functools.partial(command, argv=argv)) for name, argv in COMMANDS.items()]
    found += [(f"command tty {name}", functools.partial(command, argv=argv, tty=True)) for name,
              argv in COMMANDS.items()
              if name in ("true", "no such", "a directory", "not executable", "relative", "an empty argument")]
    found.append(("command tty without PATH", functools.partial(command, argv=["true"], tty=True, env={})))
    found.append(("command tty called other", functools.partial(command, argv=["sh", "-c", "echo $0"], tty=True, arg0="other")))
    for name, env in (("no PATH", {}), ("an empty PATH", {"PATH": ""}),
                      ("a PATH that lacks it", {"PATH": "/nonexistent"}),
                      ("a relative PATH", {"PATH": "."}), ("a name with =", {"A=B": "1", "PATH": "/bin"}),
                      ("no name", {"": "1", "PATH": "/bin"}),
                      ("NUL in a name", {"A\0B": "1"}), ("NUL in a value", {"A": "1\0"})):
        for argv in (["true"], ["a-script"]):
            found.append((f"command {argv[0]} with {name}", functools.partial(command, argv=argv, env=env)))
    found += [(f"command called {name!r}", functools.partial(command, argv=["sh", "-c", "echo $0"], arg0=name)) for name in ("", "other", "a\0b", "-sh")]
    for name, policy in {"absent": None, **POLICIES}.items():
        found.append((f"environment {name}", functools.partial(environment, policy=policy, env={})))
        found.append((f"environment {name} and env", functools.partial(environment, policy=policy, env={"FOO_A": "mine", "MY_TOKEN": "t"})))
    for name, text in (("both streams", "echo out; echo err >&2"), ("binary", "printf '\\000\\377\\001\\n'"),
                       ("no newline", "printf a"), ("nothing", ":"),
                       ("input", "cat; echo $?; readlink /proc/self/fd/0"), ("much", "seq 20000"),
                       ("descriptors", "ls /proc/self/fd | wc -l"),
                       ("its group",
                        "set -- $(cut -d' ' -f5,6 /proc/$$/stat); [ $1 = $$ ] && [ $2 = $$ ] && echo own"),
                        ("its directory", "pwd"),
                       ("limits", "ulimit -a"), ("umask", "umask"), ("signals", "grep -E 'Sig(Ign|Blk|Cgt)' /proc/self/status"), ("SHELL", "echo $SHELL"),
                       ("TERM", "echo ${TERM-none}"), ("background", "(sleep 0.3; echo late)& echo early")):
        for tty in (False, True) if name != "input" else (False,):
            found.append((f"shell {name} {'tty' if tty else 'pipes'}", functools.partial(shell, text=text, tty=tty)))
    found += endings()
    found += [(f"reading {name}", functools.partial(reading, end=end)) for name,
              end in (("running", False), ("ended", True))]
    found += [(f"back {name}", functools.partial(back, end=end)) for name, end in (("running", False), ("ended", True))]
    found += [(function.__name__, function) for function in (identifiers, others, waiting, writing, signals, typed, sessions, surroundings)]
    for name, sandbox in (("a number", 7), ("an array", []), ("an empty object", {}),
                          ("permissions that are none", {"permissions": 7}),
                          ("permissions without type", {"permissions": {}}),
                          ("an unknown type", {"permissions": {"type": "other"}}),
                          ("no confinement", {"permissions": {"type": "disabled"}}),
                          ("a policy in part", {"permissions": {"type": "managed"}})):
        found.append((f"sandbox of {name}", functools.partial(confined, sandbox=sandbox)))
    for name, params in (("managed network", {"enforceManagedNetwork": True}), ("an unknown member", {"other": 1}),
                         ("metadata", {"metadata": {"threadId": "x"}}),
                         ("no sandbox", {"sandbox": None}), ("no managed network", {"managedNetwork": None, "enforceManagedNetwork": False})):
        found.append((f"start with {name}", functools.partial(refused, **params)))
    return found


def alone():
    """Those that need no second connection to the same server."""
    return [case for case in cases() if not case[0].startswith("back ") and case[0] not in ("others", "sessions")]
