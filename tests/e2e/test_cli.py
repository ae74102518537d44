#!/usr/bin/python3
"""The command line: statuses, streams, terminals and signals between a caller and a program behind 'ptyexec run'."""

import asyncio
import contextlib
import hashlib
import os
import random
import select
import signal
import subprocess
import sys
import termios

from cli import PIPE, SIGPIPE, finish, nothing_left, program, ptyexec
from desk import Desk
from support import children

from px import tap
from px.deadline import SCALE, SECONDS, within
from px.server import child, ended, send_signal, spawn


async def run(*words, **options):
    return await ptyexec("run", *words, **options)


@contextlib.asynccontextmanager
async def running(*words, **options):
    """'ptyexec run' at work on pipes; killed if the body leaves it so."""
    process = await spawn(program(), "run", *map(str, words), stdin=PIPE, stdout=PIPE, stderr=PIPE, **options)
    try:
        yield process
    finally:
        send_signal(process, signal.SIGKILL)


async def line(process):
    return (await within(process.stdout.readline(), "line of output")).decode().rstrip("\r\n")


def named(name, pids):
    """The one of these processes that runs the program of that name."""
    found = []
    for pid in pids:
        with open(f"/proc/{pid}/comm") as f:
            if f.read().strip() == name:
                found.append(pid)
    pid, = found
    return pid


async def test_exit_status(t):
    """The status is the program's; 128 + N when signal N ended it."""
    for how in ("-t", "-T"):
        for code in (0, 1, 124, 125, 127, 255):
            assert await run(how, child(), "exit", code) == (code, b"", b""), code
        for number in (signal.SIGHUP, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM):
            assert await run(how, "--", child(), "die", int(number)) == (128 + number, b"", b"")


async def test_streams(t):
    """On pipes stdout and stderr stay apart; on a terminal they are one."""
    script = "echo out; echo err >&2"
    assert await run("-T", "sh", "-c", script) == (0, b"out\n", b"err\n")
    assert await run("sh", "-c", script) == (0, b"out\n", b"err\n")  # stdin is no terminal
    assert await run("-t", "sh", "-c", script) == (0, b"out\r\nerr\r\n", b"")


async def test_ten_megabytes(t):
    """Much input and much output at once, through a program that reads as it writes."""
    data = random.Random(7).randbytes(10_000_000)
    status, out, err = await run("-T", "cat", stdin=data)
    assert (status, err) == (0, b"")
    assert hashlib.sha256(out).digest() == hashlib.sha256(data).digest(), len(out)
    status, out, _ = await run("-T", "sha256sum", stdin=data)
    assert (status, out) == (0, hashlib.sha256(data).hexdigest().encode() + b"  -\n")


async def test_output_is_complete(t):
    """All that the program wrote comes out before the end, in order."""
    expected = b"".join(b"%d\n" % n for n in range(1, 300_001))
    assert await run("-T", "seq", 300_000) == (0, expected, b"")
    assert await run("-t", "seq", 300_000) == (0, expected.replace(b"\n", b"\r\n"), b"")


async def test_input_is_not_swallowed(t):
    """Input that the program does not take stays in the pipe, but for a bounded part."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    process = await spawn(program(), "run", "-T", child(), "signals", stdin=read, stdout=PIPE, stderr=PIPE)
    os.close(read)
    assert await line(process) == "ready"
    sent, full = 0, 0
    while full < 10:
        try:
            sent += os.write(write, bytes(65536))
            full = 0
        except BlockingIOError:
            full += 1
        # Until the answer to this is there, ptyexec's loop and the server's have turned.
        send_signal(process, signal.SIGUSR1)
        assert await line(process) == "USR1"
        assert sent < 8 << 20, "it goes on reading"
    os.close(write)
    send_signal(process, signal.SIGTERM)
    assert await line(process) == "TERM"
    assert await finish(process) == 3
    assert sent > 0


async def test_environment(t):
    """The program has the caller's environment, byte for byte, arguments and directory."""
    env = {b"PATH": os.environb[b"PATH"], b"PTYEXECD": os.environb[b"PTYEXECD"], b"EMPTY": b"", b"LATIN": b"caf\xe9",
           b"A": b"b=c d"}
    status, out, err = await run("-T", child(), "env", env=env)
    assert sorted(out.splitlines()) == sorted(k + b"=" + v for k, v in env.items()), (out, err)
    status, out, err = await run("-T", "--env", "A=1", "--env", "B=x=y", "--env", "A=2", child(), "env", env=env)
    wanted = {**env, b"A": b"2", b"B": b"x=y"}
    assert sorted(out.splitlines()) == sorted(k + b"=" + v for k, v in wanted.items()), (out, err)
    status, out, _ = await run("-T", "--", "printf", "%s|", "", "-t", "--", "a b", "\u00fc\n")
    assert out.decode() == "|-t|--|a b|\u00fc\n|"

    folder = t.folder()
    os.mkdir(folder + "/sub")
    assert await run("-T", "pwd", cwd=folder) == (0, folder.encode() + b"\n", b"")
    assert await run("-T", "--cwd", "/", "pwd", cwd=folder) == (0, b"/\n", b"")
    assert await run("-T", "--cwd", "sub", "pwd", "-P", cwd=folder) == (0, folder.encode() + b"/sub\n", b"")


async def test_cannot_run(t):
    """127: not found. 126: found, and no program. 125: neither is what is wrong."""
    folder = t.folder()
    with open(folder + "/text", "w") as f:
        f.write("not a program\n")
    os.chmod(folder + "/text", 0o700)
    for word, status in (("no-such-program", 127), ("/no/such/program", 127), (folder, 126), ("/etc/passwd", 126),
                         (folder + "/text", 126)):
        for how in ("-t", "-T"):
            got, out, err = await run(how, word)
            assert (got, out) == (status, b""), (word, got, err)
            assert err.startswith(b"ptyexec: ") and word.encode() in err and err.count(b"\n") == 1, err
    status, _, err = await run("--cwd", "/no/such", "true")
    assert status == 125 and b"/no/such" in err, err
    status, _, err = await run("-T", "echo", b"caf\xe9".decode("utf-8", "surrogateescape"))
    assert status == 125 and b"UTF-8" in err, err


async def test_usage(t):
    """What is wrong on the command line is named."""
    for words, status, text in (
            (["run"], 125, b"CMD"), (["run", "-x", "true"], 125, b"'-x'"), (["run", "--nope"], 125, b"'--nope'"),
            (["run", "--cwd"], 125, b"--cwd"), (["run", "--env", "x", "true"], 125, b"'x'"),
            (["run", "--env", "=x", "true"], 125, b"'=x'"), (["run", "--timeout", "0", "true"], 125, b"'0'"),
            (["run", "--timeout", "1x", "true"], 125, b"'1x'"), (["run", "--timeout", "nan", "true"], 125, b"'nan'"),
            (["jump"], 2, b"'jump'"), (["help", "jump"], 2, b"'jump'"), (["tour", "x"], 2, b"'x'"), ([], 2, b"  run ")):
        got, out, err = await ptyexec(*words)
        assert (got, out) == (status, b"") and text in err, (words, got, out, err)
    for words in (["--help"], ["help"], ["-h"]):
        status, out, err = await ptyexec(*words)
        assert (status, err) == (0, b"") and b"  run " in out and b"  tour " in out
    for words in (["help", "run"], ["run", "--help"]):
        status, out, err = await ptyexec(*words)
        assert (status, err) == (0, b"") and b"--timeout" in out
        assert all(len(one) <= 100 for one in out.splitlines())
    status, out, _ = await ptyexec("--version")
    assert status == 0 and out.startswith(b"ptyexec ")


async def test_no_server(t):
    """A server that is not there, ends at once or is none: 125, and it is named."""
    for path, text in (("/no/such/server", b"cannot start"), ("/bin/false", b"status 1"), ("/bin/echo", b"no ptyexec server")):
        status, out, err = await run("-T", "true", env={**os.environ, "PTYEXECD": path})
        assert (status, out) == (125, b"") and text in err and path.encode() in err, err


async def test_server_beside(t):
    """Without PTYEXECD it is the server beside the binary, or the one in PATH."""
    folder = t.folder()
    env = {name: value for name, value in os.environ.items() if name != "PTYEXECD"}
    os.mkdir(folder + "/bin")
    os.symlink(os.environ["PTYEXECD"], folder + "/bin/ptyexecd")
    copy = folder + "/ptyexec"
    with open(program(), "rb") as source, open(copy, "wb") as to:
        to.write(source.read())
    os.chmod(copy, 0o700)
    process = await spawn(copy, "run", "-T", "echo", "hi", stdout=PIPE, env={**env, "PATH": folder + "/bin:" + env["PATH"]})
    assert (await within(process.communicate(), "output"))[0] == b"hi\n"
    assert await finish(process) == 0
    os.rename(folder + "/bin/ptyexecd", folder + "/ptyexecd")
    process = await spawn(copy, "run", "-T", "echo", "hi", stdout=PIPE, env=env)
    assert (await within(process.communicate(), "output"))[0] == b"hi\n"
    assert await finish(process) == 0


async def test_server_dies(t):
    """A server that is lost on the way: 125, at once."""
    async with running("-T", child(), "ignore-term") as process:
        assert await line(process) == "ready"
        server, = children(process.pid)
        os.kill(server, signal.SIGKILL)
        err = await within(process.stderr.read(), "message")
        assert b"lost" in err, err
        status = await within(ended(process), "end of ptyexec")
        assert status == 125, status
    # What the server cannot end any more has become ours.
    for pid in children(os.getpid()):
        os.kill(pid, signal.SIGKILL)
    await nothing_left()


async def test_broken_pipe(t):
    """A reader that leaves ends it all, without a word."""
    async with running("-T", "yes") as process:
        assert await line(process) == "y"
        process.stdout._transport.close()
        assert await within(process.stderr.read(), "end of stderr") == b""
        assert await finish(process) == -SIGPIPE
    shell = await spawn("/bin/bash", "-c", '"$0" run -t yes | head -n 1; echo ${PIPESTATUS[0]}', program(),
                        stdin=subprocess.DEVNULL, stdout=PIPE, stderr=PIPE)
    out, err = await within(shell.communicate(), "end of a pipeline")
    assert (out, err) == (b"y\r\n141\n", b"")
    assert await finish(shell) == 0


async def test_background_grandchild(t):
    """Who still has the streams when the program ends does not hold us up."""
    for how in ("-T", "-t"):
        status, out, err = await run(how, child(), "hold-output", "-")
        assert (status, err) == (0, b""), err
    status, out, _ = await run("-T", "sh", "-c", "sleep 1000 & echo started; exit 4")
    assert (status, out) == (4, b"started\n")


async def test_timeout(t):
    """124, as timeout(1) has it."""
    status, out, err = await run("-T", "--timeout", "0.1", child(), "spin")
    assert (status, out) == (124, b"") and b"time" in err, err
    assert await run("-T", "--timeout", "1000", "true") == (0, b"", b"")


async def test_signals_are_passed_on(t):
    """A first signal is the program's, a second ends it in order."""
    for first in ("INT", "QUIT", "TERM", "USR1", "USR2"):
        async with running("-T", child(), "signals") as process:
            assert await line(process) == "ready"
            send_signal(process, getattr(signal, "SIG" + first))
            assert await line(process) == first
            if first != "TERM":
                send_signal(process, signal.SIGTERM)
                assert await line(process) == "TERM"
            assert await finish(process) == 3


async def test_stubborn_program(t):
    """A program that ignores the first is terminated by the second, killed by the third."""
    async with running("-T", child(), "ignore-term") as process:
        assert await line(process) == "ready"
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
            send_signal(process, number)
        assert await finish(process) == 128 + signal.SIGKILL


async def test_hangup(t):
    """SIGHUP is the end, of the program too."""
    async with running("-T", child(), "signals", int(signal.SIGTERM)) as process:
        assert await line(process) == "ready"
        send_signal(process, signal.SIGHUP)
        assert await line(process) == "TERM"
        assert await finish(process) == 3


async def test_ignored_signals(t):
    """What was ignored when we were started, as by nohup(1), stays so."""
    def ignore():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async with running("-T", child(), "signals", preexec_fn=ignore) as process:
        assert await line(process) == "ready"
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            send_signal(process, number)
        assert await line(process) == "USR1"
        send_signal(process, signal.SIGTERM)
        assert await line(process) == "TERM"
        assert await finish(process) == 3


async def test_signal_while_output_is_stuck(t):
    """Nobody reads our output, and signals get through all the same."""
    async with running("-T", "yes") as process:
        assert await line(process) == "y"
        process.stdout._transport.pause_reading()
        server, = children(process.pid)
        fd = os.pidfd_open(named("yes", children(server)))
        send_signal(process, signal.SIGINT)
        gone = await asyncio.to_thread(select.select, [fd], [], [], SECONDS * SCALE)
        os.close(fd)
        assert gone[0], "the program did not get SIGINT"
        process.stdout._transport.resume_reading()
        out = await within(process.stdout.read(), "the rest of the output")
        assert out.replace(b"y\n", b"") in (b"", b"y")
        assert await finish(process) == 128 + signal.SIGINT


async def test_stop_and_continue(t):
    """Asleep, ptyexec leaves a usable terminal; awake, it goes on."""
    desk = await Desk.sit("run", "-t", child(), "echo-lines")
    await desk.shows(b"ready")
    assert desk.is_raw()
    send_signal(desk.process, signal.SIGTSTP)
    stopped = await asyncio.to_thread(os.waitid, os.P_PID, desk.process.pid, os.WSTOPPED)
    assert stopped.si_status == signal.SIGSTOP
    assert termios.tcgetattr(desk.master) == desk.before
    send_signal(desk.process, signal.SIGCONT)
    desk.types(b"hello\r")
    await desk.shows(b"echo:hello")
    desk.types(b"\x04")
    assert await desk.leave() == 0

    async with running("-T", child(), "echo-lines") as process:
        assert await line(process) == "ready"
        send_signal(process, signal.SIGTSTP)
        await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WSTOPPED)
        send_signal(process, signal.SIGCONT)
        process.stdin.write(b"on\n")
        assert await line(process) == "echo:on"
        process.stdin.close()
        assert await finish(process) == 0


async def test_killed(t):
    """Even when ptyexec has no chance to say so, its server and program end with it."""
    async with running("-T", child(), "tree", 2) as process:
        while await line(process) != "ready":
            pass
        send_signal(process, signal.SIGKILL)
        assert await finish(process) == -signal.SIGKILL


async def test_terminal(t):
    """At a terminal the program has one too, of the same size, and ours is raw as long as it runs."""
    desk = await Desk.sit("run", "sh", "-c", "stty size; tty; read x; echo got $x; exit 5", rows=42, cols=133)
    await desk.shows(b"42 133\r\n/dev/pts/")
    assert desk.is_raw()
    desk.types(b"this\r")
    await desk.shows(b"got this\r\n")
    assert await desk.leave() == 5
    # Typed once, echoed once: by the program's terminal, not by ours.
    assert desk.seen.count(b"this") == 2, bytes(desk.seen)


async def test_window_size(t):
    """A new size reaches the program."""
    desk = await Desk.sit("run", "-t", child(), "size", rows=11, cols=22)
    await desk.shows(b"11x22\r\n")
    for rows, cols in ((33, 44), (1, 1), (500, 600)):
        desk.resize(rows, cols)
        await desk.shows(b"%dx%d\r\n" % (rows, cols))
    desk.types(b"\x03")
    assert await desk.leave() == 128 + signal.SIGINT


async def test_size_without_terminal(t):
    """Without a terminal: LINES and COLUMNS, or 24 x 80."""
    env = {name: value for name, value in os.environ.items() if name not in ("LINES", "COLUMNS")}
    for more, expected in (({}, b"24 80"), ({"LINES": "7", "COLUMNS": "33"}, b"7 33"), ({"LINES": "0", "COLUMNS": "x"}, b"24 80")):
        status, out, _ = await run("-t", "stty", "size", env={**env, **more})
        assert (status, out) == (0, expected + b"\r\n"), out


async def test_terminal_and_pipes(t):
    """-T at a terminal leaves it alone; ^C there is a signal."""
    desk = await Desk.sit("run", "-T", child(), "signals")
    await desk.shows(b"ready")
    assert not desk.is_raw()
    desk.types(b"\x03")
    await desk.shows(b"INT")
    send_signal(desk.process, signal.SIGTERM)
    await desk.shows(b"TERM")
    assert await desk.leave() == 3


async def test_typed_characters(t):
    """Every byte that is typed is the program's: ^C and ^\\ come to it as signals of its own terminal, ^D ends its input."""
    desk = await Desk.sit("run", "-t", child(), "signals")
    await desk.shows(b"ready")
    desk.types(b"\x03")
    await desk.shows(b"INT\r\n")
    desk.types(b"\x1c")
    await desk.shows(b"QUIT\r\n")
    send_signal(desk.process, signal.SIGTERM)
    await desk.shows(b"TERM\r\n")
    assert await desk.leave() == 3

    desk = await Desk.sit("run", "-t", child(), "raw-echo")
    await desk.shows(b"ready")
    desk.types(bytes(range(1, 256)))
    await desk.shows(bytes(range(1, 256)))
    send_signal(desk.process, signal.SIGTERM)
    await desk.leave()


async def test_terminal_is_restored(t):
    """Whatever ends us, the terminal is as it was."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGALRM):
        desk = await Desk.sit("run", "-t", child(), "echo-lines")
        await desk.shows(b"ready")
        assert desk.is_raw()
        send_signal(desk.process, number)
        assert await desk.leave() in (128 + signal.SIGTERM, 128 + signal.SIGHUP), number
    desk = await Desk.sit("run", "-t", "no-such-program")
    assert await desk.leave() == 127
    desk = await Desk.sit("run", "-t", child(), "ignore-term")
    await desk.shows(b"ready")
    server, = children(desk.process.pid)
    os.kill(server, signal.SIGKILL)
    status = await within(ended(desk.process), "end of ptyexec")
    assert status == 125
    for pid in children(os.getpid()):
        os.kill(pid, signal.SIGKILL)
    assert await desk.leave() == 125


async def test_interrupt_under_flood(t):
    """^C stops a program that writes as fast as it can."""
    desk = await Desk.sit("run", "-t", "yes", "flood")
    await desk.shows(b"flood\r\n" * 1000)
    desk.types(b"\x03")
    assert await desk.leave() == 128 + signal.SIGINT


async def test_end_of_input(t):
    """The end of our input is the end of the program's, on a terminal too, be it inside a line."""
    for data, echoed in ((b"", b""), (b"line\n", b"line\r\nline\r\n"), (b"part", b"partpart")):
        assert await run("-t", "cat", stdin=data) == (0, echoed, b""), data
        assert await run("-T", "cat", stdin=data) == (0, data, b"")
    # A program that does not care for its input.
    assert await run("-T", "true", stdin=bytes(1_000_000)) == (0, b"", b"")


async def test_closed_descriptors(t):
    """Standard streams that are not there are no place for other files."""
    async def shell(script):
        process = await spawn("/bin/sh", "-c", script, program(), stdin=PIPE, stdout=PIPE, stderr=PIPE)
        out, err = await within(process.communicate(), "end of a shell")
        return await finish(process), out, err

    assert await shell('exec "$0" run -T sh -c "cat; exit 3" <&-') == (3, b"", b"")
    assert await shell('exec "$0" run -T true >&-') == (0, b"", b"")
    assert await shell('exec "$0" run -T true <&- >&- 2>&-') == (0, b"", b"")
    status, _, err = await shell('exec "$0" run -T echo hi >&-')
    assert status == 125 and b"standard output" in err, err


async def test_output_file(t):
    """Into one file, stdout and stderr do not overwrite each other."""
    path = t.folder() + "/out"
    with open(path, "wb") as f:
        process = await spawn(program(), "run", "-T", child(), "both", "1000", stdin=subprocess.DEVNULL, stdout=f, stderr=f)
        assert await finish(process) == 0
    assert os.path.getsize(path) == len((await run("-T", child(), "both", 1000))[1]) * 2


async def test_tour(t):
    """The tour shows what it says, in 80 columns."""
    status, out, err = await ptyexec("tour")
    assert (status, err) == (0, b""), err
    text = out.decode()
    assert all(len(one) <= 80 for one in text.splitlines()), text
    for part in ("process/start", "process/write", "process/wait", "process/snapshot", "process/terminate", "process/exited",
                 "6 x 7 = 42", "/dev/pts/", "exitCode 3", "hello world", "bytes are missing", ",20000", "reason: match",
                 "reason: idle", "signal TERM, cause client"):
        assert part in text, part


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
