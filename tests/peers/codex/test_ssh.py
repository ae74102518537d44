#!/usr/bin/python3
"""The Codex CLI has its server start on another machine, by ssh: a real one, whose connection is a pair of pipes."""

import getpass
import os
import pathlib
import shlex
import subprocess
import sys

from codex import working
from model import SHORT_MS
from support import Watched
from test_environments import environments

from px import tap
from px.server import binary


def _key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


def _sshd(folder):
    """The command of an sshd for one connection. Root's wants a user and a directory that its package would make."""
    config = folder / "sshd_config"
    config.write_text(f"HostKey {_key(folder / 'host')}\nAuthorizedKeysFile {_key(folder / 'user')}.pub\n"
                      "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nLogLevel ERROR\n")
    command = [os.environ["PX_SSHD"], "-i", "-e", "-f", config]
    if os.geteuid() == 0:
        users = folder / "passwd"
        users.write_text(pathlib.Path("/etc/passwd").read_text() + "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n")
        command[:0] = ["bwrap", "--cap-add", "ALL", "--dev-bind", "/", "/", "--ro-bind", users, "/etc/passwd",
                       "--tmpfs", "/run", "--dir", "/run/sshd", "--"]
    return shlex.join(map(str, command))


def _ssh(folder):
    """The arguments of an ssh for which "host" is that sshd."""
    config = folder / "ssh_config"
    config.write_text(f"Host host\n  User {getpass.getuser()}\n  IdentityFile {folder / 'user'}\n  IdentitiesOnly yes\n"
                      "  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n"
                      f"  ProxyCommand {_sshd(folder)}\n")
    return ["-F", str(config), "host"]


async def test_ssh(t):
    """A command knows that it came by ssh, input and files go the same way, and the end takes everything along."""
    arguments = _ssh(pathlib.Path(t.folder()))
    async with working(t, environments=environments(program="ssh", args=[*arguments, binary()])) as codex:
        told = await codex.model.run("test -n \"$SSH_CONNECTION\" && ps -o comm= -p $PPID; exit 3")
        assert (told.status, told.output) == (3, "ptyexecd\n"), told
        told = await codex.model.begin("setsid sleep 100000 & echo $PPID $! ready; cat", "ready", tty=True)
        *pids, _ = told.output.split()
        processes = Watched.all(map(int, pids))
        assert len(processes) == 2, pids
        told = await codex.model.write(told.session, "word\n", yield_time_ms=SHORT_MS)
        await codex.model.until("word\r\nword", told)
        told = await codex.model.patch("*** Add File: new", "+x")
        assert (codex.work / "new").read_text() == "x\n", told
    for process in processes:
        await process.gone()


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
