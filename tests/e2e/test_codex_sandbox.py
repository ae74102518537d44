#!/usr/bin/python3
"""Programs in the sandboxes of the dialect codex are otherwise as ever, and run there or not at all."""

import asyncio
import contextlib
import json
import os
import shutil
import sys

from sandboxes import GUARDED, PATH, ROOT, Client, place, sandbox, uri
from support import Watched, b64, child, descriptors, refused

from px import tap
from px.conn import RpcError
from px.tap import deadline

# A program in a sandbox is as it would be outside


@deadline(60)
async def test_what_a_program_finds(t):
    """Its own session, default signals, its environment and descriptors and no others; no power at all."""
    client = await Client.new(t)
    done = await client.python(
        "import os, json\n"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status').read().splitlines())\n"
        "print(json.dumps({'env': dict(os.environ), 'leads': os.getpid() == os.getsid(0) == os.getpgid(0),\n"
        "  'fds': sorted(os.listdir('/proc/self/fd'))[:3], 'more': len(os.listdir('/proc/self/fd')),\n"
        "  'pids': sorted(int(p) for p in os.listdir('/proc') if p.isdigit()),\n"
        "  **{k: status[k].split()[0] for k in ('SigIgn', 'SigBlk', 'CapEff', 'CapPrm', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp')}}))",
        env={"A": "1", "LD_PRELOAD": "", "B": "x=y"})
    assert done.code == 0 and not done.denied, done.text()
    found = json.loads(done.text("stdout"))
    env = found.pop("env")
    env.pop("LC_CTYPE", None)  # Python's own
    assert env == {"PATH": PATH, "A": "1", "LD_PRELOAD": "", "B": "x=y"}, env
    zero = "0" * 16
    # The listing itself is the fourth descriptor; Python ignores SIGPIPE and SIGXFSZ.
    assert found == {"leads": True, "fds": ["0", "1", "2"], "more": 4, "pids": [1, 2], "SigBlk": zero,
                     "SigIgn": "0000000001001000", "CapEff": zero, "CapPrm": zero, "CapBnd": zero, "CapAmb": zero,
                     "NoNewPrivs": "1", "Seccomp": "2"}, found


@deadline(60)
async def test_nothing_of_the_client_reaches_bubblewrap(t):
    """A library that the environment names is loaded in the sandbox or nowhere."""
    client = await Client.new(t)
    done = await client.shell("echo ok", env={"LD_PRELOAD": client.path("none.so"), "LD_DEBUG": "files"})
    assert "bwrap" not in done.text() and "ok" in done.text(), done.text()


@deadline(60)
async def test_starts_that_fail(t):
    """The same errors as without a sandbox, by their words."""
    client = await Client.new(t)
    plain = client.make("plain", "no program")
    broken = client.make("broken", "#!/no/such/interpreter\n")
    os.chmod(broken, 0o755)
    for argv, cwd in ((["no-such-program"], "/"), ([plain], "/"), ([broken], "/"), (["/"], "/"), (["true"], "/no/such"),
                      (["true"], plain)):
        said = []
        for box in (None, True):
            for tty in (False, True):
                try:
                    await client.run(*argv, cwd=cwd, box=box, tty=tty)
                except RpcError as error:
                    said.append((error.code, str(error), json.dumps(error.data, sort_keys=True)))
        assert len(said) == 4 and len(set(said)) == 1, said
    # The ids are free, and nothing is left.
    assert (await client.run("true")).code == 0
    await client.vanish(*GUARDED)


@deadline(60)
async def test_ends(t):
    """Exit codes, signals and arg0."""
    client = await Client.new(t)
    for tty in (False, True):
        for script, code in (("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -TERM $$", 143), ("kill -KILL $$", 137),
                             ("kill -SEGV $$", 139)):
            done = await client.shell(script, tty=tty)
            assert done.code == code, (script, tty, done.code)
        done = await client.run("/bin/sh", "-c", "cat /proc/$$/cmdline", tty=tty, arg0="other")
        assert done.text().startswith("other\0-c\0"), done.text()


@deadline(60)
async def test_streams(t):
    """Standard input, output and error are the program's own, to the last byte."""
    client = await Client.new(t)
    name = await client.begin("/bin/sh", "-c", "echo no >&2; exec cat", pipeStdin=True)
    for i in range(20):
        await client.conn.request("process/write", {"processId": name, "chunk": b64(b"x" * 1000), "writeId": str(i)})
    name2 = await client.begin(child(), "spew", str(3 << 20))
    assert len((await client.end(name2)).streams["stdout"]) == 3 << 20
    await client.conn.request("process/terminate", {"processId": name})
    done = await client.end(name)
    assert done.text("stderr") == "no\n" and done.code == 137, (done.streams, done.code)
    # One that closes its input is seen to have done so: nobody else holds it.
    name = await client.begin("/bin/sh", "-c", "exec <&-; echo closed; sleep 1000", pipeStdin=True)
    await client.until(name, "closed")
    big = {"processId": name, "chunk": b64(b"x" * (1 << 20)), "writeId": "big"}
    assert await client.conn.request("process/write", big) == {"status": "accepted"}
    await client.conn.request("process/terminate", {"processId": name})


@deadline(60)
async def test_terminal(t):
    """It has a name, job control works, programs can make more of them."""
    client = await Client.new(t)
    done = await client.run(
        "/bin/bash", "-c",
        "tty; stty size; set -m; sleep 0.01 & fg %1 >/dev/null && echo fg; ps -o pid=,pgid=,sid=,tpgid= -p $$ | tr -s ' '; "
        "script -qec 'tty; stty size' /dev/null; echo >/dev/tty tty", tty=True, env={"SHELL": "/bin/sh"})
    lines = done.text().replace("\r", "").splitlines()
    assert lines[0] == "/dev/console" and lines[1] == "24 80" and lines[2] == "fg" and lines[-1] == "tty", lines
    assert lines[3].split()[:3] == ["2", "2", "2"], lines
    assert lines[4] == "/dev/pts/0", lines


@deadline(60)
async def test_interrupt(t):
    """^C and "interrupt" reach the program and nobody who keeps it; it does not begin deaf to them."""
    client = await Client.new(t)
    for tty in (False, True):
        for by_key in (False, True)[: 1 + tty]:
            for script, code, said in (("echo ready; while :; do sleep 0.01; done", 130, ""),
                                       ("trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.01; done", 7, "caught")):
                name = await client.begin("/bin/sh", "-c", script, tty=tty)
                await client.until(name, "ready")
                if by_key:
                    await client.conn.request("process/write", {"processId": name, "chunk": b64(b"\x03"), "writeId": "1"})
                else:
                    await client.conn.request("process/signal", {"processId": name, "signal": "interrupt"})
                done = await client.end(name)
                assert done.code == code and said in done.text(), (tty, by_key, done.code, done.text())
    # Also one that is asked for before the sandbox is there.
    await client.conn.ask("process/start", {"processId": "early", "argv": ["sleep", "1000"], "cwd": "file:///", "tty": False,
                                            "env": {"PATH": PATH}, "sandbox": sandbox(client.folder)})
    await client.conn.request("process/signal", {"processId": "early", "signal": "interrupt"})
    assert (await client.end("early")).code == 130


@deadline(60)
async def test_stop_and_go_on(t):
    """^Z is the shell's to handle, and what it stopped goes on."""
    client = await Client.new(t)
    name = await client.begin("/bin/bash", "--norc", "-i", tty=True, env={"PS1": "$ ", "HISTFILE": ""})

    async def type_in(text):
        client.n += 1
        await client.conn.request("process/write", {"processId": name, "chunk": b64(text.encode()), "writeId": str(client.n)})

    await type_in("sh -c 'echo rea\"\"dy; exec cat'\n")
    await client.until(name, "ready")
    await type_in("\x1a")
    await client.until(name, "Stopped")
    await type_in("kill -KILL %1; fg; echo st''ill here\n")
    await client.until(name, "still here")
    await type_in("exit 5\n")
    assert (await client.end(name)).code == 5


# The end of all of it


def alive(word):
    """Processes with this word in their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as f:
            if word.encode() in f.read():
                found.append(int(pid))
    return found


async def ended(word):
    """Waits until there are none of them."""
    while left := Watched.all(alive(word)):
        for one in left:
            await one.gone()


SPREAD = "trap '' TERM INT HUP; setsid sh -c 'setsid sleep {0} & (sleep {0} &) ; sleep {0}' & sleep {0} & echo ready; sleep {0}"


@deadline(60)
async def test_terminate(t):
    """The whole tree ends, wherever it has gone, and so does what a program leaves behind."""
    client = await Client.new(t)
    for flags, tty in (((), False), ((), True), (("--codex-terminate-group-only",), False)):
        client = await Client.new(t, *flags)
        word = f"1000.{client.server.process.pid}{int(tty)}"
        name = await client.begin("/bin/sh", "-c", SPREAD.format(word), tty=tty)
        await client.until(name, "ready")
        assert await client.conn.request("process/terminate", {"processId": name}) == {"running": True}
        assert (await client.end(name)).code == 137
        await ended(word)
        done = await client.shell(f"sleep {word} >&- 2>&- & (setsid sleep {word} &); echo ready")
        assert done.code == 0
        await ended(word)
        await client.vanish(*GUARDED)


@deadline(60)
async def test_server_killed(t):
    """kill -9 of the server leaves no program; directories that it has left are cleared by the next."""
    client = await Client.new(t)
    word = f"1000.{client.server.process.pid}"
    name = await client.begin("/bin/sh", "-c", SPREAD.format(word))
    await client.until(name, "ready")
    assert alive(word)
    await client.server.kill()
    await ended(word)
    assert os.path.isdir(client.path(".git"))
    second = await Client.new(t)
    assert (await second.run("true", box=sandbox(client.folder))).code == 0
    await client.vanish(*GUARDED)


@deadline(60)
async def test_session_ends(t):
    """A program that asks for time when its session ends has it, sandbox or not."""
    client = await Client.new(t, "--detach-ttl-ms", "1")
    marker = client.path("marker")
    name = await client.begin("/bin/sh", "-c", f"trap 'echo over >{marker}; exit' TERM; echo ready; while :; do sleep 0.01; done")
    await client.until(name, "ready")
    await client.conn.cut()
    while not os.path.exists(marker) or not os.path.getsize(marker):
        await asyncio.sleep(0.01)
    await client.vanish(*GUARDED)


@deadline(120)
async def test_nothing_adds_up(t):
    """Descriptors and children of the server after many starts, good and bad, and of clients that go meanwhile."""
    client = await Client.new(t, "--detach-ttl-ms", "1")
    pid = client.server.process.pid
    await client.run("true")
    before = len(descriptors(pid))
    for _ in range(5):
        await asyncio.gather(*(client.run("true", tty=bool(i % 2)) for i in range(4)))
        async with refused("spawnFailed"):
            await client.run("no-such-program")
    other = await client.server.connect("unix")
    await other.initialize_codex()
    for i in range(5):
        await other.ask("process/start", {"processId": str(i), "argv": ["true"], "cwd": "file:///", "env": {"PATH": PATH},
                                          "tty": False, "sandbox": sandbox(client.folder)})
    await other.cut()
    await client.vanish(*GUARDED)
    while len(descriptors(pid)) > before:
        await asyncio.sleep(0.01)
    await client.server.stop()
    assert not any(os.path.lexists(client.path(name)) for name in GUARDED)


@deadline(60)
async def test_the_loop_goes_on(t):
    """While a sandbox takes its time to be made, others are answered; what was sent behind the start waits for nothing."""
    bwrap, gate = slow_bwrap(t)
    client = await Client.new(t, "--bwrap", bwrap)
    started = await client.conn.ask("process/start", {
        "processId": "slow", "argv": ["cat"], "cwd": "file:///", "env": {"PATH": PATH}, "tty": False, "pipeStdin": True,
        "sandbox": sandbox(client.folder)})
    write = {"processId": "slow", "chunk": b64(b"early\n"), "writeId": "1"}
    assert await client.conn.request("process/write", write) == {"status": "accepted"}
    assert (await client.run("true", box=None)).code == 0
    async with refused("sessionExists"):
        await client.conn.request("process/start", {"processId": "slow", "argv": ["true"], "cwd": "file:///", "env": {}, "tty": False})
    with open(gate, "w"):
        pass
    assert "result" in await started
    assert await client.until("slow", "early") == "early\n"


def slow_bwrap(t):
    """A bubblewrap that begins when a file is there; both paths."""
    folder = t.folder()
    path, gate = os.path.join(folder, "bwrap"), os.path.join(folder, "gate")
    with open(path, "w") as f:
        f.write(f"#!/bin/sh\nwhile [ ! -e {gate} ]; do /bin/sleep 0.01; done\nexec {shutil.which('bwrap')} \"$@\"\n")
    os.chmod(path, 0o755)
    return path, gate


# Without a sandbox there is no start


@deadline(60)
async def test_bubblewrap_fails(t):
    """Nothing runs without the sandbox that was asked for: not when there is none, not when it lies."""

    def script(text):
        path = os.path.join(t.folder(), "bwrap")
        with open(path, "w") as f:
            f.write(f"#!/bin/sh\n{text}\n")
        os.chmod(path, 0o755)
        return path

    for text, words in (("echo 'bwrap: Can not mount this' >&2; exit 1", "Can not mount this"),
                        ("exit 0", "without a word"), ("kill -9 $$", "without a word"),
                        ("exec >&- 2>&- 3>&- 4>&- 5>&- 6>&- 7>&-; exec sleep 1000", "without a word")):
        for tty in (False, True):
            client = await Client.new(t, "--bwrap", script(text))
            async with refused("spawnFailed", -32603) as error:
                await client.run("touch", client.path("made"), tty=tty)
            assert words in error["message"] and error["step"] == "sandbox", error
            assert not os.path.exists(client.path("made"))
            assert (await client.run("true", box=None)).code == 0
    for path in ("/no/such/bwrap", "no-such-bwrap"):
        client = await Client.new(t, "--bwrap", path)
        async with refused("spawnFailed", -32603) as error:
            await client.run("true")
        assert error["message"] == f"cannot make a sandbox for 'true': cannot run '{path}': No such file or directory", error
        assert (error["step"], error["path"], error["errno"]) == ("sandbox", "true", "ENOENT"), error
    client = await Client.new(t, env=dict(os.environ, PATH="/no/such"))
    async with refused("forbidden", -32603) as error:
        await client.run("true")
    assert "bubblewrap" in error["message"], error
    # Files need none.
    await client.fs("writeFile", path=uri(client.path("f")), dataBase64="")


@deadline(60)
async def test_exchanged_meanwhile(t):
    """What is exchanged between the look at a path and its mounting makes the start fail, whichever way round."""
    for before, after in (
            # The whole of it leads elsewhere.
            ("mv w w2; ln -s victim w", ""),
            ("mv w w2; mkdir w", ""),
            # It leads elsewhere while the mounts are made, and is back when somebody looks.
            ("mv w w2; ln -s victim w", "rm w; mv w2 w"),
            ("mv w/a w/a2; ln -s ../victim w/a", "rm w/a; mv w/a2 w/a"),
            # It is back, and closed to whoever looks, until that is over.
            ("mv w/a w/a2; ln -s ../victim w/a", "rm w/a; mv w/a2 w/a; chmod 0 w")):
        bwrap = os.path.join(t.folder(), "bwrap")
        top = os.path.realpath(t.folder())
        back = f"{top}/back"
        with open(bwrap, "w") as f:
            # The second half is done from outside, when ptyexec-enter's place is taken by a program that waits for it.
            f.write(f"#!/bin/sh\ncd {top}; {before}\n[ -z '{after}' ] && exec {shutil.which('bwrap')} \"$@\"\n"
                    f"exec {shutil.which('bwrap')} --args 3 -- /bin/sh -c 'while [ ! -e {back} ]; do sleep 0.01; done; "
                    f"exec /proc/self/fd/5' 2>&2 &\n"
                    f"sleep 0.3; {after or ':'}; touch {back}; wait $!\n")
        os.chmod(bwrap, 0o755)
        for name in ("w/a/keep", "victim/keep"):
            os.makedirs(os.path.join(top, name))
        client = await Client.new(t, "--bwrap", bwrap)
        box = sandbox(client.folder, ROOT, place(top + "/w", "write"), place(top + "/w/a/keep", "read"))
        async with refused("spawnFailed", -32603) as error:
            await client.run("touch", top + "/victim/bad", box=box)
        assert error["step"] == "sandbox", error
        assert os.listdir(top + "/victim") == ["keep"]


@deadline(60)
async def test_denied(t):
    """A failure that looks like the sandbox's is told as such, in process/read too."""
    client = await Client.new(t)
    for script, denied in (("echo >/etc/px-new", True), ("exit 1", False), ("echo >/etc/px-new; exit 0", False),
                           ("kill -SYS $$", True), ("echo Permission denied; exit 2", True)):
        for tty in (False, True):
            name = await client.begin("/bin/sh", "-c", script, tty=tty)
            done = await client.end(name)
            assert done.denied is denied, (script, tty, done.code, done.text())
            read = await client.conn.request("process/read", {"processId": name})
            assert read["sandboxDenied"] is denied and read["exited"], read
    # Nothing was in the way of one that has no sandbox.
    assert (await client.shell("echo permission denied; exit 1", box=None)).denied is False
    # The word may be far back, but not farther than the output that is looked at.
    for size, denied in ((500_000, True), (3_000_000, False)):
        done = await client.shell(f"echo permission denied; head -c {size} /dev/zero; exit 1")
        assert done.denied is denied, size


@deadline(60)
async def test_two_at_once(t):
    """What stands for a missing directory stays while anyone needs it, also anyone of another server."""
    client, other = await Client.new(t), await Client.new(t)
    first = await client.begin("sleep", "1000")
    box = sandbox(client.folder)
    assert (await client.run("true")).code == 0
    for keeper in (client, other):
        second = await keeper.begin("/bin/sh", "-c", "echo ready; read x; mkdir .git && echo made; cat", box=box,
                                    cwd=client.folder, pipeStdin=True)
        await keeper.until(second, "ready")
        await client.conn.request("process/terminate", {"processId": first})
        await client.end(first)
        # The first one's are given up when its tree is gone for sure; a third start and end comes behind that.
        assert (await client.run("true")).code == 0
        await keeper.conn.request("process/write", {"processId": second, "chunk": b64(b"go\n"), "writeId": "1"})
        assert "File exists" in await keeper.until(second, "exists"), "made"
        await keeper.conn.request("process/terminate", {"processId": second})
        await keeper.end(second)
        first = await client.begin("sleep", "1000")
    await client.conn.request("process/terminate", {"processId": first})
    await client.vanish(*GUARDED)


if __name__ == "__main__":
    sys.exit(tap.main(globals(), jobs=4))
