"""Handles, blocks, walks with limits, URIs, watches."""

import functools
import os

from differ_files import WALK, populate

BLOCK = 1 << 20
OFFSETS = (0, 1, 6, 7, 8, BLOCK, (1 << 31) - 1, 1 << 32, (1 << 62), (1 << 63) - 8, (1 << 63) - 1)
LENGTHS = (0, 1, 7, 8, BLOCK - 1, BLOCK, BLOCK + 1, 1 << 32)
URIS = (
    "file://$", "FILE://$", "file:$", "file:/$", "file:///$", "file://localhost$", "file://LOCALHOST$", "file://other$",
    "file://127.0.0.1$", "file://user@localhost$", "file://localhost:80$", "http://$", "$", "unix://$", "data:,a",
    "file:", "file://",
    "file:///", "file:a", "file:./a", "a", "/a", "./a", "", " file://$", "file://$ ", "file://$/fi\nle",
    "file://$/fi\tle",
    "file://$/file?", "file://$/file?a=b", "file://$/file#", "file://$/file#a", "file://$/%66ile", "file://$/%2566ile",
    "file://$/file%00", "file://$/%00", "file://$/full%2Finner", "file://$/full%2finner", "file://$/full%5Cinner",
    "file://$/full\\inner",
    "file://$/full/./inner", "file://$/full/../file", "file://$/full/%2E%2E/file", "file://$/full/%2e/inner",
    "file://$/full/.%2E/file",
    "file:///../../..$", "file://$/../../../../../../../../etc", "file://$/", "file://$//", "file://$/file/",
    "file://$/file//",
    "file://$/file/.", "file://$/full/inner/..", "file://$/%", "file://$/%4", "file://$/%zz", "file://$/a%20b",
    "file://$/a b", "file://$/a+b",
    "file://$/é", "file://$/%C3%A9", "file://$/%FF", "file://$/%ff%fe", "file://$/\u0001", "file://$/a|b",
    "file://$/a<b>", "file://$/a\"b",
    "file://$/a^b`{}", "file:///c:/a", "file:///C|/a", "file://$/a;b=c,d@e!f", "file:\\\\\\$", "file:////etc",
    "file://///etc",
)


async def uri(side, text):
    populate(side)
    with open(side.path("a b"), "w", encoding="utf-8"):
        pass
    talk = await side.talk()
    path = text.replace("$", side.folder)
    await talk.ask("fs/getMetadata", {"path": path}, label="getMetadata")
    await talk.ask("fs/canonicalize", {"path": path}, label="canonicalize")
    await talk.ask("process/start", {"processId": "p", "argv": ["true"], "cwd": path, "env": {}, "tty": False},
                   label="cwd")
    if "$" in text:  # elsewhere nothing is to be made
        await talk.ask("fs/createDirectory", {"path": path}, label="createDirectory")
    side.note("tree", {name: "" for name in side.tree()})


async def blocks_read(side):
    populate(side)
    with open(side.path("big"), "wb") as file:
        file.write(bytes(range(256)) * (BLOCK // 256 * 2))
    talk = await side.talk()
    for name in ("file", "empty", "big"):
        await talk.ask("fs/open", {"handleId": name, "path": side.uri(name)}, label=f"open {name}")
        for offset in OFFSETS:
            for length in LENGTHS:
                await talk.ask("fs/readBlock", {"handleId": name, "offset": offset, "len": length},
                               label=f"{name} {length} at {offset}")


async def blocks_written(side):
    populate(side)
    talk = await side.talk()
    await talk.ask("fs/open", {"handleId": "w", "path": side.uri("new"), "mode": "replace"}, label="open")
    for offset in (0, 1, 7, 100, 1 << 20):
        for text in ("", "YQ==", "YWJj", "YWJj\n", "YWJ", "YQ", "YQ=", "YR==", "a-_b", "é"):
            await talk.ask("fs/writeBlock", {"handleId": "w", "offset": offset, "chunk": text},
                           label=f"{text!r} at {offset}")
    for length in (BLOCK, BLOCK + 1, BLOCK + 3):
        text = "AAAA" * (length // 3) + {0: "", 1: "AA==", 2: "AAA="}[length % 3]
        await talk.ask("fs/writeBlock", {"handleId": "w", "offset": 0, "chunk": text}, label=f"{length} bytes")
    for offset in ((1 << 63) - 1, (1 << 63) - 2, 1 << 62):
        await talk.ask("fs/writeBlock", {"handleId": "w", "offset": offset, "chunk": "YWJj"}, label=f"at {offset}")
    await talk.ask("fs/readBlock", {"handleId": "w", "offset": 0, "len": 3}, label="read of what is written")
    side.note("tree", side.tree())


async def handles(side):
    populate(side)
    talk, other = await side.talk(), await side.talk()
    path = side.uri("file")
    await talk.ask("fs/open", {"handleId": "h", "path": path}, label="open")
    await talk.ask("fs/open", {"handleId": "h", "path": side.uri("empty")}, label="open again")
    await talk.ask("fs/writeBlock", {"handleId": "h", "offset": 0, "chunk": "YQ=="}, label="write to what is read")
    await other.ask("fs/readBlock", {"handleId": "h", "offset": 0, "len": 4}, label="of another connection")
    await other.ask("fs/close", {"handleId": "h"}, label="close of another connection")
    await talk.ask("fs/readBlock", {"handleId": "h", "offset": 0, "len": 4}, label="still there")
    os.unlink(side.path("file"))
    await talk.ask("fs/readBlock", {"handleId": "h", "offset": 0, "len": 4}, label="of a removed file")
    for i in range(2):
        await talk.ask("fs/close", {"handleId": "h"}, label=f"close {i}")
    await talk.ask("fs/readBlock", {"handleId": "h", "offset": 0, "len": 4}, label="after close")
    await talk.ask("fs/writeBlock", {"handleId": "h", "offset": 0, "chunk": "YQ=="}, label="write after close")
    await talk.ask("fs/open", {"handleId": "h", "path": side.uri("gone")}, label="open nothing")
    for name in ("", "a\0b", "é", "n" * 1024, "n" * 1025):
        await talk.ask("fs/open", {"handleId": name, "path": side.uri("empty")},
                       label=f"handle {name[:10]!r} of {len(name)}")
        await talk.request("fs/close", {"handleId": name})
    for i in range(130):
        await talk.ask("fs/open", {"handleId": f"many {i}", "path": side.uri("empty")}, label=f"many {i}")
    await talk.ask("fs/close", {"handleId": "many 3"}, label="one less")
    await talk.ask("fs/open", {"handleId": "again", "path": side.uri("empty")}, label="one more")


async def walks(side):
    populate(side)
    for i in range(5):
        os.makedirs(side.path(f"deep/{'d/' * i}"), exist_ok=True)
        with open(side.path(f"deep/{'d/' * i}/f{i}"), "w", encoding="utf-8"):
            pass
    os.mkdir(side.path("hollow/.h"))
    talk = await side.talk()

    async def walk(name, **options):
        await talk.ask("fs/walk", {"path": side.uri(name), "options": {**WALK, **options}}, label=f"{name} {options}")

    for depth in (0, 1, 2, 3, 4, 5, 64, 65):
        await walk("deep", maxDepth=depth)
    for limit in (0, 1, 2, 3, 5, 8, 10000, 10001, 50000, 50001):
        await walk("deep", maxDirectories=limit)
        await walk("deep", maxEntries=limit)
        await walk("full", maxEntries=limit)
    for follow in (True, False):
        for prune in (True, False):
            for name in ("", "full", "hollow", "to-full", ".hidden"):
                await walk(name, followDirectorySymlinks=follow, pruneHiddenDirectories=prune)
    await talk.ask("fs/walk", {"path": side.uri("full"), "options": {k: v for k, v in WALK.items() if k[0] != "p"}},
                   label="unpruned?")
    await talk.ask("fs/walk", {"path": side.uri("full"), "options": {**WALK, "maxDepth": 1, "maxEntries": 0}},
                   label="no entries")


async def watch_answers(side):
    populate(side)
    talk = await side.talk()
    gone, file = side.uri("gone"), side.uri("file")
    n = 0
    for label, params in (
        ("missing", {"missing": [gone]}), ("nothing", {"missing": []}), ("there", {"missing": [file]}),
        ("one is there", {"missing": [gone, file]}),
        ("present", {"missing": [gone], "present": file}), ("present alone", {"missing": [], "present": file}),
        ("present is not", {"missing": [gone], "present": gone}), ("below nothing", {"missing": [side.uri("gone/deeper")]}),
        ("below a file", {"missing": [side.uri("file/below")]}), ("dangling", {"missing": [side.uri("dangling")]}),
        ("loop", {"missing": [side.uri("loop")]}), ("twice the same", {"missing": [gone, gone]}),
        ("bad", {"missing": ["a"]}),
        ("too long", {"missing": [side.uri("n" * 300)]}), ("present a directory",
                                                           {"missing": [gone], "present": side.uri("full")}),
    ):
        n += 1
        await talk.ask("fs/watchMissing", {"watchId": n, **params}, label=label)
    for number in (n, n - 1, 0, 1000, 1000, 999, 1001):
        await talk.ask("fs/watchMissing", {"watchId": number, "missing": [gone]}, label=f"number {number}")


async def watch_told(side, ready, act, missing, present=None):
    """One watch, and what makes it speak."""
    populate(side)
    if ready:
        ready(side)
    talk = await side.talk()
    await talk.ask("fs/watchMissing", {"watchId": 3, "missing": [side.uri(name) for name in missing],
                                       "present": present and side.uri(present)}, label="watch")
    act(side)
    await talk.until(lambda: talk.others, "fs/missingChanged")
    await talk.request("environment/status")
    side.note("told", talk.others)


def touch(name):
    def act(side):
        with open(side.path(name), "x", encoding="utf-8"):
            pass

    return act


def cases():
    found = [(f"uri {text!r}", functools.partial(uri, text=text)) for text in URIS]
    for function in (blocks_read, blocks_written, handles, walks, watch_answers):
        found.append((function.__name__.replace("_", " "), function))
    for name, ready, act, missing, present in (
        ("file", None, touch("gone"), ["gone"], None),
        ("directory", None, lambda s: os.mkdir(s.path("gone")), ["gone"], None),
        ("link", None, lambda s: os.symlink("nowhere", s.path("gone")), ["gone"], None),
        ("moved in", None, lambda s: os.rename(s.path("file"), s.path("gone")), ["gone"], None),
        ("above", None, lambda s: os.mkdir(s.path("gone")), ["gone/deeper/still"], None),
        ("second", None, touch("gone 2"), ["gone", "gone 2"], None),
        ("present gone", None, lambda s: os.unlink(s.path("file")), ["gone"], "file"),
        ("present moved", None, lambda s: os.rename(s.path("file"), s.path("elsewhere")), ["gone"], "file"),
    ):
        found.append((f"watch {name}", functools.partial(watch_told, ready=ready, act=act, missing=missing,
                                                         present=present)))
    return found
