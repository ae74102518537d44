#!/usr/bin/python3
"""ptyexec in a real terminal emulator: what a person sees who works with 'shell', 'attach' and 'run' inside tmux."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys

from cli import program, ptyexec
from support import Watched, children, name_of

from px import tap
from px.deadline import SCALE, SECONDS, Late, within
from px.server import adopted, binary, ended, spawn

POLL = 0.02  # between two looks at the screen: a picture cannot be waited for otherwise
BASHRC = "PS1='{}$ '; unset HISTFILE\n"
OUTER = "exec bash --rcfile ~/outer"


class Desk:
    """A user with a home, a terminal (a window of tmux's) and bash in it, which runs ptyexec."""

    def __init__(self, folder, rows, cols):
        self.folder, self.rows, self.cols = folder, rows, cols
        self.socket = folder + "/tmux"
        for name, prompt in ((".bashrc", "inner"), ("outer", "outer")):
            with open(f"{folder}/{name}", "w") as f:
                f.write(BASHRC.format(prompt))
        path = f"{os.path.dirname(program())}:{os.environ['PATH']}"
        passed = {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}
        self.env = {"PATH": path, "HOME": folder, "SHELL": "/bin/bash", "XDG_RUNTIME_DIR": folder, "LANG": "C.UTF-8",
                    "PTYEXECD": binary(), **passed}

    @classmethod
    @contextlib.asynccontextmanager
    async def sit(cls, t, rows=24, cols=80):
        folder = t.folder()
        os.chmod(folder, 0o700)
        self = cls(folder, rows, cols)
        await self.tmux("new-session", "-d", "-c", folder, "-x", cols, "-y", rows, OUTER, ";",
                        "set-option", "-g", "remain-on-exit", "on", ";", "set-option", "-g", "escape-time", "0")
        self.pid = int(await self.tmux("display-message", "-p", "#{pid}"))
        try:
            await self.prompts("outer$")
            yield self
        except AssertionError as failure:
            screen = await self.screen()
            raise AssertionError(f"{failure}; the screen has\n" + "\n".join(screen).rstrip()) from failure
        finally:
            await self.stand_up()

    async def stand_up(self):
        emulator = Watched(self.pid)
        await self.tmux("kill-server")
        await emulator.gone()
        await ptyexec("server", "stop", "--force", env=self.env, tidy=False)
        # The user's own server and tmux are nobody's children, so they come to us.
        for orphan in adopted():
            process = Watched(orphan)
            await process.gone()
            with contextlib.suppress(ChildProcessError):
                os.waitpid(orphan, 0)

    async def tmux(self, *words):
        process = await spawn("tmux", "-S", self.socket, "-f", "/dev/null", *map(str, words), env=self.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = await within(process.communicate(), f"answer to tmux {words[0]}")
        status = await ended(process)
        assert status == 0 and not err, (words, status, err)
        return out.decode()

    # What is typed

    async def types(self, text):
        await self.tmux("send-keys", "-l", "--", text)

    async def keys(self, *names):
        """Keys by tmux's names: C-c, Enter."""
        await self.tmux("send-keys", *names)

    async def enters(self, line):
        await self.tmux("send-keys", "-l", "--", line, ";", "send-keys", "Enter")

    # What is seen

    async def screen(self):
        return (await self.tmux("capture-pane", "-p")).split("\n")[:self.rows]

    async def until(self, condition, what, seconds=SECONDS):
        """Looks until condition(lines of the screen) holds; the lines."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds * SCALE
        while not condition(lines := await self.screen()):
            if loop.time() > end:
                raise Late(f"no {what} within {seconds * SCALE:g} s")
            await asyncio.sleep(POLL)
        return lines

    async def shows(self, text, seconds=SECONDS):
        """'text' somewhere on the screen."""
        return await self.until(lambda lines: text in "\n".join(lines), f"{text!r} on the screen", seconds)

    async def prompts(self, prompt, after=None):
        """The last line that has something on it is a prompt; and the one before it says so."""
        def has(lines):
            written = [line.rstrip() for line in lines if line.strip()]
            return written and written[-1] == prompt.rstrip() and (
                after is None or (len(written) > 1 and after in written[-2]))

        await self.until(has, f"prompt {prompt!r}" + (f" after {after!r}" if after else ""))

    async def asks(self, line, answer, prompt):
        """Enters 'line' at a prompt; 'answer' is in the last line before the next prompt."""
        await self.enters(line)
        await self.prompts(prompt, answer)

    async def fact(self, name):
        return (await self.tmux("display-message", "-p", f"#{{{name}}}")).strip()

    async def modes(self):
        """What stty says of the terminal, from outside."""
        with open(await self.fact("pane_tty"), "rb") as tty:
            return subprocess.run(["stty", "-a"], stdin=tty, check=True, capture_output=True, text=True).stdout

    # Processes

    async def client(self):
        """The ptyexec that the outer shell runs, as soon as it does."""
        shell = int(await self.fact("pane_pid"))
        found = []

        def look():
            found[:] = (pid for pid in children(shell) if name_of(pid) == "ptyexec")
            return found

        await self.until(lambda lines: look(), "ptyexec")
        return found[0]

    def server(self):
        """The user's own server."""
        pid, = (pid for pid in adopted() if name_of(pid) == "ptyexecd" and self.is_ours(pid))
        return pid

    def is_ours(self, pid):
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return self.folder.encode() in f.read()

    async def sleeps(self, pid):
        """Waits until a process has been stopped by a signal."""
        def is_stopped():
            with open(f"/proc/{pid}/stat") as f:
                return f.read().rpartition(")")[2].split()[0] == "T"

        await self.until(lambda lines: is_stopped(), f"stop of process {pid}")

    async def vim_shows_numbers(self):
        """Lets vim show a file of numbers, one in a line, the whole screen full of them; the lines."""
        await self.enters("clear; seq 50 >numbers; vim.tiny -u NONE numbers")
        shown = [str(n) for n in range(1, self.rows)]
        await self.until(lambda lines: lines[:-1] == shown, "text in vim")
        return shown

    async def shell(self, name="one", *words):
        await self.enters(f"clear; ptyexec shell --name {name} {' '.join(words)}")
        await self.prompts("inner$")

    async def leaves(self, name="one"):
        await self.keys("C-]", "d")
        await self.prompts("outer$", f"detached from {name}; 'ptyexec attach {name}' comes back")


async def test_shell(t):
    """A prompt, an answer, a status; the terminal as it was."""
    async with Desk.sit(t) as desk:
        before = await desk.modes()
        await desk.shell()
        assert await desk.modes() != before
        await desk.asks("echo $((6*7))", "42", "inner$")
        await desk.asks("stty size; tty | cut -c1-9", "/dev/pts/", "inner$")
        await desk.shows("24 80")
        await desk.enters("exit 7")
        await desk.prompts("outer$", "exit")
        assert await desk.modes() == before
        await desk.asks("echo status $?", "status 7", "outer$")
        await desk.asks("ptyexec ps -a", "NAME", "outer$")  # what has ended is forgotten


async def test_end_of_file(t):
    """^D at the prompt ends the shell."""
    async with Desk.sit(t) as desk:
        before = await desk.modes()
        await desk.shell()
        await desk.keys("C-d")
        await desk.prompts("outer$", "exit")
        await desk.asks("echo status $?", "status 0", "outer$")
        assert await desk.modes() == before


async def test_job_control_inside(t):
    """^C and ^Z are for the program in the session; fg brings it back."""
    async with Desk.sit(t) as desk:
        await desk.shell()
        # What is typed before the shell has handed over the terminal would not be echoed.
        await desk.enters("clear; echo ready; cat")
        await desk.until(lambda lines: "ready" in lines, "ready cat")
        await desk.types("one")
        await desk.shows("one")
        await desk.keys("C-c")
        await desk.prompts("inner$", "^C")
        await desk.asks("echo status $?", "status 130", "inner$")
        await desk.enters("clear; echo again; cat")
        await desk.until(lambda lines: "again" in lines, "ready cat")
        await desk.enters("two")
        await desk.until(lambda lines: [line for line in lines if line == "two"] == ["two"] * 2, "echo of two")
        await desk.keys("C-z")
        await desk.prompts("inner$", "Stopped")
        await desk.enters("clear; fg")
        await desk.until(lambda lines: lines[0] == "cat", "cat in the foreground")
        await desk.enters("three")
        await desk.until(lambda lines: [line for line in lines if line == "three"] == ["three"] * 2, "echo of three")
        await desk.keys("C-d")
        await desk.prompts("inner$", "three")


async def test_vim(t):
    """vim edits a file and saves it, in a PTY of ptyexec's."""
    async with Desk.sit(t) as desk:
        await desk.shell()
        await desk.enters("vim.tiny -u NONE -c 'set showmode' text")
        await desk.shows("~")
        await desk.types("ihello")
        await desk.shows("INSERT")
        await desk.keys("Enter")
        await desk.types("world")
        await desk.keys("Escape")
        await desk.until(lambda lines: lines[:3] == ["hello", "world", "~"] and "INSERT" not in lines[-1], "text in vim")
        await desk.types(":wq")
        await desk.keys("Enter")
        await desk.prompts("inner$")
        with open(desk.folder + "/text") as f:
            assert f.read() == "hello\nworld\n"


async def test_htop(t):
    """htop draws on the whole screen, and follows it when it changes its size."""
    async with Desk.sit(t) as desk:
        await desk.shell()
        await desk.enters("htop")
        await desk.until(lambda lines: "F10Quit" in lines[23], "bottom line of htop")
        for rows, cols in ((30, 100), (12, 60), (24, 80)):
            await desk.tmux("resize-window", "-x", cols, "-y", rows)
            desk.rows = rows
            await desk.until(lambda lines: lines[rows - 1].startswith("F1Help") and not any(
                "F1Help" in line for line in lines[:rows - 1]), f"bottom line of htop in row {rows}")
        await desk.types("q")
        await desk.prompts("inner$")
        await desk.asks("stty size", "24 80", "inner$")


async def test_detach_and_reattach(t):
    """What was left goes on, and is shown again without a gap or a repeat."""
    async with Desk.sit(t) as desk:
        before = await desk.modes()
        await desk.shell()
        await desk.asks("answer=$((6*7)); echo begun", "begun", "inner$")
        await desk.leaves()
        assert await desk.modes() == before
        await desk.asks("echo status $?", "status 0", "outer$")
        await desk.asks("ptyexec send one 'echo $answer more\n'; clear; ptyexec ps | grep -c running", "1", "outer$")
        await desk.enters("clear; ptyexec attach one")
        lines = await desk.shows("42 more")
        assert sum(line == "begun" for line in lines) == 1 and sum(line == "42 more" for line in lines) == 1, lines
        await desk.asks("echo answer $answer", "answer 42", "inner$")
        await desk.enters("exit")
        await desk.prompts("outer$", "exit")
        assert await desk.modes() == before


async def test_reattach_full_screen(t):
    """A full-screen program that was left leaves the screen to the shell, and draws itself again, in any size."""
    async with Desk.sit(t) as desk:
        await desk.shell()
        await desk.vim_shows_numbers()
        await desk.leaves()
        assert (await desk.fact("alternate_on"), await desk.fact("cursor_flag"), await desk.fact("keypad_flag"),
                await desk.fact("keypad_cursor_flag")) == ("0", "1", "0", "0")
        await desk.enters("ptyexec attach one")
        await desk.until(lambda lines: lines[:23] == [str(n) for n in range(1, 24)], "vim, again")
        await desk.leaves()
        await desk.tmux("resize-window", "-x", 60, "-y", 15)
        desk.rows = 15
        await desk.enters("ptyexec attach one")
        await desk.until(lambda lines: lines[:14] == [str(n) for n in range(1, 15)], "vim in another size")
        await desk.keys("Escape")
        await desk.types(":q!")
        await desk.keys("Enter")
        await desk.prompts("inner$")


async def test_redraw_key(t):
    """^] r brings back a screen that something else has written over."""
    async with Desk.sit(t) as desk:
        await desk.shell()
        shown = await desk.vim_shows_numbers()
        with open(await desk.fact("pane_tty"), "w") as tty:
            tty.write("\033[2J\033[Hgarbage")
        await desk.until(lambda lines: lines[0] == "garbage", "garbage")
        await desk.keys("C-]", "r")
        await desk.until(lambda lines: lines[:23] == shown, "vim, again")


async def test_help_and_other_keys(t):
    """^] ? tells the keys; ^] ^] types one; ^] k ends the program."""
    async with Desk.sit(t) as desk:
        await desk.shell()
        await desk.keys("C-]", "?")
        await desk.shows("^] d  leave it")
        await desk.keys("C-c")
        await desk.enters("clear; read -rsn 2 x; echo \"$x\" | od -An -tx1")
        await desk.keys("C-]", "C-]", "x")
        await desk.prompts("inner$", "1d 78 0a")
        await desk.enters("clear; trap '' TERM HUP; exec sleep 1000")
        await desk.until(lambda lines: not any("inner$" in line for line in lines), "empty screen")
        await desk.keys("C-]", "k", "C-]", "k")
        await desk.prompts("outer$")
        await desk.asks("echo status $?", "status 137", "outer$")


async def test_other_detach_keys(t):
    """PTYEXEC_DETACH_KEYS and --detach-keys say which keys leave."""
    async with Desk.sit(t) as desk:
        await desk.enters("export PTYEXEC_DETACH_KEYS=ctrl-p,ctrl-q")
        await desk.shell()
        await desk.keys("C-p", "C-q")
        await desk.prompts("outer$", "detached from one")
        await desk.enters("ptyexec attach one --detach-keys ctrl-x")
        await desk.prompts("inner$")
        await desk.keys("C-p", "C-q", "C-x")
        await desk.prompts("outer$", "detached from one")
        await desk.enters("clear; ptyexec attach one --detach-keys ctrl-1")
        await desk.shows("--detach-keys takes keys")
        await desk.asks("echo status $?", "status 125", "outer$")


async def test_flood(t):
    """^C ends a flood, and the prompt is there again."""
    async with Desk.sit(t) as desk:
        await desk.shell()
        await desk.enters("yes flood | head -c 100000000; echo done")
        await desk.until(lambda lines: all(line == "flood" for line in lines[:-1]), "flood")
        await desk.keys("C-c")
        await desk.prompts("inner$")
        await desk.asks("echo status $?", "status 130", "inner$")


async def test_server_killed(t):
    """kill -9 of the server, under a full-screen program: an error, and a terminal that can be used."""
    async with Desk.sit(t) as desk:
        before = await desk.modes()
        await desk.shell()
        await desk.enters("vim.tiny -u NONE")
        await desk.until(lambda lines: lines[22] == "~", "vim")
        os.kill(desk.server(), signal.SIGKILL)
        await desk.prompts("outer$", "lost")
        assert await desk.modes() == before
        assert (await desk.fact("alternate_on"), await desk.fact("cursor_flag")) == ("0", "1")
        await desk.asks("echo status $?", "status 125", "outer$")


async def test_client_killed(t):
    """A signal ends the client: the terminal is as before, the session lives."""
    async with Desk.sit(t) as desk:
        before = await desk.modes()
        await desk.shell()
        await desk.leaves()
        for name, status in (("TERM", 143), ("HUP", 129), ("INT", 130), ("QUIT", 131), ("SEGV", None), ("ABRT", None)):
            await desk.enters("clear; ptyexec attach one")
            await desk.prompts("inner$")
            os.kill(await desk.client(), getattr(signal, "SIG" + name))
            await desk.prompts("outer$")
            assert await desk.modes() == before, name
            await desk.asks("echo status $?", f"status {status}" if status else "status ", "outer$")
        await desk.enters("clear; ptyexec attach one")
        await desk.prompts("inner$")
        await desk.asks("echo alive", "alive", "inner$")


async def test_outer_job_control(t):
    """SIGTSTP from outside puts the client to sleep, the terminal as before; fg brings it back, drawn anew."""
    async with Desk.sit(t) as desk:
        before = await desk.modes()
        await desk.shell()
        shown = await desk.vim_shows_numbers()
        client = await desk.client()
        for sig in (signal.SIGTSTP, signal.SIGSTOP):
            os.kill(client, sig)
            await desk.shows("Stopped")
            if sig == signal.SIGTSTP:
                await desk.prompts("outer$", "Stopped")
                assert await desk.modes() == before
            await desk.asks("clear; echo out here", "out here", "outer$")
            await desk.enters("bg")
            await desk.shows("&")
            await desk.sleeps(client)
            await desk.enters("clear; fg")
            await desk.until(lambda lines: lines[:23] == shown, "vim, again")
        await desk.keys("Escape")
        await desk.types(":q!")
        await desk.keys("Enter")
        await desk.prompts("inner$")
        await desk.enters("exit")
        await desk.prompts("outer$", "exit")
        assert await desk.modes() == before


async def test_started_in_the_background(t):
    """A client in the background waits until it has the terminal."""
    async with Desk.sit(t) as desk:
        await desk.enters("ptyexec shell --name one &")
        await desk.prompts("outer$")
        await desk.sleeps(await desk.client())
        await desk.enters("clear; fg")
        await desk.until(lambda lines: "ptyexec shell --name one" in lines, "client in the foreground")
        await desk.asks("echo $((6*7))", "42", "inner$")
        await desk.enters("exit")
        await desk.prompts("outer$", "exit")


async def test_run(t):
    """'run' on a private server: every key is the program's."""
    async with Desk.sit(t) as desk:
        before = await desk.modes()
        await desk.enters("clear; ptyexec run -- bash")
        await desk.prompts("inner$")
        await desk.enters("read -rsn 3 x; echo \"$x\" | od -An -tx1")
        await desk.keys("C-]", "d", "C-]")
        await desk.prompts("inner$", "1d 64 1d 0a")
        await desk.enters("exit 3")
        await desk.prompts("outer$", "exit")
        await desk.asks("echo status $?", "status 3", "outer$")
        assert await desk.modes() == before


async def test_two_terminals(t):
    """Of two that are attached, both see everything, and the last one to resize wins."""
    async with Desk.sit(t) as desk:
        await desk.shell()
        await desk.tmux("new-window", "-d", OUTER, ";", "resize-window", "-t", ":1", "-x", 70, "-y", 20)
        await desk.tmux("send-keys", "-t", ":1", "-l", "ptyexec attach one", ";", "send-keys", "-t", ":1", "Enter")
        await desk.until(lambda lines: True, "picture")
        await until_size(desk, "20 70")
        await desk.tmux("resize-window", "-t", ":0", "-x", 90, "-y", 26)
        desk.rows = 26
        await until_size(desk, "26 90")
        await desk.tmux("resize-window", "-t", ":1", "-x", 72, "-y", 21)
        await until_size(desk, "21 72")
        await desk.tmux("select-window", "-t", ":1")
        await desk.shows("21 72")


async def until_size(desk, text):
    """Asks the session's terminal for its size until it is this one: a size is told when it changes."""
    for _ in range(int(SECONDS * SCALE / POLL)):
        await desk.enters("clear; stty size")
        lines = await desk.until(lambda lines: any(re.fullmatch(r"\d+ \d+", line) for line in lines), "size")
        if text in lines:
            return
    raise Late(f"no size of {text}")


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
