#!/usr/bin/python3
"""libptyexec as others get it: what it exports, how it is found, that C and C++ programs build and run with it."""

import re
import sys

from installed import HEADERS, LINK, SOURCE, declarations, installed, run

from px import tap

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
LANGUAGES = {
    "c11": ["cc", "-std=c11", *STRICT, "-Wstrict-prototypes"],
    "c++11": ["g++", "-x", "c++", "-std=c++11", *STRICT],
    "c++20": ["g++", "-x", "c++", "-std=c++20", *STRICT],
}
HERE = SOURCE / "tests/install"
# What sanitizers and coverage bring along.
RUNTIME = re.compile(r"__(asan|ubsan|tsan|gcov|odr_asan)|mangle_path$")


async def symbols(*words):
    """What nm lists: {name: its type's letter}."""
    rows = [line.split() for line in (await run("nm", "--format=posix", *words)).splitlines()]
    return {row[0]: row[1] for row in rows if len(row) > 1 and not RUNTIME.match(row[0])}


async def test_exports(t):
    """The shared library has the functions of the headers: none is missing, and there is nothing else."""
    tree = await installed()
    found = await symbols("--dynamic", "--defined-only", "--extern-only", tree.so)
    assert set(found) == set(declarations()), set(found) ^ set(declarations())
    assert set(found.values()) == {"T"}, found


async def test_archive_exports(t):
    """So has the static one, although its objects need each other."""
    tree = await installed()
    found = await symbols("--defined-only", "--extern-only", tree.archive)
    assert set(found) == set(declarations()), set(found) ^ set(declarations())


async def test_archive_is_whole(t):
    """What the static library lacks are functions of others: it names none of ours."""
    tree = await installed()
    missing = await symbols("--undefined-only", tree.archive)
    assert missing and not [name for name in missing if name.startswith("px_")], missing


async def test_shared_object(t):
    """It has a soname, is bound at once, has no writable code and no executable stack, knows no build path."""
    tree = await installed()
    dynamic = await run("readelf", "--dynamic", "--wide", tree.so)
    version = (await tree.flags("--modversion"))[0]
    assert f"Library soname: [libptyexec.so.{version.split('.')[0]}]" in dynamic, dynamic
    assert (tree.libdir / f"libptyexec.so.{version}").is_file() and tree.so.is_symlink()
    assert re.search(r"FLAGS\S*\).*NOW", dynamic), dynamic
    for word in ("TEXTREL", "RPATH", "RUNPATH"):
        assert word not in dynamic, dynamic
    stack = re.search(r"GNU_STACK.*", await run("readelf", "--program-headers", "--wide", tree.so))
    assert stack and "RWE" not in stack[0], stack


async def test_needs(t):
    """What the shared library needs is named by pkg-config for those who link the static one."""
    tree = await installed()
    dynamic = await run("readelf", "--dynamic", "--wide", tree.so)
    needed = set(re.findall(r"\(NEEDED\).*\[lib([a-z_]+)", dynamic)) - {"c", "asan", "ubsan", "tsan", "gcov"}
    named = {flag[2:] for flag in await tree.flags("--static", "--libs") if flag.startswith("-l")}
    assert needed and needed <= named, (needed, named)


async def test_headers(t):
    """Each public header stands alone, in every language; all together do too."""
    tree = await installed()
    cflags = await tree.flags("--cflags")
    names = [header.name for header in HEADERS]
    assert sorted(path.name for path in (tree.prefix / "include/ptyexec").iterdir()) == names
    folder = t.folder()
    for which in [[name] for name in names] + [names, names[::-1]]:
        source = f"{folder}/headers.c"
        with open(source, "w", encoding="utf-8") as file:
            file.writelines(f"#include <ptyexec/{name}>\n" for name in which * 2)
            file.write("int main(void) { return 0; }\n")
        for compiler in LANGUAGES.values():
            await run(*compiler, *cflags, "-fsyntax-only", source)


async def test_stranger(t):
    """A program compiles without a warning, links, runs a command: in C and C++, shared and static."""
    tree = await installed()
    for language, compiler in LANGUAGES.items():
        for static in (False, True):
            program = f"{t.folder()}/stranger"
            await tree.compile(compiler, HERE / "stranger.c", program, static=static)
            needed = await run("readelf", "--dynamic", program)
            assert ("libptyexec" in needed) != static, needed
            env = None if static else tree.env
            assert await run(program, "sh", "-c", "echo $0; exit 7", language, status=7, env=env) == f"{language}\n"


async def test_unload(t):
    """It can be loaded, used, unloaded without a trace, and loaded again."""
    tree = await installed()
    program = f"{t.folder()}/unload"
    await run("cc", *STRICT, *await tree.flags("--cflags"), HERE / "unload.c", "-o", program, *LINK)
    assert await run(program, tree.so) == 4 * "hello\n"


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
