#!/usr/bin/python3
"""'ptyexec attach' and 'shell' by the byte: what is shown, what is passed on, what is left behind."""

import asyncio
import contextlib
import fcntl
import json
import os
import re
import signal
import struct
import sys
import termios

from cli import PIPE, ended_by, program, ptyexec
from desk import Desk
from support import LONG_MS, Watched, descendants, name_of, serving, shell

from px import tap
from px.deadline import within
from px.server import child, ended, send_signal, spawn

AWAY = b"; 'ptyexec attach x' comes back"

# From a program that floods to the terminal: what the server and ptyexec may keep, the socket between them (as
# base64 in messages), a piece that was read at once, and what the kernel keeps of both terminals.
ON_THE_WAY = 512 * 1024


class World:
    """A server, ptyexec for it, and sessions on it."""

    def __init__(self, server):
        self.server = server
        self.env = {**os.environ, "PTYEXEC_URL": server.url("unix"), "TERM": "xterm"}

    async def __call__(self, *words, **options):
        """(status, stdout, stderr)"""
        return await ptyexec(*words, **{"env": self.env, **options})

    async def out(self, *words, **options):
        status, out, err = await self(*words, **options)
        assert (status, err) == (0, b""), (words, status, out, err)
        return out

    async def start(self, *command, how="-t", size=(24, 80)):
        rows, cols = size
        more = ("--rows", rows, "--cols", cols) if how == "-t" else ()
        await self.out("start", "--name", "x", how, *more, "--", *command)

    async def state(self):
        return json.loads(await self.out("inspect", "--json", "x"))

    async def sit(self, *words, **options):
        return await Desk.sit(*words, env=self.env, **options)

    async def attach(self, *words, **options):
        return await self.sit("attach", *words, "x", **options)


@contextlib.asynccontextmanager
async def world(t, *flags, listen=("unix",)):
    async with serving(t, *flags, listen=listen) as server:
        self = World(server)
        yield self
        names = [row["sessionId"] for row in json.loads(await self.out("ps", "-a", "--json"))["sessions"]]
        if names:
            await self.out("rm", "-f", *names)


def written(pid):
    """Bytes that a process has written so far."""
    with open(f"/proc/{pid}/io") as f:
        return int(re.search(r"^wchar: (\d+)", f.read(), re.M)[1])


async def taken(desk):
    """Waits until nothing that was typed waits in the terminal."""
    while struct.unpack("i", fcntl.ioctl(desk.slave, termios.FIONREAD, bytes(4)))[0] > 0:
        await asyncio.sleep(0.005)


async def blocked(pid):
    """Waits until a process that writes without end writes no more."""
    before, same = -1, 0
    while same < 10:
        now = written(pid)
        same = same + 1 if now == before else 0
        before = now
        await asyncio.sleep(0.02)


async def test_what_is_kept_and_what_comes(t):
    """Attaching in the middle of an output shows all of it, each line once; and the program's status is ours."""
    async with world(t) as px:
        await px.start("sh", "-c", "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; done; read x; "
                       "while [ $i -lt 3100 ]; do i=$((i+1)); echo $i; done; exit 5")
        desks = [await px.attach() for _ in range(3)]
        for desk in desks:
            await desk.shows(b"3000\r\n")
        desks[0].types(b"go\r")
        for desk in desks:
            assert await desk.leave() == 5
            numbers = [int(line) for line in re.findall(rb"^(\d+)\r$", bytes(desk.seen), re.M)]
            assert numbers == list(range(1, 3101)), len(numbers)


class Cable:
    """A TCP port that leads to another one, and can be cut."""

    @classmethod
    @contextlib.asynccontextmanager
    async def lay(cls, host, port):
        self = cls()
        self.host, self.port, self.writers, self.carried = host, port, [], 0
        async with await asyncio.start_server(self._plug, "127.0.0.1", 0) as server:
            self.url = "ws://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
            yield self
            self.cut()

    async def _plug(self, reader, writer):
        there, here = await asyncio.open_connection(self.host, self.port)
        self.writers += (writer, here)
        await asyncio.gather(self._carry(reader, here), self._carry(there, writer))

    async def _carry(self, reader, writer):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                self.carried += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    def cut(self):
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()


async def test_cut_connection(t):
    """A connection that breaks and comes back: the output goes on without a gap or a repeat, and so does the input."""
    async with world(t, "--detach-ttl-ms", LONG_MS, listen=("unix", "ws")) as px:
        host, _, port = px.server.url("ws")[len("ws://"):].rpartition(":")
        async with Cable.lay(host, int(port)) as cable:
            await px.start("sh", "-c", "read x; seq 300000; read y; echo over $y")
            desk = await px.attach("--url", cable.url)
            desk.types(b"go\r")
            for _ in range(5):
                carried = cable.carried + 100_000
                await within(until(lambda carried=carried: cable.carried > carried), "output")
                cable.cut()
            await desk.shows(b"300000\r\n")
            cable.cut()
            desk.types(b"now\r")
            await desk.shows(b"over now\r\n")
            assert await desk.leave() == 0
            numbers = re.findall(rb"^(\d+)\r$", bytes(desk.seen), re.M)
            assert numbers == [b"%d" % n for n in range(1, 300001)], len(numbers)


async def until(condition):
    while not condition():
        await asyncio.sleep(0.005)


async def test_exited_session(t):
    """One that has ended shows its output and has its status."""
    async with world(t) as px:
        await px.start("sh", "-c", "echo that was it; exit 9", how="-T")
        await px("wait", "x")
        assert await px("attach", "x") == (9, b"that was it\n", b"")
        status, out, err = await px("attach", "nobody")
        assert (status, out) == (125, b"") and b"no session is named 'nobody'" in err, err


async def test_missing_middle(t):
    """What is no longer kept is told, on stderr, where it was."""
    async with world(t, "--retained-output-bytes-per-process", 65536) as px:
        await px.start("seq", "100000", how="-T")
        await px.out("wait", "x")
        status, out, err = await px("attach", "x")
        lines = out.split(b"\n")
        assert status == 0 and lines[0] == b"1" and lines[-2] == b"100000"
        missing, = re.fullmatch(rb"\r\n\[ptyexec: (\d+) bytes of output are no longer kept\]\r\n", err).groups()
        assert len(out) + int(missing) == sum(len(str(n)) + 1 for n in range(1, 100001))


async def test_questions_of_long_ago(t):
    """A terminal does not answer once more what a program has asked it before; live questions come through."""
    async with world(t) as px:
        await px.start(*shell(r"stty raw -echo; printf 'a\033[cb\033[6nc\033]11;?\033\\d\aready'; "
                              r"head -c 1; printf 'e\033[cf'; head -c 1"))
        desk = await px.attach()
        await desk.shows(b"abcdready")
        desk.types(b"1")
        await desk.shows(b"1e\033[cf")
        desk.types(b"2")
        assert await desk.leave() == 0


async def test_size(t):
    """The session's terminal gets our size, and changes with it. Who only looks changes nothing."""
    async with world(t) as px:
        await px.start(child(), "size")
        desk = await px.attach(rows=33, cols=44)
        await desk.shows(b"33x44\r\n")
        desk.resize(34, 45)
        await desk.shows(b"34x45\r\n")
        looks = await px.attach("--read-only", rows=50, cols=50)
        await looks.shows(b"34x45\r\n")
        looks.resize(51, 51)
        looks.types(b"\x03")
        looks.types(b"\x1dd")
        assert await looks.leave() == 0
        state = await px.state()
        assert (state["io"], state["running"]) == ({"pty": {"rows": 34, "cols": 45}}, True), state
        desk.types(b"\x03")
        assert await desk.leave() == 128 + signal.SIGINT
        assert b"50x50" not in desk.seen and b"51x51" not in desk.seen


async def test_many_sizes(t):
    """However often our size changes while the server does not answer: the last one gets through."""
    async with world(t) as px:
        await px.start(child(), "size")
        desk = await px.attach()
        await desk.shows(b"31x117\r\n")
        send_signal(px.server.process, signal.SIGSTOP)
        try:
            for rows in range(100, 600):
                desk.resize(rows, 99)
                send_signal(desk.process, signal.SIGWINCH)
                await asyncio.sleep(0)
        finally:
            send_signal(px.server.process, signal.SIGCONT)
        await desk.shows(b"599x99\r\n")
        desk.types(b"\x03")
        assert await desk.leave() == 128 + signal.SIGINT


async def test_redraw(t):
    """A program that takes keys sees two changes of its size when somebody attaches; one that reads lines sees none."""
    async with world(t) as px:
        await px.start("sh", "-c", "stty -icanon; exec \"$0\" size", child())
        desk = await px.attach(rows=24, cols=80)
        await desk.shows(b"24x80\r\n23x80\r\n24x80\r\n")
        desk.types(b"\x1dd")
        assert await desk.leave() == 0
        await px.out("rm", "-f", "x")
        await px.start("sh", "-c", "trap 'echo changed' WINCH; echo ready; while ! read x; do :; done; echo $x")
        desk = await px.attach(rows=24, cols=80)
        await desk.shows(b"ready")
        desk.types(b"word\r")
        await desk.shows(b"word\r\nword\r\n")
        assert await desk.leave() == 0
        assert b"changed" not in desk.seen


async def test_detach(t):
    """Keys in one piece with what is typed before; the session hears nothing of them."""
    async with world(t, "--stdin-queue-bytes", 4096) as px:
        await px.start(child(), "echo-lines")
        desk = await px.attach()
        await desk.shows(b"ready")
        assert desk.is_raw()
        desk.types(b"last words\r\x1dd")
        await desk.shows(b"detached from x" + AWAY)
        assert await desk.leave() == 0
        desk = await px.attach()
        await desk.shows(b"echo:last words\r\n")
        desk.types(b"\x1d")
        desk.types(b"d")
        assert await desk.leave() == 0
        # Nobody takes what is typed: there may be a key for us all the same.
        await px.out("rm", "-f", "x")
        await px.start(child(), "no-read")
        desk = await px.attach()
        await desk.shows(b"ready")
        await desk.types_much(b"x" * 40000 + b"\x1dd")
        assert await desk.leave() == 0


async def test_detach_from_a_silent_server(t):
    """A server that does not answer can be left too, however much was typed before."""
    async with world(t) as px:
        await px.start(child(), "echo-lines")
        desk = await px.attach()
        await desk.shows(b"ready")
        send_signal(px.server.process, signal.SIGSTOP)
        try:
            for key in b"a few keys, each for itself":
                desk.types(bytes([key]))
                await within(taken(desk), "reading of what was typed")
            desk.types(b"\x1dd")
            assert await desk.leave() == 0
        finally:
            send_signal(px.server.process, signal.SIGCONT)
        assert (await px.state())["running"]


async def test_detach_leaves_the_screen(t):
    """What the program has done to the terminal is undone, when it is left and when it is lost."""
    async with world(t) as px:
        await px.start("sh", "-c", r"stty raw -echo; printf '\033[?1049h\033[?25l\033=\033[?2004hdrawn'; exec cat")
        desk = await px.attach()
        await desk.shows(b"drawn")
        desk.types(b"\x1dd")
        assert await desk.leave() == 0
        assert b"\033>\033[m\033[?2004l\033[?25h\033[?1049l\r\ndetached" in desk.seen, bytes(desk.seen)


async def test_no_stdin(t):
    """--no-stdin reads nothing; ^C leaves the session."""
    async with world(t) as px:
        await px.start(child(), "echo-lines")
        desk = await px.attach("--no-stdin")
        await desk.shows(b"ready")
        assert not desk.is_raw()
        desk.types(b"mine\r")
        await px.out("send", "x", "theirs\n")
        await desk.shows(b"echo:theirs")
        desk.types(b"\x03")
        status = await desk.leave()
        assert status in ended_by(signal.SIGINT), status
        assert b"echo:mine" not in desk.seen and b"detached from x" in desk.seen
        assert (await px.state())["running"]


async def test_pipes(t):
    """A session on pipes: both streams, our input; its end is not the session's."""
    async with world(t) as px:
        await px.start("sh", "-c", "echo out; echo err >&2; read x; echo got $x; read y; exit 4", how="-T")
        process = await spawn(program(), "attach", "x", stdin=PIPE, stdout=PIPE, stderr=PIPE, env=px.env)
        process.stdin.write(b"one\n")
        process.stdin.close()
        assert await within(process.stdout.readexactly(12), "output") == b"out\ngot one\n"
        assert await within(process.stderr.readline(), "message") == b"err\n"
        assert (await px.state())["running"]
        await px.out("send", "x", "two\n")
        assert await within(ended(process), "end of attach") == 4


async def test_signals(t):
    """A signal ends us, not the session; USR1 is the session's."""
    async with world(t) as px:
        await px.start(child(), "signals")
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGALRM):
            desk = await px.attach()
            await desk.shows(b"ready")
            send_signal(desk.process, number)
            status = await desk.leave()
            assert status in ended_by(number), (number, status)
            assert b"detached from x" in desk.seen
        desk = await px.attach()
        await desk.shows(b"ready")
        send_signal(desk.process, signal.SIGUSR1)
        await desk.shows(b"USR1")
        assert not re.search(rb"TERM|HUP|INT|QUIT", bytes(desk.seen)), bytes(desk.seen)
        desk.types(b"\x1dk")
        await desk.shows(b"TERM")
        assert await desk.leave() == 3


async def test_crash(t):
    """We crash, and the terminal is as before."""
    async with world(t) as px:
        await px.start(child(), "echo-lines")
        for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL):
            desk = await px.attach()
            await desk.shows(b"ready")
            assert desk.is_raw()
            send_signal(desk.process, number)
            assert await desk.leave() != 0


async def test_flood(t):
    """
    ^C reaches a program that writes as fast as it can although nobody takes its output; and little comes after
    that, which bounds the time until the prompt is there.
    """
    async with world(t, "--outbound-high-water-bytes", 131072) as px:
        for env, server in ((px.env, px.server.pid), (os.environ, None)):
            command = shell("trap 'echo; echo stopped' INT; yes flood; exit 3")
            desk = await Desk.sit("run", "-t", "--", *command, env=env)
            await desk.shows(b"flood\r\n" * 1000)
            desk.holds(True)
            pid, = (pid for pid in descendants(server or desk.process.pid) if name_of(pid) == "yes")
            await within(blocked(pid), "end of the flood, which nobody takes")
            flood = Watched(pid)
            desk.types(b"\x03")
            await flood.gone()
            before = len(desk.seen)
            desk.holds(False)
            await desk.shows(b"\r\nstopped\r\n")
            assert await desk.leave() == 3
            assert len(desk.seen) - before < ON_THE_WAY, len(desk.seen) - before


async def test_run_elsewhere(t):
    """'run' with a server: its environment and our TERM; ends with us; nothing of it is left there."""
    async with world(t) as px:
        env = {**px.env, "MINE": "1"}
        status, out, err = await px("run", "-t", "--env", "GIVEN=2", "--", child(), "env", env=env)
        assert (status, err) == (0, b"") and b"GIVEN=2\r\n" in out and b"TERM=xterm\r\n" in out and b"MINE=" not in out, out
        assert await px("run", "-T", "--", "sh", "-c", "cat; exit 6", stdin=b"hello") == (6, b"hello", b"")
        assert (await px("run", "-T", "--", "no-such-program"))[0] == 127
        assert json.loads(await px.out("ps", "-a", "--json"))["sessions"] == []
        process = await spawn(program(), "run", "-T", "--", child(), "signals", stdin=PIPE, stdout=PIPE, env=px.env)
        assert await within(process.stdout.readline(), "output") == b"ready\n"
        send_signal(process, signal.SIGKILL)
        await ended(process)
        while json.loads(await px.out("info", "--json"))["counts"]["running"] > 0:
            pass


async def test_shell(t):
    """The server's shell, under a name that can be typed; forgotten when its end was seen."""
    async with world(t) as px:
        names = []
        for _ in range(2):
            desk = await px.sit("shell")
            desk.types(b"\x1dd")
            await desk.shows(b"detached from ")
            assert await desk.leave() == 0
            names.append(re.search(rb"detached from (\S+);", bytes(desk.seen))[1].decode())
        assert [name.rpartition("-")[2] for name in names] == ["1", "2"], names
        desk = await px.sit("attach", names[0])
        desk.types(b"exit 3\r")
        assert await desk.leave() == 3
        desk = await px.sit("shell", "--name", names[1])
        await desk.shows(b"already")
        assert await desk.leave() == 125
        desk = await px.sit("shell", "--name", "mine", "--env", "A=b")
        desk.types(b"echo =$A=; exit 4\r")
        await desk.shows(b"=b=")
        assert await desk.leave() == 4
        rows = json.loads(await px.out("ps", "-a", "--json"))["sessions"]
        assert sorted(row["sessionId"] for row in rows) == names, rows


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
