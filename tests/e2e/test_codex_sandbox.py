#!/usr/bin/python3
"""The sandboxes of the dialect codex: what a program can and cannot do in one, and that it is otherwise as ever."""

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import socket
import sys
import urllib.parse

from support import b64, child, descriptors, needs_root, refused, unb64

from px import tap
from px.conn import RpcError
from px.tap import deadline

GUARDED = [".git", ".agents", ".codex", ".aws"]
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def uri(path):
    return "file://" + urllib.parse.quote(os.fsencode(path))


def special(kind, access="write", **value):
    return {"path": {"type": "special", "value": {"kind": kind, **value}}, "access": access}


def place(path, access):
    return {"path": {"type": "path", "path": uri(path)}, "access": access}


ROOT, PROJECT = special("root", "read"), special("project_roots")


def sandbox(folder, *entries, network="restricted", **members):
    """What the CLI sends, with these entries; without any, those of its workspace-write but /tmp."""
    return {"permissions": {"type": "managed", "network": network,
                            "file_system": {"type": "restricted", "entries": list(entries or (ROOT, PROJECT))}},
            "cwd": uri(folder), "workspaceRoots": [uri(folder)], "windowsSandboxLevel": "disabled", **members}


class Done:
    """A process that has closed."""

    def __init__(self):
        self.streams, self.code, self.denied = {}, None, None

    def text(self, *names):
        return "".join(self.streams.get(name, b"").decode(errors="replace") for name in names or ("stdout", "stderr", "pty"))


class Client:
    def __init__(self, conn, folder):
        self.conn, self.folder, self.n = conn, folder, 0

    @classmethod
    async def new(cls, t, *flags, **options):
        """One with a server and a folder of its own; the folder is a workspace."""
        server = await t.server(*flags, listen=("unix",), **options)
        conn = await server.connect("unix")
        await conn.initialize_codex()
        self = cls(conn, os.path.realpath(t.folder()))
        self.server = server
        return self

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def make(self, name, content="x"):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(content)
        return path

    async def begin(self, *argv, box=True, tty=False, cwd=None, env=None, **params):
        """Starts it, by default in a sandbox of the workspace; its id."""
        self.n += 1
        name = f"p{self.n}"
        box = sandbox(self.folder) if box is True else box
        result = await self.conn.request("process/start", {
            "processId": name, "argv": list(argv), "cwd": uri(cwd or self.folder), "env": {"PATH": PATH, **(env or {})},
            "tty": tty, "sandbox": box or None, **params})
        assert result == {"processId": name, "sandboxType": "linuxSeccomp" if box else "none"}, result
        return name

    def event(self, name, method=None):
        """The params of the next event of a process."""
        return self.conn.notification(method, where=lambda params: params["processId"] == name)

    async def end(self, name):
        done = Done()
        while True:
            params = await self.event(name)
            if "chunk" in params:
                done.streams[params["stream"]] = done.streams.get(params["stream"], b"") + unb64(params["chunk"])
            elif "exitCode" in params:
                done.code, done.denied = params["exitCode"], params["sandboxDenied"]
            else:
                return done

    async def until(self, name, text):
        """Its output up to 'text'."""
        seen = b""
        while text.encode() not in seen:
            seen += unb64((await self.event(name, "process/output"))["chunk"])
        return seen.decode(errors="replace")

    async def run(self, *argv, **params):
        return await self.end(await self.begin(*argv, **params))

    async def shell(self, script, **params):
        return await self.run("/bin/sh", "-c", script, **params)

    async def python(self, script, **params):
        return await self.run("/usr/bin/python3", "-c", script, **params)

    async def vanish(self, *names):
        """Waits until these are not in the workspace."""
        while any(os.path.lexists(self.path(name)) for name in names):
            await asyncio.sleep(0.01)

    def fs(self, method, box=True, **params):
        return self.conn.request("fs/" + method, {"sandbox": sandbox(self.folder) if box is True else box, **params})


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
        while alive(word):
            await asyncio.sleep(0.01)
        done = await client.shell(f"sleep {word} >&- 2>&- & (setsid sleep {word} &); echo ready")
        assert done.code == 0
        while alive(word):
            await asyncio.sleep(0.01)
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
    while alive(word):
        await asyncio.sleep(0.01)
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
    client = await Client.new(t)
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
    client = await Client.new(t, "--bwrap", "/no/such/bwrap")
    async with refused("spawnFailed", -32603) as error:
        await client.run("true")
    assert "/no/such/bwrap" in error["message"], error
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
            ("mv w/a w/a2; ln -s ../victim w/a", "rm w/a; mv w/a2 w/a")):
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


# What it cannot do


@deadline(60)
async def test_write_outside(t):
    """By name, by links made inside, by "..", through /proc, by hard links, by exchanging what is above."""
    client = await Client.new(t)
    outside = os.path.realpath(t.folder())
    victim = os.path.join(outside, "victim")
    with open(victim, "w") as f:
        f.write("untouched")
    done = await client.shell(
        f"for p in {victim} {outside}/new ../{os.path.basename(outside)}/new /proc/1/root{victim} /proc/self/root{victim} "
        f"  /proc/self/cwd/../{os.path.basename(outside)}/new /etc/px-new /px-new /usr/px-new; do\n"
        f"  (echo bad >$p) 2>/dev/null && echo wrote $p\n  done\n"
        f"ln -s {victim} l; (echo bad >l) 2>/dev/null && echo wrote through a link\n"
        f"ln -s {outside} d; (echo bad >d/new) 2>/dev/null && echo wrote through a directory\n"
        f"ln {victim} h 2>/dev/null && echo linked\n"
        f"mv {outside} {outside}2 2>/dev/null && echo moved\n"
        f"mv {client.folder} {client.folder}2 2>/dev/null && echo moved the workspace\n"
        f"chmod 777 {victim} 2>/dev/null && echo changed; rm -f {victim} 2>/dev/null && echo removed\n"
        f"touch {victim} 2>/dev/null && echo touched; echo inside >inside; true", env={"PATH": PATH})
    assert done.text("stdout") == "", done.text()
    with open(victim) as f:
        assert f.read() == "untouched"
    assert os.listdir(outside) == ["victim"]
    with open(client.path("inside")) as f:
        assert f.read() == "inside\n"
    info = os.stat(client.path("inside"))
    assert (info.st_uid, info.st_gid) == (os.getuid(), os.getgid())


MOUNTS = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(what, result):
    print(what, 'worked' if result == 0 else os.strerror(ctypes.get_errno()))
def mounts(where):
    call(where + 'remount', libc.mount(None, b'/', None, 32 | 4096, None))
    call(where + 'remount bind', libc.mount(b'none', b'/etc', None, 32 | 4096, None))
    call(where + 'unmount', libc.umount2(os.environ['DENIED'].encode(), 2))
    try:
        open(os.environ['VICTIM'], 'w').write('bad'); print(where + 'write worked')
    except OSError as e:
        pass
mounts('')
if libc.unshare(0x10000000 | 0x20000) == 0:
    mounts('nested ')
for path in os.environ['DENIED'], os.environ['DENIED'] + '/f':
    try:
        print('read worked', os.listdir(path) if os.path.isdir(path) else open(path).read())
    except OSError:
        pass
"""


@deadline(60)
async def test_mounts(t):
    """Nothing that was mounted can be changed or taken away, also not by somebody who is root in a nested namespace."""
    client = await Client.new(t)
    outside = os.path.realpath(t.folder())
    victim = os.path.join(outside, "victim")
    client.make("denied/f", "secret")
    with open(victim, "w"):
        pass
    done = await client.python(MOUNTS, box=sandbox(client.folder, ROOT, PROJECT, place(client.path("denied"), "none")),
                               env={"VICTIM": victim, "DENIED": client.path("denied")})
    assert done.code == 0, done.text()
    assert "worked" not in done.text() and "secret" not in done.text(), done.text()
    assert os.path.getsize(victim) == 0


NETWORK = """
import os, socket, sys
def attempt(what, function):
    try:
        function(); print(what)
    except OSError as e:
        print('no', what, e.strerror, file=sys.stderr)
def to(family, kind, address):
    def go():
        with socket.socket(family, kind) as s:
            s.connect(address)
    return go
U, I = socket.AF_UNIX, socket.AF_INET
attempt('tcp', to(I, socket.SOCK_STREAM, ('127.0.0.1', int(os.environ['PORT']))))
attempt('udp', lambda: socket.socket(I, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9)))
attempt('tcp6', lambda: socket.socket(socket.AF_INET6))
attempt('netlink', lambda: socket.socket(socket.AF_NETLINK))
attempt('packet', lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt('vsock', lambda: socket.socket(socket.AF_VSOCK))
attempt('unix', to(U, socket.SOCK_STREAM, os.environ['SOCK']))
attempt('server', to(U, socket.SOCK_STREAM, os.environ['SERVER']))
attempt('abstract', to(U, socket.SOCK_STREAM, os.environ['ABSTRACT'].replace('@', chr(0))))
attempt('datagram', lambda: socket.socketpair(U, socket.SOCK_DGRAM)[0].sendto(b'x', os.environ['DGRAM']))
attempt('datagram 2', lambda: socket.socket(U, socket.SOCK_DGRAM).sendto(b'x', os.environ['DGRAM']))
attempt('datagram 3', lambda: socket.socket(U, socket.SOCK_RAW).sendto(b'x', os.environ['DGRAM']))
def pair():
    a, b = socket.socketpair()
    a.send(b'x'); assert b.recv(1) == b'x'
    a.sendmsg([b'y']); assert b.recv(1) == b'y'
attempt('pair', pair)
"""


@deadline(60)
async def test_network(t):
    """Restricted: nobody is reached, by whatever family; pairs of sockets work. Enabled: as outside."""
    client = await Client.new(t)
    folder = os.path.realpath(t.folder())
    abstract = f"px-{os.getpid()}-{id(t)}"
    with contextlib.ExitStack() as stack:
        def listener(family, kind, address):
            s = stack.enter_context(socket.socket(family, kind))
            s.bind(address)
            if kind == socket.SOCK_STREAM:
                s.listen()
            return s

        tcp = listener(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        listener(socket.AF_UNIX, socket.SOCK_STREAM, folder + "/sock")
        listener(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + abstract)
        dgram = listener(socket.AF_UNIX, socket.SOCK_DGRAM, folder + "/dgram")
        dgram.setblocking(False)
        env = {"PORT": str(tcp.getsockname()[1]), "SOCK": folder + "/sock", "DGRAM": folder + "/dgram",
               "SERVER": client.server.url("unix").removeprefix("unix://"), "ABSTRACT": "@" + abstract}
        done = await client.python(NETWORK, env=env)
        assert done.text("stdout") == "pair\n" and done.code == 0, done.text()
        with contextlib.suppress(BlockingIOError):
            raise AssertionError(dgram.recv(1))
        done = await client.python(NETWORK, env=env, box=sandbox(client.folder, network="enabled"))
        assert {"tcp", "udp", "unix", "abstract", "pair"} <= set(done.text("stdout").splitlines()), done.text()


CALLS = """
import ctypes, errno, fcntl, os, signal, sys, termios
libc = ctypes.CDLL(None, use_errno=True)
nr = {'x86_64': {'keyctl': 250, 'add_key': 248, 'request_key': 249, 'io_uring_setup': 425},
      'aarch64': {'keyctl': 219, 'add_key': 217, 'request_key': 218, 'io_uring_setup': 425}}[os.uname().machine]
for name, number in nr.items():
    result = libc.syscall(number, 0, 0, 0, 0, 0)
    print(name, 'worked' if result != -1 else errno.errorcode[ctypes.get_errno()])
try:
    fcntl.ioctl(0, termios.TIOCSTI, b'x'); print('TIOCSTI worked')
except OSError as e:
    print('TIOCSTI', errno.errorcode[e.errno])
for pid in map(int, sys.argv[1:]):
    try:
        os.kill(pid, 0); print('kill worked')
    except OSError as e:
        print('kill', errno.errorcode[e.errno])
    print('ptrace', libc.ptrace(16, pid, 0, 0))
os.kill(1, signal.SIGKILL)
print('mine', os.kill(os.getpid(), 0))
"""


@deadline(60)
async def test_others(t):
    """Other processes are out of sight, key rings and others' terminals out of reach, the keeper immortal from inside."""
    client = await Client.new(t)
    pids = [str(client.server.process.pid), str(os.getpid())]
    pids = [pid for pid in pids if int(pid) > 100]
    done = await client.run("/usr/bin/python3", "-c", CALLS, *pids, tty=True)
    lines = done.text().replace("\r", "").splitlines()
    assert lines == ["keyctl EPERM", "add_key EPERM", "request_key EPERM", "io_uring_setup EPERM", "TIOCSTI EPERM",
                     *["kill ESRCH", "ptrace -1"] * len(pids), "mine None"], lines
    assert done.code == 0


@needs_root
@deadline(60)
async def test_setuid(t):
    """A program that would be somebody else's stays its caller's."""
    client = await Client.new(t)
    copy = client.path("id")
    shutil.copy("/usr/bin/id", copy)
    os.chown(copy, 65534, 65534)
    os.chmod(copy, 0o6755)
    done = await client.run(copy, "-u")
    assert done.text("stdout") == "0\n", done.text()


# What lies in a writable directory and is not writable


@deadline(60)
async def test_guarded(t):
    """.git and the like cannot be changed, made, moved or linked, whether they are there or not, and whatever lies above."""
    spoil = ("for d in .git .agents .codex .aws; do mkdir $d; echo >$d; echo >$d/x; rm -rf $d; mv $d y; ln -s /etc $d; ln $d/f l; "
             "rmdir $d; chmod 777 $d; echo >$d/x; done 2>/dev/null; ls -A | sort | tr '\\n' ' '")
    client = await Client.new(t)
    done = await client.shell(spoil)
    assert done.text("stdout") == ".agents .aws .codex .git ", done.text()
    await client.vanish(*GUARDED)
    assert os.listdir(client.folder) == []
    client.make(".git/config", "mine")
    client.make(".aws", "a file")
    client.make(".codex/f")
    done = await client.shell(spoil)
    assert done.text("stdout") == ".agents .aws .codex .git ", done.text()
    await client.vanish(".agents")
    assert sorted(os.listdir(client.folder)) == [".aws", ".codex", ".git"]
    with open(client.path(".git/config")) as f:
        assert f.read() == "mine"
    # An explicit entry may give it back.
    done = await client.shell("echo >.git/new", box=sandbox(
        client.folder, ROOT, PROJECT, special("project_roots", "write", subpath=".git"),
        special("project_roots", "read", subpath=".git/config")))
    assert done.code == 0 and os.path.exists(client.path(".git/new")), done.text()


@deadline(60)
async def test_pinned(t):
    """What lies between a writable directory and a read-only one in it cannot be exchanged."""
    client = await Client.new(t)
    client.make("a/b/c/f", "mine")
    box = sandbox(client.folder, ROOT, PROJECT, special("project_roots", "read", subpath="a/b/c"),
                  special("project_roots", "read", subpath="x/y"))
    done = await client.shell("mv a a2; mv a/b a/b2; rm -rf a; mkdir -p x/y; mkdir x; echo >a/new && echo >a/b/new && echo ok", box=box)
    assert "ok" in done.text("stdout"), done.text()
    with open(client.path("a/b/c/f")) as f:
        assert f.read() == "mine"
    await client.vanish("x")


@deadline(60)
async def test_links(t):
    """A path through a link that the sandbox may itself exchange is refused; any other link is followed."""
    client = await Client.new(t)
    os.mkdir(client.path("real"))
    for name in GUARDED:
        os.symlink("real", client.path(name))
        async with refused("forbidden", -32603) as error:
            await client.run("true")
        assert name in error["message"], error
        async with refused("forbidden", -32603):
            await client.fs("writeFile", path=uri(client.path("f")), dataBase64="")
        os.unlink(client.path(name))
    os.symlink("nowhere", client.path(".git"))
    async with refused("forbidden"):
        await client.run("true")
    os.unlink(client.path(".git"))
    os.symlink("real", client.path("link"))
    for access in ("read", "write", "none"):
        async with refused("forbidden"):
            await client.run("true", box=sandbox(client.folder, ROOT, PROJECT, place(client.path("link/x"), access)))
    outer = os.path.realpath(t.folder())
    os.symlink(client.folder, outer + "/workspace")
    done = await client.shell("echo >through && mkdir .git", box=sandbox(outer + "/workspace"), cwd=outer + "/workspace")
    assert os.path.exists(client.path("through")) and done.denied is False and done.code == 1, done.text()
    os.symlink("loop", outer + "/loop")
    async with refused("ioError") as error:
        await client.run("true", box=sandbox(client.folder, ROOT, PROJECT, place(outer + "/loop", "write")))
    assert error["errno"] == "ELOOP", error


@deadline(60)
async def test_places(t):
    """Roots in roots, files as roots, missing roots, odd names, what is denied, and what is given back in there."""
    client = await Client.new(t)
    client.make("ro/rw/f")
    client.make("deny/open/f", "given")
    client.make("deny/f", "secret")
    client.make("secret", "secret")
    client.make("one", "1")
    odd = client.path("o d\n\"'%\\#é")
    os.mkdir(odd)
    outside = os.path.realpath(t.folder())
    with open(outside + "/file", "w"):
        pass
    os.mkdir(outside + "/other")
    box = sandbox(client.folder, ROOT, PROJECT, place(client.path("ro"), "read"), place(client.path("ro/rw"), "write"),
                  place(client.path("deny"), "none"), place(client.path("deny/open"), "read"), place(client.path("secret"), "deny"),
                  place(client.path("later"), "none"), place(odd, "read"), place(outside + "/file", "write"),
                  place(outside + "/missing", "write"), place(client.path("one"), "read"), place(client.path("one"), "write"))
    box["workspaceRoots"].append(uri(outside + "/other"))
    done = await client.shell(
        f"echo >ro/x; echo >ro/rw/x && echo rw; cat deny/f deny/open/f secret; ls deny later; mkdir later; echo >later/x; "
        f"echo >{outside}/file && echo file; mkdir {outside}/missing; echo >{outside}/other/x && echo other; "
        f"mkdir {outside}/other/.git; echo >one && echo one; echo >{shlex.quote(odd)}/x", box=box)
    assert done.text("stdout") == "rw\ngivenfile\nother\none\n", done.text()
    assert os.listdir(odd) == [] and not os.path.exists(outside + "/missing")
    assert done.denied is True, done.text()
    await client.vanish("later")


@deadline(60)
async def test_little_to_see(t):
    """Without "/" in it, a sandbox has what it says; "minimal" is enough for programs."""
    client = await Client.new(t)
    async with refused("spawnFailed"):
        await client.run("true", box=dict(sandbox(client.folder), permissions={
            "type": "managed", "network": "restricted", "file_system": {"type": "restricted", "entries": []}}), cwd="/")
    done = await client.shell(
        "ls /; for p in /px-new /tmp/px-new /etc/px-new; do (echo >$p) 2>/dev/null && echo wrote; done; echo >in && echo ok",
        box=sandbox(client.folder, special("minimal", "read"), PROJECT))
    names = done.text("stdout").split()
    assert {"bin", "etc", "usr", "proc", "dev"} <= set(names) and names[-1] == "ok" and "wrote" not in names, done.text()
    assert not {"root", "home", "var", "srv", "sys", "boot"} - {client.folder.split("/")[1]} & set(names), names


@deadline(60)
async def test_all_of_it(t):
    """A file system without limits, with and without the network."""
    client = await Client.new(t)
    outside = os.path.realpath(t.folder())
    free = {"type": "managed", "file_system": {"type": "unrestricted"}, "network": "restricted"}
    done = await client.shell(f"echo >{outside}/a && ls /proc | grep -c '^[0-9]*$'; ip addr 2>/dev/null | grep -c UP",
                              box=dict(sandbox(client.folder), permissions=free))
    assert os.path.exists(outside + "/a") and int(done.text("stdout").split()[0]) < 10, done.text()
    name = await client.conn.request("process/start", {
        "processId": "free", "argv": ["true"], "cwd": "file:///", "env": {"PATH": PATH}, "tty": False,
        "sandbox": dict(sandbox(client.folder), permissions=dict(free, network="enabled"))})
    assert name["sandboxType"] == "none"
    done = await client.shell(f"echo >{outside}/b; mkdir .git", box=sandbox(client.folder, special("root", "write")))
    assert done.code == 0 and os.path.exists(outside + "/b"), done.text()
    done = await client.shell(f"echo >{outside}/c; mkdir x; echo >x/y",
                              box=sandbox(client.folder, special("root", "write"), place(client.path("x"), "read")))
    assert done.code != 0 and os.path.exists(outside + "/c"), done.text()


@deadline(60)
async def test_tmpdir(t):
    """TMPDIR is the program's own where it sets one, else the server's."""
    mine, servers = os.path.realpath(t.folder()), os.path.realpath(t.folder())
    client = await Client.new(t, env=dict(os.environ, TMPDIR=servers))
    box = sandbox(client.folder, ROOT, special("tmpdir"))
    script = f"for d in {mine} {servers}; do (echo >$d/x) 2>/dev/null && echo $d; done"
    assert (await client.shell(script, box=box)).text("stdout") == servers + "\n"
    assert (await client.shell(script, box=box, env={"TMPDIR": mine})).text("stdout") == mine + "\n"
    assert (await client.shell(script, box=box, env={"TMPDIR": "."})).text("stdout") == servers + "\n"


# Files


@deadline(120)
async def test_files_as_programs(t):
    """What a program may do to a path, a request may, and nothing else."""
    client = await Client.new(t)
    outside = os.path.realpath(t.folder())
    os.mkdir(outside + "/d")
    client.make("deny/f")
    client.make("ro/f")
    client.make("ro/rw/f")
    client.make(".git/config")
    os.symlink(outside, client.path("out"))
    os.symlink("ro", client.path("in"))
    box = sandbox(client.folder, ROOT, PROJECT, place(client.path("deny"), "none"), place(client.path("ro"), "read"),
                  place(client.path("ro/rw"), "write"), place(client.path("missing/x"), "read"))
    for at in (client.folder, client.path(".git"), client.path("deny"), client.path("ro"), client.path("ro/rw"),
               client.path("out"), client.path("in"), client.path("in/rw"), outside, outside + "/d", "/etc"):
        await same(client, box, at)
    assert os.listdir(outside + "/d") == []
    # A program finds something there, a request does not; neither can make anything.
    for script, method, params in (("mkdir missing/x", "createDirectory", {}), ("echo >missing/f", "writeFile", {"dataBase64": ""})):
        assert (await client.shell(script, box=box)).code != 0
        try:
            await client.fs(method, box, path=uri(client.path("missing/f")), **params)
            raise AssertionError(method)
        except RpcError:
            pass


async def same(client, box, at):
    """Writing, listing, removing, making and removing in this directory; each leaves it as it was."""
    new, made = os.path.join(at, "px-new"), os.path.join(at, "px-made")
    done = await client.shell(f"echo -n >{new} && echo 0; ls {at}/ >/dev/null && echo 1; rm {new} && echo 2; mkdir {made} && echo 3; "
                              f"rmdir {made} && echo 4", box=box)
    allowed = []
    for i, (method, params) in enumerate((
            ("writeFile", {"path": uri(new), "dataBase64": ""}),
            ("readDirectory", {"path": uri(at)}),
            ("remove", {"path": uri(new), "force": False}),
            ("createDirectory", {"path": uri(made), "recursive": False}),
            ("remove", {"path": uri(made), "recursive": False, "force": False}))):
        with contextlib.suppress(RpcError):
            await client.fs(method, box, **params)
            allowed.append(str(i))
    assert done.text("stdout").split() == allowed, (at, allowed, done.text())


# Guesses and refusals


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
async def test_hostile_policies(t):
    """Each is refused by name, at once, or does no more than it says."""
    client = await Client.new(t)
    many = [place(f"/no/such/{i}", "read") for i in range(10_000)]
    bad = (
        ("invalidParams", [{}]), ("invalidParams", [None]), ("invalidParams", ["x"]), ("invalidParams", [[]]),
        ("invalidParams", [{"path": {}, "access": "read"}]), ("invalidParams", [{"path": "x", "access": "read"}]),
        ("invalidParams", [dict(ROOT, access="execute")]), ("invalidParams", [dict(ROOT, access=1)]),
        ("invalidParams", [dict(ROOT, missing_path_behavior="make")]),
        ("invalidParams", [{"path": {"type": "path", "path": "/tmp"}, "access": "read"}]),
        ("invalidParams", [{"path": {"type": "path", "path": "file:tmp"}, "access": "read"}]),
        ("invalidParams", [{"path": {"type": "path", "path": "file:///a%00b"}, "access": "read"}]),
        ("invalidParams", [{"path": {"type": "path", "path": "file://host/a"}, "access": "read"}]),
        ("invalidParams", [{"path": {"type": "path"}, "access": "read"}]),
        ("invalidParams", [{"path": {"type": "special"}, "access": "read"}]),
        ("invalidParams", [{"path": {"type": "other"}, "access": "read"}]),
        ("invalidParams", [special("root", subpath="x")]),
        *(("invalidParams", [special("project_roots", subpath=path)])
          for path in ("..", "../x", "a/../../x", "/etc", "a//b", "a/", "./a", "a/.", "/")),
        ("invalidParams", [special("project_roots", subpath="a\0b")]),
        ("forbidden", [special("unknown", path="x")]), ("forbidden", [special("bogus")]), ("forbidden", [special("minimal")]),
        ("forbidden", [{"path": {"type": "glob_pattern", "pattern": "**/*.env"}, "access": "none"}]),
        ("forbidden", [place("/proc", "write")]), ("forbidden", [place("/proc/sys", "none")]),
        ("limitExceeded", many),
    )
    for kind, entries in bad:
        box = sandbox(client.folder, ROOT, PROJECT, *entries)
        async with refused(kind):
            await client.run("true", box=box)
            raise AssertionError(entries)
        async with refused(kind):
            await client.fs("writeFile", box, path=uri(client.path("f")), dataBase64="")
    assert os.listdir(client.folder) == []
    await client.run("true", box=sandbox(client.folder, ROOT, *many[:500], place("/a" * 2000, "read")))
    async with refused("ioError") as error:
        await client.run("true", box=sandbox(client.folder, ROOT, place("/" + "a" * 300, "read")))
    assert error["errno"] == "ENAMETOOLONG", error
    deep = client.path(*"d" * 50)
    os.makedirs(deep)
    done = await client.shell(f"echo >{deep}/f", box=sandbox(client.folder, ROOT, PROJECT, place(deep, "read")))
    assert done.denied is True, done.text()


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


@deadline(60)
async def test_ignored(t):
    """The operator's word goes for programs and files, and is logged each time."""
    client = await Client.new(t, "--codex-ignore-sandbox")
    outside = os.path.realpath(t.folder())
    for kind in ("managed", "external"):
        box = dict(sandbox(client.folder), permissions=dict(sandbox(client.folder)["permissions"], type=kind))
        result = await client.conn.request("process/start", {
            "processId": kind, "argv": ["true"], "cwd": "file:///", "env": {"PATH": PATH}, "tty": False, "sandbox": box})
        assert result["sandboxType"] == "none"
        await logged(client, kind)
        await client.fs("writeFile", box, path=uri(outside + "/f"), dataBase64="")
        await logged(client, outside + "/f")


async def logged(client, subject):
    await client.server.log_line(lambda line: f"unconfined conn=1 subject={subject} " in line)


if __name__ == "__main__":
    sys.exit(tap.main(globals(), jobs=4))
