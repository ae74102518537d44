#!/usr/bin/python3
"""
Files under attack, in both dialects that have them: connections and servers that end in the middle of disk work,
full disks, files that change while they are read, very many of everything, and what must never be opened.
"""

import asyncio
import contextlib
import json
import os
import random
import select
import socket
import subprocess
import sys

from files import (BLOCK_MAX, DIALECTS, MB, NEW, OLD, V1, Codex, content, in_both, make_tree, many_files, put,
                   temporary, whole_tree)
from support import RpcError, descriptors, lean, needs_native, refused, serving, status, unb64, until, within, wrapper

from px import tap
from px.server import adopted
from px.tap import deadline

HANDLES_MAX = 128
LIMITLESS = ("--max-concurrent-requests-per-connection", 100_000, "--max-file-requests-per-connection", 100_000)


# Ends in the middle


async def begin_work(files, folder, round):
    """One of everything that takes a while, none of it awaited."""
    await files.ask("writeFile", f"{folder}/replaced", NEW)
    await files.ask("writeFile", f"{folder}/new{round}", NEW)
    await files.ask("copy", f"{folder}/tree", to=f"{folder}/copy{round}", recursive=True)
    await files.ask("copy", f"{folder}/large", to=f"{folder}/large{round}")
    await files.ask("readFile", f"{folder}/large")
    await files.ask("readDirectory", folder)
    await files.ask("open", f"{folder}/large", handleId="h")
    return await files.ask("readBlock", handleId="h", offset=0, **{files.length: BLOCK_MAX})


def prepare(t):
    folder = t.folder()
    put(f"{folder}/replaced")
    put(f"{folder}/large", NEW)
    make_tree(f"{folder}/tree")
    return folder


def check_whole(folder):
    """Whatever had begun: under every name there is all or nothing."""
    assert content(f"{folder}/replaced") in (OLD, NEW), "a file half replaced"
    for name in os.listdir(folder):
        if name.startswith(("new", "large")):
            assert content(f"{folder}/{name}") == NEW, f"{name} is half written"
        elif name.startswith(("copy", "tree")):
            whole_tree(f"{folder}/{name}")


async def no_temporary(observer, folder):
    """Once the server has noticed the ends of the others, nothing is left of what they had begun."""
    await until(observer.conn, lambda _: not temporary(folder), f"end of what was written in {folder}")


@deadline(120)
async def test_connection_cut(t):
    """Cut at any moment, connections leave whole files under every name, and nothing else."""
    dice = random.Random(7)
    async with serving(t, listen=("unix", "ws")) as server:
        folder = prepare(t)
        observer = await V1.connect(server, "unix")
        for round in range(24):
            files = await dice.choice(DIALECTS).connect(server, dice.choice(("unix", "ws")))
            last = await begin_work(files, folder, round)
            for _ in range(dice.randrange(12)):
                await observer.conn.request("server/info")
            if round % 6 == 5:
                await within(last, "answer", 60)
            await files.conn.cut()
            check_whole(folder)
        await no_temporary(observer, folder)
        check_whole(folder)


async def test_cut_between_blocks(t):
    """What is written by blocks is the file's content once it is closed; cut before, or killed, it never was."""
    for end in ("cut", "stop", "kill"):
        folder = prepare(t)
        server = await t.server()
        files = await V1.connect(server)
        for name in ("replaced", "new"):
            await files("open", f"{folder}/{name}", handleId=name, mode="replace")
            await files("writeBlock", handleId=name, offset=0, data=NEW[:MB])
        await files("open", f"{folder}/large0", handleId="whole", mode="replace")
        for offset in (MB, 0):
            await files("writeBlock", handleId="whole", offset=offset, data=NEW[offset:offset + MB])
        await files("close", handleId="whole")
        if end == "cut":
            await files.conn.cut()
            await no_temporary(await V1.connect(server), folder)
        elif end == "stop":
            await server.stop()
        else:
            await server.kill()
        if end != "kill" or has_nameless(folder):
            assert temporary(folder) == []
        assert content(f"{folder}/large0") == NEW
        assert content(f"{folder}/replaced") == OLD
        assert not os.path.exists(f"{folder}/new")


async def test_cut_in_the_middle_of_a_request(t):
    """A request that did not come whole does nothing."""
    async with serving(t, listen=("unix",)) as server:
        folder = prepare(t)
        for dialect in DIALECTS:
            files = await dialect.connect(server)
            method, params = files.words("writeFile", f"{folder}/replaced", NEW)
            text = b'{"id":9,"method":"%s","params":%s}' % (method.encode(), json.dumps(params).encode())
            await files.conn.send_raw(text[:len(text) // 2].replace(b"\n", b""))
            files.conn.transport.cut()
            await files.conn.close()
        observer = await V1.connect(server)
        assert unb64((await observer("readFile", f"{folder}/replaced"))["chunk"]) == OLD
        assert temporary(folder) == []


@in_both
async def test_server_stopped(t, dialect):
    """SIGTERM in the middle of it all: the server ends in order, and so do the files."""
    folder = prepare(t)
    server = await t.server()
    files = await dialect.connect(server)
    for round in range(4):
        await begin_work(files, folder, round)
    await server.stop()
    check_whole(folder)
    assert temporary(folder) == []


def has_nameless(folder):
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_RDWR))
    except OSError:
        return False
    return True


@in_both
async def test_server_killed(t, dialect):
    """SIGKILL: under every name that a client gave there is all or nothing, and, where files can be without a name, no other name."""
    folder = prepare(t)
    server = await t.server()
    files = await dialect.connect(server)
    for i in range(16):
        await files.ask("writeFile", f"{folder}/new{i}", NEW)
    await files.ask("copy", f"{folder}/tree", to=f"{folder}/copy", recursive=True)
    survivors = await server.kill()
    assert not survivors and not adopted(), survivors
    check_whole(folder)
    if has_nameless(folder):
        assert temporary(folder) == []


# Disks and files that are not as they should be


@needs_native
@in_both
async def test_file_size_limit(t, dialect):
    """A file that may not become so large is as it was, and the server lives."""
    folder = t.folder()
    with wrapper("prlimit", f"--fsize={MB}"):
        server = await t.server()
    files = await dialect.connect(server)
    put(f"{folder}/replaced")
    put(f"{folder}/large", NEW)
    for name in ("replaced", "new"):
        async with refused("ioError", -32603) as error:
            await files("writeFile", f"{folder}/{name}", NEW)
        assert error["errno"] == "EFBIG", error
        async with refused("ioError", -32603):
            await files("copy", f"{folder}/large", to=f"{folder}/{name}")
    await files("open", f"{folder}/block", handleId="h", mode="replace")
    async with refused("ioError", -32603):
        await files("writeBlock", handleId="h", offset=MB, data=b"x")
    if dialect is V1:
        async with refused("invalidRequest", -32600):
            await files("close", handleId="h")
    assert content(f"{folder}/replaced") == OLD
    assert set(os.listdir(folder)) - {"block"} == {"large", "replaced"}
    assert os.path.exists(f"{folder}/block") == (dialect is Codex), "a file that lacks a block"
    await files("writeFile", f"{folder}/replaced", b"small")
    assert content(f"{folder}/replaced") == b"small"


def own_disk(folder, size):
    """The words that give a server a disk of its own at 'folder', which goes with it."""
    return "unshare", "-m", "sh", "-c", f"mount -t tmpfs -o size={size} tmpfs {folder} && exec \"$@\"", "sh"


def works(*words):
    """Can this be done here?"""
    return subprocess.run([*words, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


@in_both
async def full_disk(t, dialect):
    """A full disk: an error, the old content, and room again once something is removed."""
    folder = t.folder()
    with wrapper(*own_disk(folder, MB)):
        server = await t.server()
    files = await dialect.connect(server)
    await files("writeFile", f"{folder}/replaced", OLD)
    for name in ("replaced", "new"):
        async with refused("ioError", -32603) as error:
            await files("writeFile", f"{folder}/{name}", NEW)
        assert error["errno"] == "ENOSPC", error
    assert unb64((await files("readFile", f"{folder}/replaced"))[files.chunk]) == OLD
    await files("open", f"{folder}/blocks", handleId="h", mode="replace")
    async with refused("ioError", -32603):
        for i in range(4):
            await files("writeBlock", handleId="h", offset=i * MB // 3, data=b"x" * (MB // 3))
    await files("close", handleId="h", **({"discard": True} if dialect is V1 else {}))
    await files("remove", f"{folder}/blocks", force=True)
    await files("writeFile", f"{folder}/filler", b"x" * (MB * 2 // 3))
    async with refused("ioError", -32603):
        await files("copy", f"{folder}/filler", to=f"{folder}/copy")
    assert set(await files.listed(folder)) == {"replaced", "filler"}
    await files("remove", f"{folder}/filler")
    await files("writeFile", f"{folder}/replaced", OLD * 2)


if os.getuid() == 0 and works(*own_disk("/mnt", MB)):
    test_full_disk = needs_native(full_disk)


@in_both
async def test_shrinking_file(t, dialect):
    """A file that becomes smaller and larger while it is read and copied: what is read is of it, and nothing else happens."""
    with many_files() as folder:
        path = put(f"{folder}/file", b"a" * MB)
        async with serving(t) as server:
            files = await dialect.connect(server)
            await files("open", path, handleId="h")
            for round in range(20):
                asked = [await files.ask("readFile", path) for _ in range(4)]
                asked.append(await files.ask("readBlock", handleId="h", offset=MB // 2, **{files.length: BLOCK_MAX}))
                asked.append(await files.ask("copy", path, to=f"{folder}/copy"))
                while not all(one.done() for one in asked):
                    os.truncate(path, random.randrange(MB))
                    await asyncio.sleep(0)
                    os.truncate(path, MB)
                    await asyncio.sleep(0)
                for one in asked:
                    result = one.result()["result"]
                    data = unb64(result.get(files.chunk, result.get("chunk", "")))
                    assert len(data) <= MB and not data.strip(b"a\0"), data[:100]
                put(path, b"a" * MB)


@in_both
async def test_never_opened(t, dialect):
    """FIFOs, devices and sockets given as files are refused, whatever is asked, and nobody who holds them notices."""
    folder = t.folder()
    os.mkfifo(f"{folder}/fifo")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{folder}/socket")
    listener.listen()
    reader = os.open(f"{folder}/fifo", os.O_RDONLY | os.O_NONBLOCK)
    ends = select.poll()
    ends.register(reader, select.POLLHUP)
    put(f"{folder}/file")
    async with serving(t) as server:
        files = await dialect.connect(server)
        for path in (f"{folder}/fifo", f"{folder}/socket", "/dev/null", "/dev/tty", "/dev/zero", "/dev/full", "/dev/stdin"):
            for verb, params in (("readFile", {}), ("writeFile", {"data": b"x"}), ("open", {"handleId": "h"}),
                                 ("open", {"handleId": "h", "mode": "replace"}), ("copy", {"to": f"{folder}/copy"})):
                try:
                    await files(verb, path, **params)
                    # A link is copied as what it is.
                    assert verb == "copy" and os.path.islink(path), f"{verb} {path}"
                    os.unlink(f"{folder}/copy")
                except RpcError as error:
                    assert error.kind in ("invalidRequest", "ioError"), f"{verb} {path}: {error}"
            async with refused("ioError", -32603):
                await files("readDirectory", path)
            assert (await files.walked(path))["entries"] == []
        for path in ("fifo", "socket"):
            async with refused("invalidRequest", -32600):
                await files("copy", f"{folder}/file", to=f"{folder}/{path}")
        assert ends.poll(0) == [], "somebody has opened the FIFO and closed it"
        assert not select.select([listener], [], [], 0)[0], "somebody has connected"
        await files("copy", folder, to=f"{folder}2", recursive=True)
        assert os.listdir(f"{folder}2") == ["file"]
        await files("remove", f"{folder}2", recursive=True)
    os.close(reader)
    listener.close()


# Very many


@in_both
async def test_large_directory(t, dialect):
    """100,000 names are listed and walked through, while others are answered, and their files too."""
    with many_files() as folder:
        put(f"{folder}/file")
        os.mkdir(f"{folder}/many")
        for i in range(100_000):
            os.mknod(f"{folder}/many/{i}")
        async with serving(t, *LIMITLESS) as server:
            files, other = await dialect.connect(server), await V1.connect(server)
            assert len(await files.listed(f"{folder}/many")) == 100_000
            walked = await files.walked(f"{folder}/many", maxEntries=files.walk_max)
            assert len(walked["entries"]) == min(100_000, files.walk_max)
            assert walked["truncated"] == (files.walk_max < 100_000)
            # Work without end, as far as this test goes: nobody else waits for it.
            asked = [await files.ask("readDirectory", f"{folder}/many") for _ in range(1000)]
            files.conn.pause()
            for _ in range(20):
                await other.conn.request("server/info")
                assert unb64((await other("readFile", f"{folder}/file"))["chunk"]) == OLD
                await other("writeFile", f"{folder}/other", OLD)
            assert not asked[-1].done()
            await files.conn.cut()
            await other("remove", f"{folder}/many", recursive=True)


@in_both
async def test_very_many_requests(t, dialect):
    """Beyond what may be asked at once each request is refused, none is lost, and the connection goes on."""
    folder = prepare(t)
    server = await t.server("--max-concurrent-requests-per-connection", 1000, "--max-file-requests-per-connection", 300)
    files = await dialect.connect(server)
    asked = []
    for i in range(1200):
        asked.append(await files.ask("getMetadata" if i % 2 else "readDirectory", folder))
    answers = [await within(one, "answer", 60) for one in asked]
    errors = {(one["error"]["code"], one["error"]["data"]["kind"]) for one in answers if "error" in one}
    assert errors <= {(-32001, "overloaded")}, errors
    assert sum("result" in one for one in answers) >= 300
    assert len(await files.listed(folder)) == 3


@in_both
async def test_very_many_handles(t, dialect):
    """A connection has so many open files and no more; each that is closed, and each connection that ends, gives its own back."""
    folder = t.folder()
    put(f"{folder}/file")
    async with serving(t, *LIMITLESS) as server:
        files = await dialect.connect(server)
        asked = [await files.ask("open", f"{folder}/file", handleId=str(i)) for i in range(3000)]
        answers = [await within(one, "answer", 60) for one in asked]
        assert all("result" in one for one in answers[:HANDLES_MAX])
        errors = [one["error"]["data"] for one in answers[HANDLES_MAX:]]
        assert all(one == {"kind": "limitExceeded", "limit": "handles", "value": HANDLES_MAX} for one in errors), errors[0]
        held = descriptors(server.pid).values()
        assert sum(path == f"{folder}/file" for path in held) == HANDLES_MAX
        for i in range(3000):
            await files.ask("close", handleId=str(i))
        for i in range(2000):
            await files.ask("open", f"{folder}/file", handleId=str(i % HANDLES_MAX))
            await files.ask("close", handleId=str(i % HANDLES_MAX))
        await files("open", f"{folder}/file", handleId="last")
        assert unb64((await files("readBlock", handleId="last", offset=0, **{files.length: 4}))["chunk"]) == OLD[:4]


@needs_native
@in_both
async def test_no_descriptors(t, dialect):
    """Without descriptors every request says so, and once there are some, all is well."""
    folder = prepare(t)
    with wrapper("prlimit", "--nofile=40:40"):
        server = await t.server()
    files = await dialect.connect(server)
    opened = 0
    with contextlib.suppress(RpcError):
        for opened in range(HANDLES_MAX):
            await files("open", f"{folder}/large", handleId=str(opened))
    assert 0 < opened < 40, opened
    for verb, params in (("readFile", {"path": f"{folder}/large"}), ("readDirectory", {"path": folder}),
                         ("writeFile", {"path": f"{folder}/replaced", "data": NEW}), ("open", {"path": f"{folder}/large", "handleId": "h"}),
                         ("copy", {"path": f"{folder}/tree", "to": f"{folder}/copy", "recursive": True})):
        async with refused("ioError", -32603) as error:
            await files(verb, **params)
        assert error["errno"] == "EMFILE", error
    for i in range(opened):
        await files("close", handleId=str(i))
    await files("writeFile", f"{folder}/replaced", NEW)
    check_whole(folder)


@in_both
async def test_very_many_watched(t, dialect):
    """10,000 paths are waited for, in as many as 1000 directories; one more is refused."""
    with many_files() as folder:
        for i in range(1000):
            os.mkdir(f"{folder}/d{i}")
        paths = [f"{folder}/d{i % 1000}/sub/{i}" for i in range(10_000)]
        async with serving(t) as server:
            files = await dialect.connect(server)
            async with refused("invalidParams", -32602):
                await files("watchMissing", watchId=1, missing=[*paths, "/none"])
            for round in range(1, 4):
                assert await files("watchMissing", watchId=round, missing=paths) == {"watching": True}
                put(f"{folder}/d{round}/no-sub")
                os.mkdir(f"{folder}/d{round * 7}/sub")
                assert await files.conn.notification("fs/missingChanged") == {"watchId": round}
                os.rmdir(f"{folder}/d{round * 7}/sub")
            assert files.conn.inbox == []


@needs_native
@deadline(120)
async def test_watches_that_are_replaced(t):
    """Of those that are replaced while they are made nothing is kept: they count as long as they are there."""
    size, count = 4 * MB, 60
    deep = "/none" + "/d" * 480
    paths = [f"{deep}/{i:04}" for i in range(size // len(deep))]
    async with serving(t, env=lean()) as server:
        files, other = await V1.connect(server), await V1.connect(server)
        before, most = status(server.pid, "VmRSS"), 0
        asked = []
        for round in range(1, count + 1):
            asked.append(await files.ask("watchMissing", watchId=round, missing=paths))
            await other.conn.request("server/info")
            most = max(most, status(server.pid, "VmRSS") - before)
        assert most < count * size / 4, f"{most} bytes"
        answers = [await within(one, "answer") for one in asked]
        assert all(one["error"]["data"]["kind"] == "overloaded" for one in answers if "error" in one)
        watching = [one["result"]["watching"] for one in answers if "result" in one]
        assert watching == [False] * (len(watching) - 1) + [True]


def few_watches(instances, watches):
    """The words that give a server's user so many of inotify's."""
    return ("unshare", "-Ur", "sh", "-c", f"echo {instances} >/proc/sys/user/max_inotify_instances && "
            f"echo {watches} >/proc/sys/user/max_inotify_watches && exec \"$@\"", "sh")


@in_both
async def no_watches(t, dialect):
    """Where the kernel allows no more, that is said with the name of its setting, and nothing is kept."""
    folder = t.folder()
    for i in range(50):
        os.mkdir(f"{folder}/{i}")
    with wrapper(*few_watches(1, 20)):
        server = await t.server()
    one, two = await dialect.connect(server), await dialect.connect(server)
    for round in range(1, 4):
        async with refused("limitExceeded") as error:
            await one("watchMissing", watchId=round, missing=[f"{folder}/{i}/none" for i in range(50)])
        assert error["limit"] == "fs.inotify.max_user_watches" and error["value"] > 0, error
    assert await one("watchMissing", watchId=9, missing=[f"{folder}/none"]) == {"watching": True}
    async with refused("limitExceeded") as error:
        await two("watchMissing", watchId=1, missing=[f"{folder}/none"])
    assert error["limit"] == "fs.inotify.max_user_instances" and error["value"] > 0, error
    await one.conn.cut()
    await until((await V1.connect(server)).conn, lambda counts: counts["connections"] == 2, "end of the first connection")
    assert await two("watchMissing", watchId=2, missing=[f"{folder}/none"]) == {"watching": True}


if works(*few_watches(1, 20)):
    test_no_watches = needs_native(no_watches)


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
