#!/usr/bin/python3
"""What programs and requests about files cannot do in a sandbox of the dialect codex."""

import contextlib
import os
import shlex
import shutil
import socket
import sys

from sandboxes import GUARDED, PATH, PROJECT, ROOT, Client, place, sandbox, special, uri
from support import needs_root, refused

from px import tap
from px.conn import RpcError
from px.tap import deadline


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


MACHINE = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def attempt(what, proc):
    for name in 'sys/kernel/core_pattern', 'sys/vm/swappiness':
        try:
            with open(proc + '/' + name) as f:
                old = f.read()
            with open(proc + '/' + name, 'w') as f:
                f.write(old)
            print(what, name, 'written')
        except OSError:
            pass
    for folder, folders, files in os.walk(proc):
        if folder == proc:
            folders[:] = [name for name in folders if not name.isdigit() and name not in ('self', 'thread-self')]
        for path in (folder + '/' + name for name in files):
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                print(what, path, 'opened')
            except OSError:
                pass
attempt('plain', '/proc')
with open('/proc/self/comm', 'w') as f:
    f.write('mine')
if libc.unshare(0x10000000 | 0x20000 | 0x20000000 | 0x40000000) == 0:
    if os.fork() == 0:
        libc.umount2(b'/proc/sys', 2)
        attempt('unmounted', '/proc')
        if libc.mount(b'proc', b'mnt', b'proc', 0, None) == 0:
            attempt('nested', 'mnt')
        os._exit(0)
    os.wait()
print('end')
"""


@deadline(60)
async def test_the_machine(t):
    """Its settings belong to its root without any capability, and are not written, nor through a /proc of one's own."""
    client = await Client.new(t)
    os.mkdir(client.path("mnt"))
    for box in (sandbox(client.folder), sandbox(client.folder, special("root", "write"))):
        done = await client.python(MACHINE, box=box)
        assert done.text() == "end\n" and done.code == 0, done.text()[:2000]


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
for name, number in ('TIOCSTI', termios.TIOCSTI), ('TIOCLINUX', 0x541c), ('TIOCGWINSZ', termios.TIOCGWINSZ):
    try:
        fcntl.ioctl(0, number, b'\\2' * 8); print(name, 'worked')
    except OSError as e:
        print(name, errno.errorcode[e.errno])
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
                     "TIOCLINUX EPERM", "TIOCGWINSZ worked",
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


@deadline(60)
async def test_files_of_the_server(t):
    """A sandbox has a /proc and a /dev of its own, so a request finds nothing in the server's."""
    client = await Client.new(t, env=dict(os.environ, SECRET="topsecret"))
    server = client.server.process.pid
    for box in (sandbox(client.folder), sandbox(client.folder, special("root", "write"))):
        for path in ("/proc/self/environ", f"/proc/{server}/environ", f"/proc/{server}/cmdline",
                     "/proc/sys/kernel/core_pattern", "/proc/thread-self/environ"):
            async with refused("forbidden", -32603):
                await client.fs("readFile", box, path=uri(path))
    # Nor through it: what lies in another mount namespace has the same names as what may be read.
    os.symlink("/proc/self/root/etc", client.path("etc"))
    for path in ("/proc/self/root/etc/passwd", client.path("etc/passwd")):
        async with refused("ioError", -32603) as error:
            await client.fs("readFile", path=uri(path))
        assert error["errno"] == "ELOOP", error
    shared = f"/dev/shm/px-{os.getpid()}-{id(t)}"
    with open(shared, "w") as f:
        f.write("theirs")
    try:
        async with refused("forbidden", -32603):
            await client.fs("readFile", path=uri(shared))
        assert (await client.shell(f"cat {shared}")).code != 0
        box = sandbox(client.folder, ROOT, place(shared, "write"))
        await client.fs("readFile", box, path=uri(shared))
        assert (await client.shell(f"cat {shared}", box=box)).text("stdout") == "theirs"
    finally:
        os.unlink(shared)


# Refusals


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
