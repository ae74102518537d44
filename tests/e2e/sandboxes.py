"""Clients of the dialect codex that ask for sandboxes."""

import asyncio
import os
import urllib.parse

from support import unb64

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
