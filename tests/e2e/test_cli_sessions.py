#!/usr/bin/python3
"""The command line's background sessions: start them, look at them, feed them, wait for them, end them."""

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import sys
import termios

from cli import PIPE, finish, program, ptyexec
from support import serving, shell

from px import pattern, tap
from px.deadline import within
from px.server import child, ended, send_signal, spawn

UNKNOWN = b"no session is named 'nobody'"


class Cli:
    """ptyexec, with a server of the test's own for PTYEXEC_URL."""

    def __init__(self, server, **more):
        self.env = {**os.environ, "PTYEXEC_URL": server.url("unix"), **more}

    async def __call__(self, *words, **options):
        """(status, stdout, stderr)"""
        return await ptyexec(*words, **{"env": self.env, "tidy": False, **options})

    async def out(self, *words, **options):
        """What it prints when all is well."""
        status, out, err = await self(*words, **options)
        assert (status, err) == (0, b""), (words, status, out, err)
        return out

    async def json(self, *words, status=0):
        got, out, err = await self(*words, "--json")
        assert (got, err) == (status, b"") and out.count(b"\n") == 1, (words, got, out, err)
        return json.loads(out)

    async def start(self, name, *command, how="-T"):
        assert await self.out("start", how, "--name", name, "--", *command) == name.encode() + b"\n"

    async def fails(self, *words, status=125, **options):
        """One sentence on stderr, nothing on stdout."""
        got, out, err = await self(*words, **options)
        assert (got, out) == (status, b""), (words, got, out, err)
        assert err.startswith(b"ptyexec: ") and err.count(b"\n") == 1, err
        return err

    async def forget(self):
        """Ends all sessions, so that the server can be looked at for what is left."""
        if names := [row["sessionId"] for row in (await self.json("ps", "-a"))["sessions"]]:
            await self.out("rm", "-f", *names)

    @contextlib.asynccontextmanager
    async def running(self, *words, **options):
        process = await spawn(program(), *map(str, words), stdin=PIPE, stdout=PIPE, stderr=PIPE, env=self.env, **options)
        try:
            yield process
        finally:
            send_signal(process, signal.SIGKILL)
            await ended(process)


@contextlib.asynccontextmanager
async def cli(t, *flags, **more):
    async with serving(t, *flags, listen=("unix",)) as server:
        self = Cli(server, **more)
        yield self
        await self.forget()


async def on_screen(argv, env, rows=24, cols=80):
    """What a program shows on a terminal of this size."""
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
    process = await spawn(*argv, stdin=slave, stdout=slave, stderr=slave, env=env)
    os.close(slave)
    seen, over = bytearray(), asyncio.Event()

    def read():
        try:
            data = os.read(master, 65536)
        except OSError:  # the other side is closed
            data = b""
        seen.extend(data)
        if not data:
            asyncio.get_running_loop().remove_reader(master)
            over.set()

    asyncio.get_running_loop().add_reader(master, read)
    await within(over.wait(), "end of the terminal")
    os.close(master)
    assert await finish(process) == 0
    return bytes(seen).replace(b"\r\n", b"\n").decode()


async def test_start(t):
    """A name that is given or made, JSON, and what is not started."""
    async with cli(t) as px:
        await px.start("one", child(), "echo")
        assert await px.out("start", "-T", child(), "echo") == b"px_child-1\n"
        assert await px.out("start", "-T", "--", child(), "echo") == b"px_child-2\n"
        started = await px.json("start", "--json", "-T", child(), "echo")
        assert started["sessionId"] == "px_child-3" and started["pid"] > 0, started
        err = await px.fails("start", "-T", "--name", "one", "true")
        assert b"'one'" in err and b"already" in err
        # The same words again: what is there is not what was asked for.
        assert b"already" in await px.fails("start", "-T", "--name", "one", "--", child(), "echo")
        for command, status in (("no-such-program", 127), ("/etc/passwd", 126), ("/", 126)):
            assert command.encode() in await px.fails("start", "-T", command, status=status)
        assert b"/no/such" in await px.fails("start", "-T", "--cwd", "/no/such", "true")
        assert b"absolute" in await px.fails("start", "-T", "--cwd", "sub", "true")
        assert b"sessionId" in await px.fails("start", "-T", "--name", "a b", "true")


async def test_starts_at_once(t):
    """Many that look for a name at the same time all get one."""
    async with cli(t) as px:
        names = await asyncio.gather(*(px.out("start", "-T", "sleep", "1000") for _ in range(8)))
        assert sorted(names) == [b"sleep-%d\n" % n for n in range(1, 9)], names


async def test_start_options(t):
    """-t, -T, --cwd, --env, --timeout, --rows, --cols reach the program."""
    async with cli(t) as px:
        assert await px.out("start", "-T", "--name", "a", "--cwd", "/usr", "--env", "A=1", "--env", "B=x=y", "--env", "A=2",
                            "sh", "-c", "pwd; echo $A $B") == b"a\n"
        assert await px.out("wait", "a") == b""
        assert await px.out("logs", "a") == b"/usr\n2 x=y\n"
        assert await px.out("start", "-t", "--name", "b", "--rows", 7, "--cols", 33, "stty", "size") == b"b\n"
        assert (await px("wait", "b"))[0] == 0
        assert await px.out("logs", "b") == b"7 33\r\n"
        assert await px.out("start", "--name", "c", "--timeout", "0.05", child(), "spin") == b"c\n"
        assert (await px("wait", "c"))[0] == 128 + signal.SIGTERM
        assert (await px.json("wait", "c", status=143))["cause"] == "timeout"
        # Without a terminal here: on pipes.
        row, = (row for row in (await px.json("ps", "-a"))["sessions"] if row["sessionId"] == "c")
        assert row["io"] == {"pipe": {"stdin": "open"}}, row


async def test_ps(t):
    """A table of what runs, with -a of what has ended too; the same as JSON."""
    async with cli(t) as px:
        head = b"NAME  PID  STATE  AGE  IO  SIZE  COMMAND\n"
        assert await px.out("ps") == head
        await px.start("first", "sh", "-c", "echo 'a  b'; exec sleep 1000")
        await px.start("second", child(), "exit", 3, how="-t")
        await px.start("third", child(), "die", 9)
        await px.start("fourth", "true")
        for name in ("second", "third", "fourth"):
            await px("wait", name)
        await px.out("wait", "--match", "b", "first")
        lines = (await px.out("ps")).decode().splitlines()
        assert len(lines) == 2, lines
        assert re.fullmatch(r"first +\d+  running +\d+[sm]  pipes +5  sh -c 'echo '\\''a  b'\\''; exec sleep 1000'", lines[1]), lines
        lines = (await px.out("ps", "-a")).decode().splitlines()
        assert [line.split()[0] for line in lines] == ["NAME", "first", "second", "third", "fourth"], lines
        starts = {line.index(" exit 3") for line in lines if " exit 3" in line}
        assert starts == {lines[0].index("COMMAND") + len(child())}, lines
        assert "exited 3" in lines[2] and "24x80" in lines[2] and " KILL " in lines[3] and "exited 0" in lines[4], lines
        # But for the ages.
        assert [line.split()[0] for line in (await px.out("ps", "--all")).decode().splitlines()] == [line.split()[0] for line in lines]
        rows = (await px.json("ps", "-a"))["sessions"]
        assert [row["sessionId"] for row in rows] == ["first", "second", "third", "fourth"]
        assert [row["running"] for row in rows] == [True, False, False, False]
        assert [row["exitCode"] for row in rows] == [None, 3, 137, 0] and rows[2]["signal"] == "KILL", rows
        assert rows[0]["argv"] == ["sh", "-c", "echo 'a  b'; exec sleep 1000"] and rows[0]["retainedBytes"] == 5
        assert [row["sessionId"] for row in (await px.json("ps"))["sessions"]] == ["first"]


async def test_ps_on_a_terminal(t):
    """There it has colours, unless they are not wanted, and lines end where the terminal does."""
    async with cli(t, TERM="xterm") as px:
        await px.start("long", "sh", "-c", "exec sleep 1000 # \u00e4\x1b[31m" + 200 * "\u00fc")
        await px.start("bad", "false")
        await px("wait", "bad")
        shown = await on_screen([program(), "ps", "-a"], px.env, cols=90)
        assert "\x1b[1mNAME\x1b[0m" in shown and "\x1b[32mrunning\x1b[0m" in shown and "\x1b[31mexited 1\x1b[0m" in shown, shown
        plain = re.sub(r"\x1b\[[0-9]*m", "", shown)
        lines = plain.splitlines()
        assert len(lines) == 3 and len(lines[1]) == 90 and "\u00e4?[31m\u00fc" in lines[1], lines
        for more in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            assert await on_screen([program(), "ps", "-a"], {**px.env, **more}, cols=90) == plain
        narrow = (await on_screen([program(), "ps", "-a"], {**px.env, "NO_COLOR": "1"}, cols=10)).splitlines()
        assert [line.rstrip() for line in narrow] == [line[:10].rstrip() for line in lines], (narrow, lines)


async def test_send(t):
    """Words with a line's end, without one, a file, standard input; a terminal gets what Enter types."""
    async with cli(t) as px:
        await px.start("cat", "cat")
        assert await px.out("send", "cat", "two", "words") == b""
        await px.out("send", "-n", "cat", "no ")
        await px.out("send", "--no-newline", "--", "cat", "-n")
        await px.out("send", "cat", stdin=b"\0\xff from stdin\n")
        await px.out("send", "--file", "-", "cat", stdin=b"dash\n")
        path = t.folder() + "/file"
        with open(path, "wb") as f:
            f.write(b"file\n")
        await px.out("send", "--file", path, "cat")
        await px.out("send", "cat", "")
        await px.out("send", "cat", "last")
        await px.out("wait", "--match", "last\n", "cat")
        assert await px.out("logs", "cat") == b"two words\nno -n\0\xff from stdin\ndash\nfile\n\nlast\n"

        await px.start("raw", child(), "raw-echo", how="-t")
        await px.out("wait", "--match", "ready", "raw")
        await px.out("send", "raw", "x")
        await px.out("wait", "--match", "x\r", "raw")

        assert b"/no/such" in await px.fails("send", "--file", "/no/such", "cat")
        assert b"cannot read" in await px.fails("send", "--file", "/", "cat")
        assert b"not both" in await px.fails("send", "--file", path, "cat", "text", status=2)
        await px.out("close-stdin", "cat")
        await px.out("close-stdin", "cat")
        assert (await px("wait", "cat"))[0] == 0
        assert b"no more input" in await px.fails("send", "cat", "x")
        assert b"no more input" in await px.fails("send", "cat", stdin=bytes(1_000_000))


async def test_send_much(t):
    """More than fits anywhere: it is taken as the program takes it, and arrives whole."""
    async with cli(t) as px:
        await px.start("sink", child(), "sink")
        data = pattern.spew(5_000_000)
        await px.out("send", "sink", stdin=data)
        await px.out("close-stdin", "sink")
        assert (await px("wait", "sink"))[0] == 0
        assert await px.out("logs", "sink") == pattern.sink_line(data)


async def test_resize(t):
    """A terminal gets the size; what is none, and what is no size, is refused."""
    async with cli(t) as px:
        await px.start("size", child(), "size", how="-t")
        await px.out("wait", "--match", "24x80", "size")
        await px.out("resize", "size", "50x132")
        await px.out("wait", "--match", "50x132", "size")
        await px.start("pipes", "sleep", "1000")
        assert b"no terminal" in await px.fails("resize", "pipes", "24x80")
        for size in ("", "x", "24", "24x", "x80", "0x80", "24x65536", "24x80x", "-1x80", "24 x 80"):
            assert size.encode() in await px.fails("resize", "--", "size", size, status=2)


async def test_logs(t):
    """As it was written, each stream to its own; from a number on; as JSON."""
    async with cli(t) as px:
        await px.start("both", *shell("echo out; read x; echo err >&2; read x; printf '\\377'"))
        for text in ("out", "err"):
            await px.out("wait", "--match", text, "both")
            await px.out("send", "both", "go on")
        await px("wait", "both")
        status, out, err = await px("logs", "both")
        assert (status, out, err) == (0, b"out\n\xff", b"err\n")
        status, out, err = await px("logs", "--json", "both")
        lines = [json.loads(line) for line in out.splitlines()]
        assert lines == [{"seq": 1, "stream": "stdout", "offset": 0, "text": "out\n"},
                         {"seq": 2, "stream": "stderr", "offset": 0, "text": "err\n"},
                         {"seq": 3, "stream": "stdout", "offset": 4, "base64": "/w=="}], lines
        status, out, err = await px("logs", "--since-seq", 1, "both")
        assert (status, out, err) == (0, b"\xff", b"err\n")
        assert await px("logs", "both", "--since-seq=2") == (0, b"\xff", b"")
        assert await px("logs", "--since-seq", 1000, "both") == (0, b"", b"")
        status, out, _ = await px("logs", "-f", "--json", "both")
        assert [json.loads(line) for line in out.splitlines()] == [
            *lines, {"seq": 4, "exitCode": 0, "signal": None, "cause": "self"}], out


async def test_logs_follow(t):
    """What is kept and what comes: no byte is missing and none comes twice; the end is the session's."""
    async with cli(t, "--retained-output-bytes-per-process", 16 << 20) as px:
        await px.start("lines", child(), "echo-lines")
        await px.out("wait", "--match", "ready", "lines")
        await px.out("send", "lines", "before")
        await px.out("wait", "--match", "before", "lines")
        async with px.running("logs", "--follow", "lines") as process:
            assert await within(process.stdout.readexactly(len(b"ready\necho:before\n")), "kept output") == b"ready\necho:before\n"
            await px.out("send", "lines", "after")
            assert await within(process.stdout.readline(), "new output") == b"echo:after\n"
            await px.out("close-stdin", "lines")
            assert await within(process.stdout.read(), "end") == b""
            assert (await ended(process), await process.stderr.read()) == (0, b"")
        # Begun in the middle of a flood.
        await px.start("flood", "seq", "600000")
        async with px.running("logs", "-f", "flood") as process:
            out = await within(process.stdout.read(), "all of it")
            assert await ended(process) == 0
        assert out == b"".join(b"%d\n" % n for n in range(1, 600_001)), len(out)
        assert await px.out("logs", "flood") == out


async def test_logs_gap(t):
    """Where output is not kept any more, stderr says so, and how much."""
    async with cli(t, "--retained-output-bytes-per-process", 1000) as px:
        await px.start("much", "seq", "2000")
        await px("wait", "much")
        total = b"".join(b"%d\n" % n for n in range(1, 2001))
        for words in (("logs",), ("logs", "-f"), ("snapshot",)):
            status, out, err = await px(*words, "much")
            missing, = map(int, re.findall(rb"ptyexec: here (\d+) bytes of 'much' are missing\n", err))
            assert status == 0 and len(out) + missing == len(total), (words, len(out), err)
            assert total.startswith(out[:500]) and total.endswith(out[500:]), words
        got = await px.json("snapshot", "much")
        kept = got["stdout"]
        assert kept["totalBytes"] == len(total) and kept["omittedBytes"] == len(total) - len(kept["text"]), kept
        assert got["truncated"] and kept["omittedOffset"] == 500 and got["exitCode"] == 0 and not got["running"]


async def test_logs_of_the_endless(t):
    """A program that never stops writing: what is there is printed, and that is the end."""
    async with cli(t) as px:
        await px.start("yes", "yes")
        await px.out("wait", "--match", "y\n", "yes")
        status, out, _ = await px("logs", "yes")
        assert status == 0 and out.startswith(b"y\ny\n")
        # A reader that leaves.
        async with px.running("logs", "-f", "yes") as process:
            assert await within(process.stdout.readline(), "output") == b"y\n"
            process.stdout._transport.close()
            assert await within(ended(process), "end of logs") == -signal.SIGPIPE


async def test_snapshot(t):
    """Stream by stream, of a program that runs or has ended; bytes that are no text."""
    async with cli(t) as px:
        await px.start("a", *shell("echo one; echo two >&2; echo three; printf '\\377'; exec cat"))
        await px.out("wait", "--idle", 50, "a")
        assert await px("snapshot", "a") == (0, b"one\nthree\n\xff", b"two\n")
        got = await px.json("snapshot", "a")
        assert got["stdout"]["base64"] == "b25lCnRocmVlCv8=" and got["stderr"]["text"] == "two\n"
        assert got["running"] and got["exitCode"] is None and not got["truncated"]
        await px.start("b", "echo", "x", how="-t")
        await px("wait", "b")
        assert await px("snapshot", "b") == (0, b"x\r\n", b"")


async def test_wait(t):
    """The program's status; conditions; time."""
    async with cli(t) as px:
        for number, command, status in ((1, ("exit", 0), 0), (2, ("exit", 7), 7), (3, ("die", 15), 143), (4, ("exit", 124), 124)):
            await px.start(f"p{number}", child(), *command)
            assert await px("wait", f"p{number}") == (status, b"", b"")
        got = await px.json("wait", "p2", status=7)
        assert got["reason"] == "exit" and got["exited"] and got["exitCode"] == 7 and got["cause"] == "self", got
        assert got["usage"]["wallMs"] >= 0 and got["nextSeq"] == 3, got

        await px.start("lines", child(), "echo-lines")
        assert await px("wait", "--match", "ready", "lines") == (0, b"", b"")
        assert (await px.json("wait", "--idle", 20, "lines"))["reason"] == "idle"
        assert await px("wait", "--timeout", "0.05", "lines") == (124, b"", b"")
        assert await px("wait", "--match", "never", "--timeout", "0.05", "lines") == (124, b"", b"")
        assert await px("wait", "--match", "ready", "--new", "--timeout", "0.05", "lines") == (124, b"", b"")
        seq = (await px.json("wait", "--match", "ready", "lines"))["nextSeq"] - 1
        assert await px("wait", "--match", "ready", "--since-seq", seq, "--timeout", "0.05", "lines") == (124, b"", b"")
        assert (await px.json("wait", "--timeout", "0.05", "lines", status=124))["exitCode"] is None
        async with px.running("wait", "--match", "echo:go", "--new", "lines") as process:
            # Whether it waits already cannot be seen; so it is said until it has heard it.
            while process.returncode is None:
                await px.out("send", "lines", "go")
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(asyncio.shield(process.wait()), 0.05)
            assert await ended(process) == 0
        async with px.running("wait", "--match", "never", "lines") as process:
            await px.out("close-stdin", "lines")
            assert await within(ended(process), "end of wait") == 1
        assert await px("wait", "--match", "never", "lines") == (1, b"", b"")
        assert await px("wait", "--match", "ready", "lines") == (0, b"", b"")


async def test_interrupt(t):
    """^C ends what waits, as a signal, without a word, and leaves the session alone."""
    async with cli(t) as px:
        await px.start("sleep", "sleep", "1000")
        for words in (("wait", "sleep"), ("logs", "-f", "sleep"), ("send", "sleep")):
            async with px.running(*words) as process:
                await connected(px, process)
                send_signal(process, signal.SIGINT)
                assert await within(ended(process), "end of ptyexec") == -signal.SIGINT, words
                assert (await process.stdout.read(), await process.stderr.read()) == (b"", b""), words
        assert [row["sessionId"] for row in (await px.json("ps"))["sessions"]] == ["sleep"]


async def connected(px, process):
    """Waits until the server has a connection besides the one that asks."""
    while (await px.json("info"))["counts"]["connections"] < 2:
        assert process.returncode is None, "it has ended"


async def test_inspect(t):
    """What is known, for people and as JSON."""
    async with cli(t) as px:
        await px.start("lines", child(), "echo-lines", how="-t")
        await px.out("wait", "--match", "ready", "lines")
        text = (await px.out("inspect", "lines")).decode()
        for part in ("name         lines\n", "state        running\n", "24x80", "px_child (group ", "echo, lines", "terminal     7 in all"):
            assert part in text, (part, text)
        got = await px.json("inspect", "lines")
        assert got["foreground"]["name"] == "px_child" and got["echo"] and got["canonical"], got
        assert got["totalBytes"] == {"terminal": 7} and got["running"] and got["outputOpen"], got
        await px.start("gone", "sh", "-c", "echo one; echo three >&2; exit 2")
        await px("wait", "gone")
        text = (await px.out("inspect", "gone")).decode()
        assert "state        exited 2\n" in text and "exited       2" in text and "foreground" not in text, text
        got = await px.json("inspect", "gone")
        assert got["totalBytes"] == {"stdout": 4, "stderr": 6} and got["foreground"] is None and got["exitCode"] == 2, got


async def test_signal(t):
    """By any of its names; to nobody."""
    async with cli(t) as px:
        for number, name in enumerate(("INT", "sigint", "2")):
            await px.start(f"s{number}", child(), "signals")
            await px.out("wait", "--match", "ready", f"s{number}")
            assert await px.out("signal", f"s{number}", name) == b""
            await px.out("wait", "--match", "INT", f"s{number}")
        await px.start("gone", "true")
        await px("wait", "gone")
        assert b"nobody" in await px.fails("signal", "gone", "TERM", status=1)
        for name in ("NOPE", "0", "65", ""):
            await px.fails("signal", "s0", name)


async def test_kill(t):
    """Gracefully, by force, several at once; the sessions stay known."""
    async with cli(t, "--shutdown-grace-period-ms", 300_000) as px:
        for name in ("a", "b"):
            await px.start(name, "sleep", "1000")
        for name in ("c", "d", "e"):
            await px.start(name, child(), "ignore-term")
            await px.out("wait", "--match", "ready", name)
        assert await px.out("kill", "a", "b") == b""
        assert (await px("wait", "a"))[0] == (await px("wait", "b"))[0] == 143
        await px.out("kill", "--grace", "0.05", "c")
        assert (await px("wait", "c"))[0] == 137
        await px.out("kill", "--force", "d")
        assert (await px("wait", "d"))[0] == 137
        assert await px.out("kill", "a") == b""  # it is gone: that is what was wanted
        err = await px.fails("kill", "--force", "nobody", "e")
        assert UNKNOWN in err
        assert (await px("wait", "e"))[0] == 137
        assert b"--force" in await px.fails("kill", "--force", "--grace", 1, "a", status=2)
        assert len((await px.json("ps", "-a"))["sessions"]) == 5


async def test_rm(t):
    """Forgets what has ended; what runs only by force."""
    async with cli(t) as px:
        await px.start("a", "true")
        await px("wait", "a")
        await px.start("b", "sleep", "1000")
        assert b"'b' is still running" in await px.fails("rm", "b", "a")
        assert [row["sessionId"] for row in (await px.json("ps", "-a"))["sessions"]] == ["b"]
        assert UNKNOWN in await px.fails("rm", "-f", "nobody", "b")
        assert (await px.json("ps", "-a"))["sessions"] == []
        await px.start("a", "false")
        assert (await px("wait", "a"))[0] == 1


async def test_unknown_session(t):
    """Every command says so, and what to do."""
    async with cli(t) as px:
        for words in (("send", "nobody", "x"), ("send", "--file", "-", "nobody"), ("close-stdin", "nobody"), ("resize", "nobody", "1x1"),
                      ("logs", "nobody"), ("logs", "-f", "nobody"), ("snapshot", "nobody"), ("wait", "nobody"), ("inspect", "nobody"),
                      ("signal", "nobody", "INT"), ("kill", "nobody"), ("rm", "nobody"), ("rm", "-f", "nobody")):
            err = await px.fails(*words, stdin=b"x")
            assert UNKNOWN in err and b"ps -a" in err, (words, err)
        # The beginning of a name is not the name.
        await px.start("nobody-else", "sleep", "1000")
        assert UNKNOWN in await px.fails("kill", "nobody")


async def test_workspaces(t):
    """Each has its own sessions; the option comes before the variable, and may stand before the command."""
    async with cli(t) as px:
        await px.start("x", "sleep", "1000")
        other = dict(px.env, PTYEXEC_WORKSPACE="other")
        assert await px.out("start", "-T", "--name", "x", "true", env=other) == b"x\n"
        assert (await px("wait", "x", env=other))[0] == 0
        assert b"exited 0" in await px.out("ps", "-a", "--workspace", "other")
        assert b"exited 0" in await px.out("--workspace=other", "ps", "-a")
        assert b"running" in await px.out("ps", "-a", "--workspace", "default", env=other)
        assert (await px.json("info"))["counts"]["sessions"] == 2
        await px.out("rm", "x", env=other)
        assert b"workspace" in await px.fails("ps", "--workspace", "a b")


async def test_usage(t):
    """What is wrong on the command line is named, before anything is asked of a server."""
    env = dict(os.environ, PTYEXEC_URL="unix:///no/such/socket")
    for words, status, text in (
            (["ps", "x"], 2, b"'x'"), (["ps", "-x"], 2, b"'-x'"), (["ps", "-ax"], 2, b"'-x'"), (["ps", "--nope"], 2, b"'--nope'"),
            (["ps", "--all=1"], 2, b"--all takes no value"), (["ps", "--url"], 2, b"--url needs a value"),
            (["ps", "--url="], 2, b"not empty"), (["start"], 125, b"CMD"), (["start", "--rows", "0", "x"], 125, b"'0'"),
            (["start", "--cols", "65536", "x"], 125, b"'65536'"), (["start", "--timeout", "x", "x"], 125, b"'x'"),
            (["start", "--env", "A", "x"], 125, b"'A'"), (["send"], 2, b"NAME"), (["send", "-x", "a"], 2, b"'-x'"),
            (["close-stdin"], 2, b"NAME"), (["close-stdin", "a", "b"], 2, b"'b'"), (["resize", "a"], 2, b"ROWSxCOLS"),
            (["logs"], 2, b"NAME"), (["logs", "--since-seq", "-1", "a"], 2, b"'-1'"), (["snapshot"], 2, b"NAME"),
            (["wait"], 125, b"NAME"), (["wait", "--idle", "0", "a"], 125, b"'0'"), (["wait", "--match", "", "a"], 125, b"--match"),
            (["wait", "--timeout", "-1", "a"], 125, b"'-1'"), (["wait", "--new", "--since-seq", "3", "a"], 125, b"--new"),
            (["inspect"], 2, b"NAME"), (["signal", "a"], 2, b"SIGNAL"), (["kill"], 2, b"NAME"), (["kill", "--grace", "0", "a"], 2, b"'0'"),
            (["rm"], 2, b"NAME"), (["server"], 2, b"start"), (["server", "jump"], 2, b"'jump'"), (["info", "x"], 2, b"'x'"),
            (["--nope", "ps"], 2, b"'--nope'"), (["--json", "rm", "a"], 2, b"--json"), (["--url", "x", "tour"], 2, b"--url"),
            (["--workspace", "x", "tour"], 2, b"--workspace"), (["rm", "--json", "a"], 2, b"'--json'")):
        got, out, err = await ptyexec(*words, env=env)
        assert (got, out) == (status, b"") and text in err and err.count(b"\n") == 1, (words, got, out, err)
    for words in (["ps"], ["--json", "ps"], ["start", "true"], ["logs", "a"], ["info"], ["server", "status"]):
        got, out, err = await ptyexec(*words, env=env)
        assert (got, out) == (125, b"") and b"/no/such/socket" in err, (words, got, out, err)


async def test_help(t):
    """Of every command, from the same table: all options, in 90 columns."""
    _, out, _ = await ptyexec("help")
    commands = re.findall(r"^  ([a-z][a-z-]+) +[A-Z]", out.decode(), re.M)
    assert len(commands) >= 16 and "logs" in commands, commands
    for command in filter(lambda name: name != "help", commands):
        status, out, err = await ptyexec("help", command)
        assert (status, err) == (0, b"") and out.startswith(f"usage: ptyexec {command} ".encode()), out
        assert all(len(line) <= 90 for line in out.decode().splitlines()), out.decode()
        assert (status, out, err) == await ptyexec(command, "-h") == await ptyexec(command, "--help")


async def test_output_that_nobody_takes(t):
    """A full disk or a closed stdout is told, whatever is printed."""
    async with cli(t) as px:
        await px.start("a", "echo", "output")
        await px("wait", "a")
        for words in (("ps",), ("ps", "--json"), ("logs", "a"), ("logs", "-f", "a"), ("logs", "--json", "a"), ("snapshot", "a"),
                      ("snapshot", "--json", "a"), ("inspect", "a"), ("info",), ("server", "status"), ("wait", "--json", "a"),
                      ("start", "true"), ("help",), ("help", "ps"), ("--version",)):
            for how in (">/dev/full", ">&-"):
                process = await spawn("/bin/sh", "-c", f'"$0" "$@" {how}', program(), *words, stdin=PIPE, stdout=PIPE, stderr=PIPE,
                                      env=px.env)
                process.stdin.close()
                out, err = await within(asyncio.gather(process.stdout.read(), process.stderr.read()), "end")
                assert (await finish(process), out) == (125, b""), (words, how, err)
                assert err.startswith(b"ptyexec: cannot write to standard output: ") and err.count(b"\n") == 1, (words, how, err)


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
