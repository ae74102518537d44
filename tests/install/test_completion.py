#!/usr/bin/python3
"""What shells offer for a ptyexec command line that is being typed: in bash, zsh and fish themselves."""

import os
import re
import sys

from installed import SOURCE, installed, run

from px import tap

HERE = SOURCE / "tests/install"


async def environment(t):
    """The installed programs, and an own server that is this test's alone."""
    tree = await installed()
    env = {name: value for name, value in os.environ.items() if not name.startswith("PTYEXEC")}
    return {**env, "PATH": f"{tree.prefix}/bin:{env['PATH']}", "XDG_RUNTIME_DIR": t.folder(), "HOME": t.folder()}


async def shown(env, *words):
    return (await run("ptyexec", *words, env=env)).splitlines()


async def commands(env):
    return {line.split()[0] for line in await shown(env, "help") if re.match(r"  [a-z]", line)}


async def bash(env, *words):
    tree = await installed()
    script = tree.prefix / "share/bash-completion/completions/ptyexec"
    # It is asked outside of readline, which bash-completion notices and tells.
    offers = await run("bash", HERE / "complete.bash", script, "ptyexec", *words, env=env)
    return {line.rstrip() for line in offers.splitlines() if "compopt: not currently" not in line}


async def zsh(env, *words):
    tree = await installed()
    folder = tree.prefix / "share/zsh/site-functions"
    return set((await run("zsh", "-f", HERE / "complete.zsh", folder, " ".join(["ptyexec", *words]), env=env)).split())


async def fish(env, *words):
    tree = await installed()
    script = tree.prefix / "share/fish/vendor_completions.d/ptyexec.fish"
    ask = f"source {script}; complete -C '{' '.join(['ptyexec', *words])}'"
    return {line.split("\t")[0] for line in (await run("fish", "--no-config", "-c", ask, env=env)).splitlines()}


async def offers(t, shell):
    """What each shell has to know; the words themselves are the program's, and compared below."""
    env = await environment(t)
    assert await shell(env, "") == await commands(env)
    assert await shell(env, "run", "--ti") == {"--timeout"}
    assert await shell(env, "help", "snap") == {"snapshot"}
    assert await shell(env, "server", "sta") == {"start", "status"}
    assert await shell(env, "signal", "any", "WIN") == {"WINCH"}
    assert {word.strip("/").split("/")[-1] for word in await shell(env, "run", "--cwd", "/us")} == {"usr"}
    # The rest of the line is another program's: here one whose completion is known.
    assert await shell(env, "run", "-T", "--", "ptyexec", "server", "sto") == {"stop"}
    assert await shell(env, "no-such-command", "") == set()


async def names(t, shell):
    """The sessions that are there, without starting a server for it."""
    env = await environment(t)
    assert await shell(env, "logs", "w") == set()
    assert not os.path.exists(f"{env['XDG_RUNTIME_DIR']}/ptyexec/server.sock")
    for name in ("web.1", "web.2", "other"):
        await run("ptyexec", "start", "--name", name, "sleep", "1000", env=env)
    assert await shell(env, "logs", "w") == {"web.1", "web.2"}
    assert await shell(env, "kill", "web.1", "o") == {"other"}
    assert await shell(env, "logs", "--workspace", "elsewhere", "w") == set()
    await run("ptyexec", "server", "stop", "--force", env=env)


async def test_bash(t):
    """bash: commands, options, choices, folders, other programs."""
    await offers(t, bash)


async def test_zsh(t):
    """zsh: the same."""
    await offers(t, zsh)


async def test_fish(t):
    """fish: the same."""
    await offers(t, fish)


async def test_bash_names(t):
    """bash: names of sessions."""
    await names(t, bash)


async def test_zsh_names(t):
    """zsh: names of sessions."""
    await names(t, zsh)


async def test_fish_names(t):
    """fish: names of sessions."""
    await names(t, fish)


async def complete(env, *words):
    """The answer to a shell: (its kind, the words)."""
    lines = await shown(env, "complete", "--", *words)
    return lines[0], {line.split("\t")[0] for line in lines[1:]}


async def test_options(t):
    """Every option that a command's help lists is offered, and no other."""
    env = await environment(t)
    for command in await commands(env) - {"help"}:
        rows = [line for line in await shown(env, "help", command) if re.match(r"  -", line)]
        # A long name where there is one: "  -h, --help   text", "  -t   text"
        listed = {re.search(r"(--[a-z-]+)|(-[A-Za-z])", row)[0] for row in (re.sub(r"-\w, ", "", row) for row in rows)}
        assert listed and await complete(env, command, "-") == ("words", listed), (command, listed)


async def test_values(t):
    """The value of an option is no operand, wherever it stands; what is wrong is no reason to guess."""
    env = await environment(t)
    assert await complete(env, "run", "--cwd=") == ("dirs", set())
    assert await complete(env, "send", "--file", "") == ("files", set())
    assert await complete(env, "wait", "--match", "-") == ("words", set())
    assert await complete(env, "--url", "ps", "sna") == ("words", {"snapshot"})
    assert await complete(env, "run", "--env", "A=B", "-T", "make", "-") == ("command 4", set())
    assert await complete(env, "run", "--", "make", "") == ("command 2", set())
    assert await complete(env, "wait", "--no-such=") == ("words", set())
    assert await complete(env, "server", "stop", "") == ("words", set())


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
