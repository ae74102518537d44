"""The Codex CLI at work for a test: a home, a folder and a model of its own, and the server that the test names."""

import asyncio
import contextlib
import json
import os
import pathlib
import signal
import sys

_TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_TESTS / "lib"), str(_TESTS / "e2e")]

from model import Model  # noqa: E402

from px.deadline import within  # noqa: E402
from px.server import ended, spawn  # noqa: E402

UNCONFINED = ("--dangerously-bypass-approvals-and-sandbox",)
# The CLI goes by a model's name: these call tools one by one, or write scripts that do.
CALLS_TOOLS, WRITES_SCRIPTS = "gpt-5.5", "gpt-6-sol"


def sandboxed(mode):
    return ("--sandbox", mode)


def program():
    path = os.environ.get("PX_CODEX")
    if not path:
        raise RuntimeError("PX_CODEX must name the Codex CLI")
    return os.path.abspath(path)


def project(t):
    """A new folder that the CLI takes for a project of its own."""
    folder = pathlib.Path(t.folder())
    (folder / ".git").mkdir()
    return folder


def _config(model, name):
    return f"""
model = {json.dumps(name)}
model_provider = "test"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.test]
name = "test"
base_url = {json.dumps(model.url)}
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
"""


class Codex:
    """
    One CLI, which has been asked to do something. 'work' is the folder it works
    in, 'model' what it asks. Each has its own process group.
    """

    def __init__(self, work, model):
        self.work, self.model = work, model
        self.killed = False

    @classmethod
    async def start(cls, t, url=None, *, environments=None, mode=UNCONFINED, work=None, name=CALLS_TOOLS):
        """
        The server is the one at 'url', or in 'environments', which is the text
        of environments.toml. 'work' is a new project unless given.
        """
        home = pathlib.Path(t.folder())
        self = cls(work or project(t), await Model.start())
        (home / "config.toml").write_text(_config(self.model, name))
        # No proxy of the environment stands between the CLI and loopback.
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home), "LANG": "C.UTF-8"}
        if url is not None:
            env["CODEX_EXEC_SERVER_URL"] = url
        if environments is not None:
            (home / "environments.toml").write_text(environments)
        self._log = home / "log"
        with open(self._log, "wb") as log:
            self.process = await spawn(
                program(), "exec", "--skip-git-repo-check", "--json", "--cd", str(self.work), *mode, "go on",
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True)
        self._watcher = asyncio.get_running_loop().create_task(self._watch())
        return self

    async def _watch(self):
        status = await ended(self.process)
        self.model.hang_up(f"the CLI ended with status {status}: {self.log()}")
        return status

    def log(self):
        return self._log.read_text(errors="replace")[-3000:]

    def kill(self):
        """The launcher and the program: at once, and nothing is said to the server."""
        self.killed = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    async def wait(self):
        """The exit status."""
        return await within(asyncio.shield(self._watcher), "end of the CLI")

    async def end(self):
        """The model has done; so must the CLI have."""
        await self.model.end()
        status = await self.wait()
        assert status == 0, f"the CLI ended with status {status}: {self.log()}"

    async def clear(self):
        self.kill()
        await self.wait()
        await self.model.close()


@contextlib.asynccontextmanager
async def working(t, *args, **options):
    """A CLI whose model says what the body says; at the end, that it is done."""
    codex = await Codex.start(t, *args, **options)
    try:
        yield codex
        if not codex.killed:
            await codex.end()
    except Exception as failure:
        failure.add_note(f"the CLI's log: {codex.log()}")
        raise
    finally:
        await codex.clear()
