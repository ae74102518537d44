"""Requests about files in both dialects that have them, and folders to try them on."""

import contextlib
import os
import tempfile
import urllib.parse

from support import b64, v1

from px.tap import deadline

MB = 1 << 20
OLD, NEW = b"old\n" * 1000, b"new\n" * (MB // 2)
BLOCK_MAX = MB


class Files:
    """A connection that works on files, in the words of its dialect; those of v1 are taken for both."""

    def __init__(self, conn):
        self.conn = conn

    def __call__(self, verb, *args, **params):
        return self.conn.request(*self.words(verb, *args, **params))

    def ask(self, verb, *args, **params):
        """Sends it; awaiting what it returns gives the whole response."""
        return self.conn.ask(*self.words(verb, *args, **params))


class V1(Files):
    chunk, length = "chunk", "length"
    walk_max = 200_000

    @classmethod
    async def connect(cls, server, scheme=None):
        return cls(await v1(server, scheme, capabilities={"experimentalApi": True}))

    def words(self, verb, path=None, data=None, **params):
        if path is not None:
            params["from" if verb == "copy" else "path"] = path
        if data is not None:
            params["chunk"] = b64(data)
        return f"fs/{verb}", params

    async def listed(self, path):
        """{name: is it a directory}"""
        return {one["name"]: one["kind"] == "directory" for one in (await self("readDirectory", path))["entries"]}

    async def walked(self, path, **limits):
        return await self("walk", path, **limits)


class Codex(Files):
    chunk, length = "dataBase64", "len"
    walk_max = 50_000

    @classmethod
    async def connect(cls, server, scheme=None):
        conn = await server.connect(scheme)
        await conn.initialize_codex()
        return cls(conn)

    def words(self, verb, path=None, data=None, **params):
        if path is not None:
            params["sourcePath" if verb == "copy" else "path"] = uri(path)
        if "to" in params:
            params["destinationPath"] = uri(params.pop("to"))
        if verb == "copy":
            params.setdefault("recursive", False)
        if data is not None:
            params["chunk" if verb == "writeBlock" else "dataBase64"] = b64(data)
        if "missing" in params:
            params["missing"] = list(map(uri, params["missing"]))
        return f"fs/{verb}", params

    async def listed(self, path):
        return {one["fileName"]: one["isDirectory"] for one in (await self("readDirectory", path))["entries"]}

    async def walked(self, path, **limits):
        options = {"maxDepth": 64, "maxDirectories": 10_000, "maxEntries": self.walk_max, "followDirectorySymlinks": False,
                   "pruneHiddenDirectories": False, **limits}
        return await self("walk", path, options=options)


DIALECTS = (V1, Codex)


def uri(path):
    return "file://" + urllib.parse.quote(os.fsencode(path))


def in_both(test):
    """The test once for each dialect."""

    async def both(t):
        for dialect in DIALECTS:
            await test(t, dialect)

    both.__doc__ = test.__doc__
    return deadline(120)(both)


@contextlib.contextmanager
def many_files():
    """A folder in memory, where there is one: very many files are quick there."""
    with tempfile.TemporaryDirectory(prefix="px-test-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        yield folder


def put(path, data=OLD):
    with open(path, "wb") as f:
        f.write(data)
    return path


def content(path):
    with open(path, "rb") as f:
        return f.read()


def temporary(folder):
    """Names under which a file is only while it is written."""
    return [name for _, folders, names in os.walk(folder) for name in folders + names if name.startswith(".ptyexec-")]


def make_tree(folder, directories=10, files=10, data=b"x" * 10_000):
    os.mkdir(folder)
    for i in range(directories):
        os.mkdir(f"{folder}/d{i}")
        for j in range(files):
            put(f"{folder}/d{i}/f{j}", data)
    return folder


def whole_tree(folder, data=b"x" * 10_000):
    """Every file that is there is whole."""
    for top, _, names in os.walk(folder):
        for name in names:
            assert content(f"{top}/{name}") == data, f"{top}/{name}"
