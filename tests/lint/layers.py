#!/usr/bin/python3
"""Checks who includes whom: the arrows between the folders of src/, and that examples are strangers.

Prints "file:line: what is wrong" for each bad include; exit status 1 if any.
"""

import pathlib
import re
import sys

# folder: the folders whose headers it may include besides its own
ARROWS = {
    "base": [],
    "wire": ["base"],
    "transcript": ["base"],
    "tree": ["base"],
    "fs": ["base"],
    "proc": ["base", "tree"],
    "enter": ["proc"],
    "sandbox": ["base", "fs", "proc"],
    "session": ["base", "transcript", "proc"],
    "net": ["base", "wire"],
    "rpc": ["base", "wire", "transcript", "fs", "proc", "sandbox", "session", "net"],
    "server": ["base", "wire", "tree", "fs", "proc", "sandbox", "session", "net", "rpc"],
    "client": ["base", "wire", "transcript", "ptyexec"],
    "local": ["base", "transcript", "fs", "proc", "session", "client", "ptyexec"],
    "cli": ["base", "ptyexec"],
}

# Bytes in, bytes out: these touch no descriptor and own no event, so they can be fuzzed whole.
PURE = ["src/wire/*", "src/transcript/*", "src/base/json*", "src/base/fields*", "src/fs/uri*", "src/fs/rules*", "src/fs/names*"]
IMPURE = re.compile(r"sys/(socket|epoll|uio|un|wait)\.h|unistd\.h|fcntl\.h|poll\.h|netinet/.*|event2/(event|bufferevent|listener).*")

# A process is bytes and signals, a file is bytes and a name: they know neither JSON nor sockets.
NO_JSON = ["proc", "fs", "sandbox"]
NOT_THERE = re.compile(r"base/(json|json_out|fields)\.h|yajl/.*|sys/un\.h|netinet/.*")

# An example, and the programs of the install tests, have of ours what is installed.
STRANGERS = ["examples/*.[ch]", "tests/install/*.[ch]"]

GENERATED = ["px_version.h", "px_paths.h"]
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def complaint(path, quote, target, is_first):
    """What is wrong with this include in 'path' (relative, under src/), or None."""
    folder = path.parts[1]
    if any(path.match(pattern) for pattern in PURE) and IMPURE.fullmatch(target):
        return f"<{target}>: this file is pure"
    if folder in NO_JSON and NOT_THERE.fullmatch(target):
        return f'"{target}": {folder} knows no JSON and no sockets'
    if quote == "<" or target in GENERATED:
        return None
    head, slash, _ = target.partition("/")
    if not slash or head not in [*ARROWS, "ptyexec"]:
        return f'"{target}": name it from the include root, as "folder/x.h"'
    if head != folder and head not in ARROWS[folder]:
        return f'"{target}": {folder} may not include {head}'
    own = path.with_suffix(".h")
    own_name = own.relative_to("src").as_posix()
    if is_first and path.suffix == ".c" and own.exists() and target != own_name:
        return f'"{target}" comes before "{own_name}", the file\'s own header'
    return None


def strangers():
    """The includes of a stranger that reach into this tree: "path:line: what is wrong"."""
    for pattern in STRANGERS:
        for path in sorted(pathlib.Path().glob(pattern)):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                match = INCLUDE.match(line)
                if match and match[1] == '"' and not (path.parent / match[2]).is_file():
                    yield f'{path}:{number}: "{match[2]}": write <ptyexec/x.h>; the rest is not installed'


def main():
    bad = 0
    for text in strangers():
        print(text)
        bad += 1
    for path in sorted(pathlib.Path("src").rglob("*.[ch]")):
        if path.parts[1] not in ARROWS:
            print(f"{path}:1: no layer is named {path.parts[1]}")
            bad += 1
            continue
        is_first = True
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not (match := INCLUDE.match(line)):
                continue
            if text := complaint(path, match[1], match[2], is_first):
                print(f"{path}:{number}: {text}")
                bad += 1
            is_first = False
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
