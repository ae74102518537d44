#!/usr/bin/python3
"""
Plays every golden dialogue of protocol/ over stdio, unix and ws, and checks that
dialogues, reference text and the server's own tables name the same methods.
TAP on stdout. Needs PTYEXECD, the path of the server; PX_JOBS says how many
dialogues run at once. Arguments are patterns of test names: "ws exec-server.v1/*".
"""

import os
import re
import sys
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from px import tap  # noqa: E402
from px.dialogue import Player, folder_dialogues  # noqa: E402
from px.expect import fill  # noqa: E402
from px.server import run_once  # noqa: E402

PROTOCOL = os.path.join(HERE, "..", "..", "protocol")
HEADING = re.compile(r"^### `([a-z/A-Z]+)`(?: \((.*)\))?$", re.MULTILINE)


# Under a wrapper (PTYEXECD_WRAPPER) the kernel's limits are not the server's to set: valgrind keeps
# descriptors for itself and refuses to lower their number.
ONLY_BARE = {"exec-server.v1/process-start-limits"}


def playable(dialogue, transport):
    bare = not os.environ.get("PTYEXECD_WRAPPER")
    return transport in dialogue.transports and (bare or dialogue.name not in ONLY_BARE)


def replay(dialogue, transport):
    """The test that plays 'dialogue' over 'transport'."""

    async def test(t):
        variables = {"cwd": t.folder(), "unique": uuid.uuid4().hex}
        for name, text in dialogue.files:
            with open(os.path.join(variables["cwd"], name), "w", encoding="utf-8") as f:
                f.write(fill(text, variables))
        flags = [fill(flag, variables) for flag in dialogue.flags]
        if transport == "stdio":
            # The pipes carry one connection; the others of a dialogue come over a socket.
            listen = ("stdio", "unix") if dialogue.connections() > 1 else ("stdio",)
            server = await t.server(*flags, listen=listen)
        elif flags:
            server = await t.server(*flags, listen=(transport,))
        else:
            server = await t.shared()

        def connect(number):
            scheme = "unix" if transport == "stdio" and number > 1 else transport
            return server.connect(scheme, name=f"connection {number}")

        await Player(dialogue, connect, variables).play()

    return f"{transport} {dialogue.name}", test


def headings(dialect):
    """The methods and notifications that a dialect's reference describes: {name: remark}."""
    with open(os.path.join(PROTOCOL, f"{dialect}.md"), encoding="utf-8") as f:
        return dict(HEADING.findall(f.read()))


def answers(dialogue):
    """The (method, kind of error or "result") that a dialogue expects."""
    asked = {}
    for step in dialogue.steps:
        value = step.value
        if not isinstance(value, dict) or not isinstance(value.get("id"), (int, str)):
            continue
        if step.action == ">" and "method" in value:
            asked[value["id"]] = value["method"]
        elif step.action == "<" and "method" not in value:
            error = value.get("error")
            kind = error.get("data", {}).get("kind") if isinstance(error, dict) else "result"
            yield asked.get(value["id"]), kind


def coverage(dialogues):
    async def every_method_has_a_dialogue(t):
        status, out, _ = await run_once("--list-methods")
        assert status == 0, f"--list-methods ended with {status}"
        rows = [line.split(" ") for line in out.decode().splitlines()]
        assert rows, "the server lists no methods"
        sent = {dialect: set() for dialect, _ in rows}
        for dialogue in dialogues:
            sent.setdefault(dialogue.name.split("/")[0], set()).update(dialogue.methods())
        missing = [f"{dialect} {method}" for dialect, method in rows if method not in sent[dialect]]
        assert not missing, f"no dialogue for: {', '.join(missing)}"
        for dialect in sorted({dialect for dialect, _ in rows}):
            mine = {method for name, method in rows if name == dialect}
            described = {name for name, remark in headings(dialect).items() if "notification" not in remark}
            assert mine - {"initialized"} == described - {"initialized"}, (
                f"{dialect}: the server has {sorted(mine - described)} beyond its reference, "
                f"the reference {sorted(described - mine)} beyond the server")

    async def every_method_of_codex_has_its_errors(t):
        _, out, _ = await run_once("--list-methods")
        seen = {}
        for dialogue in dialogues:
            if dialogue.name.startswith("codex/"):
                for method, kind in answers(dialogue):
                    seen.setdefault(method, set()).add(kind)
        wanted = {"result", "invalidParams", "notInitialized"}
        methods = [line.split(" ")[1] for line in out.decode().splitlines() if line.startswith("codex ")]
        # What begins the handshake cannot come before it, and what ends it is no request.
        excused = {"initialize": {"notInitialized"}, "initialized": wanted}
        missing = [f"{method}: {kind}" for method in methods
                   for kind in sorted(wanted - seen.get(method, set()) - excused.get(method, set()))]
        assert not missing, f"no dialogue of codex for: {', '.join(missing)}"

    async def every_notification_has_a_dialogue(t):
        for dialect in ("exec-server.v0", "exec-server.v1", "codex"):
            sent = {method for dialogue in dialogues if dialogue.name.startswith(dialect)
                    for method in dialogue.methods()}
            text = "".join(str(step.value) for dialogue in dialogues if dialogue.name.startswith(dialect)
                           for step in dialogue.steps if step.action == "<")
            for name, remark in headings(dialect).items():
                if remark == "server notification":
                    assert f"'{name}'" in text, f"no dialogue of {dialect} expects {name}"
                assert remark != "client notification" or name in sent, f"no dialogue of {dialect} sends {name}"

    return [("every method has a dialogue", every_method_has_a_dialogue),
            ("every method of codex has its errors", every_method_of_codex_has_its_errors),
            ("every notification has a dialogue", every_notification_has_a_dialogue)]


def main():
    dialogues = folder_dialogues(PROTOCOL)
    tests = [replay(dialogue, transport) for transport in ("stdio", "unix", "ws")
             for dialogue in dialogues if playable(dialogue, transport)]
    return tap.main(tests + coverage(dialogues), jobs=int(os.environ.get("PX_JOBS", "8")))


if __name__ == "__main__":
    sys.exit(main())
