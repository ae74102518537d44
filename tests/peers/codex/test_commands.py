#!/usr/bin/python3
"""The Codex CLI runs commands on our server, and the model learns what they did."""

import itertools
import sys

from codex import WRITES_SCRIPTS, working
from model import LONG_MS, SHORT_MS

from px import tap
from px.tap import deadline

CTRL_C = "\x03"
CTRL_D = "\x04"


def _run_of_lines(words):
    """Those at the beginning that are whole numbers of the output below."""
    return list(itertools.takewhile(lambda word: len(word) == 6 and word.isdigit(), words))


async def test_a_command(t):
    """Both streams and the exit status, in the folder of the CLI; then as a login shell, and on a terminal."""
    server = await t.server(listen=("ws",))
    async with working(t, server.url("ws")) as codex:
        told = await codex.model.run("echo out; echo err >&2; pwd; exit 3")
        assert told.status == 3, told
        assert sorted(told.output.splitlines()) == sorted(["out", "err", str(codex.work)]), told

        told = await codex.model.run("shopt -q login_shell && echo login", login=True)
        assert (told.status, told.output) == (0, "login\n"), told

        told = await codex.model.run("tty >/dev/null && stty size && echo err >&2; exit 4", tty=True)
        assert (told.status, told.output.splitlines()) == (4, ["24 80", "err"]), told

        told = await codex.model.run("kill -9 $$")
        assert told.status == 137, told
        told = await codex.model.run("kill -9 $$", tty=True)
        assert told.status == 137, told
        told = await codex.model.run("pwd", workdir="/usr")
        assert (told.status, told.output) == (0, "/usr\n"), told
        told = await codex.model.run("true", workdir="/not/there")
        assert "cannot enter working directory '/not/there': No such file or directory" in told.text, told


async def test_input(t):
    """What the model writes reaches a terminal; pipes have no input, and the CLI says so."""
    server = await t.server(listen=("ws",))
    async with working(t, server.url("ws")) as codex:
        told = await codex.model.begin("echo ready; read -r line; echo got $line; exit 5", "ready", tty=True)
        told = await codex.model.write(told.session, "grüße\n")
        assert (told.status, told.output.splitlines()) == (5, ["grüße", "got grüße"]), told

        told = await codex.model.begin("cat", tty=True)
        assert await codex.model.until("yo\r\nyo\r\n", await codex.model.write(told.session, "yo\n", yield_time_ms=SHORT_MS))
        told = await codex.model.write(told.session, CTRL_D)
        assert (told.status, told.output) == (0, ""), told

        told = await codex.model.run("cat; echo end")
        assert (told.status, told.output) == (0, "end\n"), told


async def test_interrupt(t):
    """^C is a byte for a terminal and a signal for pipes."""
    server = await t.server(listen=("ws",))
    async with working(t, server.url("ws")) as codex:
        for tty, echo in ((False, ""), (True, "^C")):
            told = await codex.model.begin("sleep 1000", tty=tty)
            told = await codex.model.write(told.session, CTRL_C)
            assert told.status == 130, told

            loop = "trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.1; done"
            told = await codex.model.begin(loop, "ready", tty=tty)
            told = await codex.model.write(told.session, CTRL_C)
            assert (told.status, told.output.split()) == (7, [echo + "caught"]), told


@deadline(300)
async def test_a_result_that_comes_later(t):
    """A command that outlasts its yield time is polled; its output and its end come when they are there."""
    server = await t.server(listen=("ws",))
    async with working(t, server.url("ws")) as codex:
        wait = "while [ ! -e {0} ]; do sleep 0.05; done; echo {0};"
        told = await codex.model.begin("echo first; " + wait.format("one") + wait.format("two") + "exit 6", "first")
        assert told.output == "first\n"
        (codex.work / "one").touch()
        more = await codex.model.write(told.session, "", yield_time_ms=SHORT_MS)
        more = await codex.model.until("one\n", more)
        assert (more.session, more.output) == (told.session, "one\n"), more
        (codex.work / "two").touch()
        told = await codex.model.write(told.session, "")
        assert (told.status, told.output) == (6, "two\n"), told


@deadline(300)
async def test_much_output(t):
    """3 MB of numbered lines: the CLI has had all bytes, and the model is shown both ends of them, in order."""
    server = await t.server(listen=("ws",))
    lines = [f"{number:06}" for number in range(430_000)]
    async with working(t, server.url("ws")) as codex:
        for tty, line_end in ((False, "\n"), (True, "\r\n")):
            told = await codex.model.run(f"seq -f %06g 0 {len(lines) - 1}", tty=tty)
            assert told.status == 0, told
            size = sum(len(line + line_end) for line in lines)
            assert f"Original token count: {-(-size // 4)}\n" in told.text, told.text[:200]
            shown = told.output.split()
            begin, end = shown.index(lines[0]), len(shown) - shown[::-1].index(lines[-1])
            first, last = _run_of_lines(shown[begin:]), _run_of_lines(shown[end - 1::-1])
            assert first == lines[:len(first)] and last == lines[:-1 - len(last):-1] and end == len(shown)
            assert min(len(first), len(last)) > 1000, (len(first), len(last))


async def test_calls_at_the_same_time(t):
    """Commands that wait for each other: they end only if none of them waits for its turn."""
    server = await t.server(listen=("ws",))
    async with working(t, server.url("ws")) as codex:
        names = "abcd"
        calls = []
        for name in names:
            others = " ".join(names)
            cmd = f"touch {name}; for one in {others}; do while [ ! -e $one ]; do sleep 0.05; done; done; echo {name}"
            calls.append(("exec_command", {"cmd": cmd, "login": False, "yield_time_ms": LONG_MS}))
        told = await codex.model.calls(*calls)
        assert [(one.status, one.output) for one in told] == [(0, f"{name}\n") for name in names], told


async def test_a_script(t):
    """What newer models write instead of single calls: it calls the same tools, also at the same time."""
    server = await t.server(listen=("ws",))
    async with working(t, server.url("ws"), name=WRITES_SCRIPTS) as codex:
        told = await codex.model.call("exec", """
            const meet = (mine, other) =>
                `touch ${mine}; while [ ! -e ${other} ]; do sleep 0.05; done; echo ${mine}; exit 3`;
            const run = (cmd, more) => tools.exec_command({ cmd, login: false, yield_time_ms: 30000, ...more });
            const [a, b] = await Promise.all([run(meet("a", "b")), run(meet("b", "a"))]);
            const cat = await run("read -r line; echo got $line; exit 5", { tty: true, yield_time_ms: 250 });
            const end = await tools.write_stdin({ session_id: cat.session_id, chars: "yo\\n", yield_time_ms: 30000 });
            await tools.apply_patch("*** Begin Patch\\n*** Add File: new\\n+x\\n*** End Patch\\n");
            text([a, b, end].map((one) => `${one.exit_code} ${one.output.trim()}`).join("; "));
        """)
        assert told.output == "3 a; 3 b; 5 yo\r\ngot yo", told
        assert (codex.work / "new").read_text() == "x\n"


if __name__ == "__main__":
    sys.exit(tap.main(globals(), jobs=3))
