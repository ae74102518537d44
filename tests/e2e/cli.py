"""Running the command line's binary."""

import asyncio
import contextlib
import os
import select
import signal
import subprocess

from support import within

from px.deadline import SCALE, SECONDS
from px.server import adopted, ended, spawn

PIPE = subprocess.PIPE
SIGPIPE = signal.SIGPIPE

# A shell without job control has what it starts in the background ignore these, and so would all that we start.
for number in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


def program():
    path = os.environ.get("PTYEXEC")
    if not path:
        raise RuntimeError("PTYEXEC must name the command line's binary")
    return os.path.abspath(path)


async def nothing_left():
    """Whatever the command line has started is gone, or on its way."""
    for pid in adopted():
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            fd = os.pidfd_open(pid)
            gone = await asyncio.to_thread(select.select, [fd], [], [], SECONDS * SCALE)
            os.close(fd)
            assert gone[0], f"process {pid} was left"
            os.waitpid(pid, 0)


async def finish(process):
    """Its exit status, or minus the signal that ended it."""
    status = await within(ended(process), "end of ptyexec")
    await nothing_left()
    return status


async def ptyexec(*words, stdin=b"", tidy=True, **options):
    """Runs ptyexec to its end: (status, stdout, stderr). Unless it is to leave something, nothing may be left."""
    process = await spawn(program(), *map(str, words), stdin=PIPE, stdout=PIPE, stderr=PIPE, **options)
    process.stdin.write(stdin)
    process.stdin.close()
    out, err = await within(asyncio.gather(process.stdout.read(), process.stderr.read()), "output of ptyexec")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await process.stdin.wait_closed()  # nobody has to have read all of it
    status = await (finish(process) if tidy else within(ended(process), "end of ptyexec"))
    return status, out, err


def ended_by(number):
    """What wait() says of a process that a signal has ended, or that says so in its status as a shell does."""
    return (-number, 128 + number)
