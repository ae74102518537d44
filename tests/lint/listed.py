#!/usr/bin/python3
"""Checks that meson.build knows every source and test: tests/lint/listed.py BUILD-DIR

The lists there are explicit, so a forgotten line would be a test that nobody
runs. Reads the compile commands and the tests of a configured build directory.
"""

import json
import os
import pathlib
import subprocess
import sys


# Not tests, but imported by them.
SHARED = ["client.mjs", "peer.mjs"]


def known_files(build):
    """Every file that is compiled, or is an argument of a test."""
    with open(build / "compile_commands.json", encoding="utf-8") as file:
        for command in json.load(file):
            yield os.path.realpath(os.path.join(command["directory"], command["file"]))
    tests = subprocess.run(
        ["meson", "introspect", "--tests", build], check=True, capture_output=True, text=True
    )
    for test in json.loads(tests.stdout):
        for word in test["cmd"]:
            yield os.path.realpath(word)


def main(build):
    root = pathlib.Path.cwd()
    known = set(known_files(pathlib.Path(build)))
    # The copies that are run, ./dev test peers makes them.
    known |= {str(root / "tests/peers" / pathlib.Path(word).name) for word in known if word.endswith(".mjs")}
    wanted = [
        *root.glob("src/**/*.c"),
        *root.glob("examples/*.c"),
        *root.glob("tests/**/*.c"),
        *root.glob("tests/e2e/test_*.py"),
        *root.glob("tests/install/test_*.py"),
        *root.glob("tests/peers/*/test_*.py"),
        *root.glob("tests/conformance/run.py"),
        *(path for path in root.glob("tests/peers/*.mjs") if path.name not in SHARED),
    ]
    missing = sorted(path.relative_to(root) for path in wanted if str(path) not in known)
    for path in missing:
        print(f"{path}:1: not in meson.build")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
