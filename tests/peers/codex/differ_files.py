"""Methods of files, each with every kind of file there is; and the tree that is left of it."""

import functools
import os
import socket

NAMES = {
    "a file": "file", "an empty file": "empty", "a directory": "full", "an empty directory": "hollow",
    "nothing": "gone", "nothing in nothing": "gone/deeper", "below a file": "file/below",
    "a link to a file": "to-file", "a link to a directory": "to-full", "through a link": "to-full/inner",
    "a dangling link": "dangling", "a loop": "loop", "through a loop": "loop/inner", "a socket": "socket",
    "a FIFO": "fifo",
    "the folder": "", "a file and a slash": "file/", "a directory and a slash": "full/",
    "a directory and dots": "full/../full/.",
    "through nothing and back": "gone/../file", "two slashes": "full//inner", "a link and a slash": "to-full/",
    "odd": "odd a#%?é\"\\",
    "not UTF-8": b"\xff\xfe", "a name too long": "n" * 256, "a path too long": ("n" * 200 + "/") * 21,
    "a hidden file": ".hidden",
    "read only": "read-only",
}
PLACES = {"a device": "/dev/null", "a terminal": "/dev/ptmx", "of proc": "/proc/filesystems", "the root": "/",
          "proc": "/proc/version"}
WALK = {"maxDepth": 5, "maxDirectories": 100, "maxEntries": 1000, "followDirectorySymlinks": True,
        "pruneHiddenDirectories": True}


def populate(side):
    os.umask(0o022)
    for name in ("full/inner-directory", "full/.hidden-directory", "hollow"):
        os.makedirs(side.path(name))
    for name, text in (("file", "content"), ("empty", ""), ("full/inner", "inner"), (NAMES["odd"], "odd"),
                       (".hidden", "h"),
                       ("full/inner-directory/leaf", "leaf"), ("full/.hidden-directory/leaf", "leaf"),
                       ("read-only", "r")):
        with open(side.path(name), "w", encoding="utf-8") as file:
            file.write(text)
    os.chmod(side.path("read-only"), 0o444)
    os.chmod(side.path("full/inner"), 0o751)
    for name, target in (("to-file", "file"), ("to-full", "full"), ("dangling", "nowhere"), ("loop", "loop"),
                         ("full/up", "..")):
        os.symlink(target, side.path(name))
    os.mkfifo(side.path("fifo"))
    listener = socket.socket(socket.AF_UNIX)
    here = os.open(side.folder, os.O_PATH | os.O_CLOEXEC)
    listener.bind(f"/proc/self/fd/{here}/socket")
    os.close(here)
    listener.close()


def encoded(name):
    return "".join(chr(b) if chr(b).isalnum() and b < 128 or chr(b) in "/-._" else f"%{b:02X}"
                   for b in (name if isinstance(name, bytes) else name.encode()))


def uri_of(side, kind):
    return "file://" + (PLACES[kind] if kind in PLACES else f"{side.folder}/{encoded(NAMES[kind])}" if NAMES[kind] else side.folder)


async def looked_at(side, method, kind, **params):
    """What changes nothing."""
    populate(side)
    talk = await side.talk()
    answer = await talk.ask(method, {"path": uri_of(side, kind), **params}, label="answer")
    for member in ("entries", "errors"):  # in no order
        answer.get("result", {}).get(member, []).sort(key=str)
    side.seen["answer"] = side.plain({**answer})
    if method == "fs/open" and "result" in answer:
        await talk.ask("fs/readBlock", {"handleId": "h", "offset": 0, "len": 100}, label="block")


async def changed(side, method, kind, **params):
    """What changes something: the answer, and the tree afterwards."""
    populate(side)
    talk = await side.talk()
    await talk.ask(method, {"path": uri_of(side, kind), **params}, label="answer")
    side.note("tree", side.tree())


async def copied(side, kind, to, recursive):
    populate(side)
    talk = await side.talk()
    await talk.ask("fs/copy", {"sourcePath": uri_of(side, kind), "destinationPath": uri_of(side, to),
                               "recursive": recursive},
                   label="answer")
    side.note("tree", side.tree())


# Opening the one, and reading the other to its end, takes the CLI's own server as long as it takes.
WAITS = {("fs/writeFile", "a FIFO"), ("fs/open", "a FIFO"), ("fs/readDirectory", "proc")}


def cases():
    found = []
    kinds = [*NAMES, *PLACES]

    def add(function, name, method, **params):
        found.extend((f"{name} {kind}", functools.partial(function, method=method, kind=kind,
                                                          **params)) for kind in kinds
                     if (method, kind) not in WAITS and not (function is changed and kind in PLACES))

    for method in ("fs/getMetadata", "fs/canonicalize", "fs/readFile", "fs/readDirectory"):
        add(looked_at, method, method)
    add(looked_at, "fs/open", "fs/open", handleId="h")
    found += [(f"fs/walk {kind}", functools.partial(looked_at, method="fs/walk", kind=kind, options=WALK))
              for kind in NAMES]
    for method in ("fs/getMetadata", "fs/readFile"):
        add(looked_at, f"{method} unfollowed", method, followSymlinks=False)
    add(changed, "fs/writeFile", "fs/writeFile", dataBase64="bmV3")
    add(changed, "fs/writeFile unfollowed", "fs/writeFile", dataBase64="bmV3", followSymlinks=False)
    add(changed, "fs/open replace", "fs/open", handleId="h", mode="replace")
    for name, params in (("", {}), (" alone", {"recursive": False}), (" unfollowed", {"followSymlinks": False})):
        add(changed, f"fs/createDirectory{name}", "fs/createDirectory", **params)
        add(changed, f"fs/remove{name}", "fs/remove", **params)
    add(changed, "fs/remove firm", "fs/remove", force=False)
    add(changed, "fs/remove firm alone", "fs/remove", force=False, recursive=False)
    for to in ("nothing", "a file", "an empty directory", "a directory", "a link to a file", "a link to a directory",
               "a dangling link"):
        for kind in NAMES:
            for recursive in (False, True):
                name = f"fs/copy {kind} to {to}{' whole' if recursive else ''}"
                found.append((name, functools.partial(copied, kind=kind, to=to, recursive=recursive)))
    for to in ("nothing in nothing", "below a file", "the folder", "through a link", "a loop", "a name too long"):
        for kind in ("a file", "a directory"):
            found.append((f"fs/copy {kind} to {to} whole", functools.partial(copied, kind=kind, to=to, recursive=True)))
    return found
