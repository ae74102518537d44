#!/usr/bin/python3
"""The examples: each is compiled against the installed library, as its reader would, and does what it says."""

import asyncio
import contextlib
import os
import re
import sys

from installed import PIPE, SOURCE, installed, run

from px import tap
from px.deadline import within
from px.server import ended, spawn

COMPILER = ["cc", "-std=gnu11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
NEEDS = {"libevent_loop": ["libevent_core"], "libuv_loop": ["libuv"]}


async def begin(t, name, *words):
    """Compiles and starts one."""
    tree = await installed()
    program = f"{t.folder()}/{name}"
    await tree.compile(COMPILER, SOURCE / "examples" / f"{name}.c", program, packages=NEEDS.get(name, ()))
    return await spawn(program, *words, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=tree.env)


async def finish(process, stdin=b""):
    """Runs it to its end: (status, stdout, stderr)."""
    process.stdin.write(stdin)
    process.stdin.close()
    out, err = await within(asyncio.gather(process.stdout.read(), process.stderr.read()), "output of an example")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await process.stdin.wait_closed()  # nobody has to have read all of it
    return await ended(process), out.decode(), err.decode()


async def example(t, name, *words, stdin=b""):
    return await finish(await begin(t, name, *words), stdin)


async def test_embed(t):
    """Ten lines: a program on a terminal of this process's own server."""
    status, out, err = await example(t, "embed")
    assert status == 0 and re.fullmatch(r"/dev/pts/\d+\r\n24 80\r\nexit status 3\n", out), (status, out, err)


async def test_readme(t):
    """What README.md shows compiles as it stands, and runs."""
    tree = await installed()
    shown = re.search(r"```c\n(.*?)```", (SOURCE / "README.md").read_text(), re.DOTALL)[1]
    include, _, body = shown.partition("\n\n")
    source, program = f"{t.folder()}/readme.c", f"{t.folder()}/readme"
    with open(source, "w", encoding="utf-8") as file:
        file.write(f"#include <err.h>\n#include <stdio.h>\n{include}\nint main(void) {{\n{body}return 0; }}\n")
    await tree.compile(COMPILER, source, program)
    assert await run(program, env=tree.env) == "Linux\r\nstatus 0, ended by self\n"


async def test_remote(t):
    """Output comes from a server elsewhere, over each transport, and the status is the program's."""
    server = await t.server(listen=("unix", "ws"))
    for scheme in ("unix", "ws"):
        done = await example(t, "remote", server.url(scheme), "sh", "-c", "echo out; echo err >&2; exit 9")
        assert done == (9, "out\n", "err\n"), done


async def test_remote_refused(t):
    """It says why when there is no server, and when there is no such program."""
    status, _, err = await example(t, "remote", f"unix://{t.folder()}/nobody", "true")
    assert status == 125 and "nobody" in err, err
    server = await t.server()
    status, _, err = await example(t, "remote", server.url("unix"), "no-such-program")
    assert status == 125 and "no-such-program" in err, err


async def test_agent(t):
    """Turns: much output is cut, a question gets the next line, the end is told."""
    script = 'seq 3000; printf "sure? "; read a; printf "[$a] how many? "; read b; echo "then $b"; exit 6'
    status, out, err = await example(t, "agent", "2000", "sh", "-c", script, stdin=b"yes\n42\n")
    assert status == 0, err
    found = re.fullmatch(
        r"1\r\n2\r\n.*\n\[(\d+) bytes left out\]\n.*3000\r\nsure\? \n\[still running\]\n"
        r"yes\r\n\[yes\] how many\? \n\[still running\]\n42\r\nthen 42\r\n\n\[exit status 6\]\n", out, re.DOTALL)
    assert found, out
    assert int(found[1]) == len("".join(f"{n}\r\n" for n in range(1, 3001)) + "sure? ") - 4000, found[1]


async def test_agent_ends_it(t):
    """When nobody has a line for it, a command that waits is ended."""
    status, out, err = await example(t, "agent", "50", "cat")
    assert (status, out) == (0, "\n[still running]\n\n[exit status 143]\n"), (status, out, err)


async def test_poll_loop(t):
    """Input and output, both large, pass through one loop; the streams stay apart."""
    text = "".join(f"{n}\n" for n in range(200_000))
    done = await example(t, "poll_loop", "sh", "-c", "cat; echo err >&2; exit 4", stdin=text.encode())
    assert done == (4, text, "err\n"), (done[0], len(done[1]), done[2])


async def test_poll_loop_unwanted_input(t):
    """A program that takes no more input ends with its own status."""
    done = await example(t, "poll_loop", "head", "-n1", stdin=b"first\n" * 100_000)
    assert done == (0, "first\n", ""), done


async def foreign_loop(t, name):
    """The program goes on only after the loop's timer has been heard of."""
    gate = f"{t.folder()}/gate"
    os.mkfifo(gate)
    process = await begin(t, name, "sh", "-c", 'echo begun; read line <"$0"; echo $line; exit 5', gate)
    line = await within(process.stderr.readline(), "line of the timer")
    assert line == b"a second has passed\n", line
    with open(os.open(gate, os.O_RDWR), "wb") as file:
        file.write(b"done\n")
        file.flush()
        status, out, _ = await finish(process)
    assert (status, out) == (5, "begun\ndone\n"), (status, out)
    status, out, err = await example(t, name, "no-such-program")
    assert (status, out) == (125, "") and "no-such-program" in err, (status, out, err)


async def test_libevent_loop(t):
    """The client and a timer share libevent's loop."""
    await foreign_loop(t, "libevent_loop")


async def test_libuv_loop(t):
    """The client and a timer share libuv's loop."""
    await foreign_loop(t, "libuv_loop")


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
