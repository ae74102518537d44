"""What 'meson install' makes, and what a stranger does with it: compilers, pkg-config, binutils."""

import asyncio
import fcntl
import os
import pathlib
import re
import shlex
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

from px.deadline import within  # noqa: E402
from px.server import ended, spawn  # noqa: E402

PIPE = asyncio.subprocess.PIPE
SOURCE = pathlib.Path(os.environ["PX_SOURCE"])
BUILD = pathlib.Path(os.environ["PX_BUILD"])
PREFIX = os.environ["PX_PREFIX"].lstrip("/")
LIBDIR = os.environ["PX_LIBDIR"]
HEADERS = sorted((SOURCE / "include/ptyexec").glob("*.h"))

# With sanitizers or coverage, what links the library must bring their runtime.
LINK = shlex.split(os.environ.get("PX_LINK_ARGS", ""))


async def run(*words, status=0, quiet=False, **options):
    """What a command that must end with 'status' writes to both streams; 'quiet': to stderr alone."""
    words = [str(word) for word in words]
    first = asyncio.subprocess.DEVNULL if quiet else PIPE
    second = PIPE if quiet else asyncio.subprocess.STDOUT
    process = await spawn(*words, stdin=asyncio.subprocess.DEVNULL, stdout=first, stderr=second, **options)
    stream = process.stderr if quiet else process.stdout
    output = (await within(stream.read(), f"end of {words[0]}", 60)).decode(errors="replace")
    result = await within(ended(process), f"end of {words[0]}")
    assert result == status, f"{shlex.join(words)} ended with {result}:\n{output}"
    return output


def declarations():
    """The functions of the public headers: {name: (result, [argument])}."""
    text = "".join(header.read_text() for header in HEADERS)
    text = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL))
    found = re.findall(r"PX_API ([^;(]*?)(\w+)\(([^;]*)\);", text)
    return {name: (result.strip(), arguments.strip().split(", ")) for result, name, arguments in found}


class Installed:
    """A tree of its own, as a package would bring it."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="px-install-", ignore_cleanup_errors=True)
        self.root = pathlib.Path(self._folder.name).resolve()
        self.prefix = self.root / PREFIX
        self.libdir = self.prefix / LIBDIR
        self.so, self.archive = self.libdir / "libptyexec.so", self.libdir / "libptyexec.a"

    async def make(self):
        with open(BUILD / "meson-logs/install.lock", "w", encoding="utf-8") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)  # it writes its log into the build folder
            await run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", self.root)
        return self

    async def flags(self, *options, packages=()):
        """What pkg-config says: the tree's files are found below the sysroot, the system's own stay where they are."""
        env = {
            **os.environ,
            "PKG_CONFIG_PATH": str(self.libdir / "pkgconfig"),
            "PKG_CONFIG_SYSROOT_DIR": str(self.root),
        }
        return shlex.split(await run("pkg-config", *options, "libptyexec", *packages, env=env))

    async def compile(self, compiler, source, output, *, static=False, packages=()):
        """A program that uses the library as its documentation says."""
        how = ["--static"] if static else []
        flags = await self.flags("--cflags", "--libs", *how, packages=packages)
        if static:
            flags = ["-l:libptyexec.a" if flag == "-lptyexec" else flag for flag in flags]
        await run(*compiler, source, "-o", output, *flags, *LINK)

    @property
    def env(self):
        """The environment in which programs find the library."""
        return {**os.environ, "LD_LIBRARY_PATH": str(self.libdir)}


_trees = []


async def installed():
    """The one tree of this run."""
    if not _trees:
        _trees.append(await Installed().make())
    return _trees[0]
