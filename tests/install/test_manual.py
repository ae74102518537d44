#!/usr/bin/python3
"""The manual pages: they are well formed, and say of each program and function what it says of itself."""

import re
import sys

from installed import HEADERS, SOURCE, declarations, installed, run

from px import tap

# What callers fill in, or are told by name.
FILLED_IN = ["px_client_options", "px_command", "px_command_limits", "px_until", "px_yield", "px_walk"]
TOLD = ["px_error_code", "px_event_type", "px_slow_consumer", "px_disposition", "px_file_kind"]


async def page(name):
    """The source of an installed page."""
    tree = await installed()
    return (tree.prefix / f"share/man/man{name[-1]}" / name).read_text()


def sections(text):
    """Subsections, and what is before the first of them (""): their source by title."""
    pieces = re.split(r"^\.S[sh] (.*)\n", text, flags=re.MULTILINE)
    return dict(zip(["", *pieces[1::2]], pieces[::2]))


def options(text):
    """The options that a page's source marks up as such: {"--all", "-a"}."""
    found = set()
    for line in re.findall(r"^\.(.*)", text, flags=re.MULTILINE):
        is_option = False
        for word in line.split():
            if re.fullmatch(r"[A-Z][a-z]", word):
                is_option = word == "Fl"
            elif is_option and re.fullmatch(r"-?\w[\w-]*", word):
                found.add(f"-{word}")
    return found


def help_options(text):
    """The options at the beginning of the lines of a help text, --[no-]name as both."""
    found = set()
    for line in re.findall(r"^  (-.*)", text, flags=re.MULTILINE):
        # Up to the value's name, or two spaces.
        for word in re.match(r"-[^\s,]+(, -[^\s,]+)*", line)[0].split(", "):
            found |= {word.replace("[no-]", ""), word.replace("[no-]", "no-")} if "[no-]" in word else {word}
    return found


async def told_by(program, *words):
    tree = await installed()
    return await run(tree.prefix / "bin" / program, *words)


async def test_well_formed(t):
    """Neither of the two programs that show manual pages has anything to say about them."""
    tree = await installed()
    pages = sorted((tree.prefix / "share/man").glob("man*/*"))
    assert [page.name for page in pages] == ["ptyexec.1", "libptyexec.3", "ptyexecd.8"], pages
    for path in pages:
        assert await run("mandoc", "-T", "lint", "-W", "warning", path) == ""
        assert await run("man", "--warnings", "-E", "UTF-8", "-Tutf8", "-Z", "-l", path, quiet=True) == ""


async def test_server_options(t):
    """ptyexecd(8) has the options of 'ptyexecd --help', of a pair at least one, and no others."""
    text, shown = await page("ptyexecd.8"), help_options(await told_by("ptyexecd", "--help"))
    assert len(shown) > 20 and options(text) <= shown, options(text) - shown
    missing = {name for name in shown if {name, name.replace("--no-", "--"), f"--no-{name[2:]}"}.isdisjoint(options(text))}
    assert not missing, missing


async def test_log_events(t):
    """ptyexecd(8) has each event that the server logs, and no others."""
    text = "".join(path.read_text() for path in (SOURCE / "src").rglob("*.c"))
    logged = re.findall(r'px_log_event\(.*?PX_LOG_\w+,\s*"(\w+)"', text, flags=re.DOTALL)
    assert len(logged) == text.count("px_log_event("), "an event whose name is not written where it is logged"
    listed = re.findall(r"^\.It Cm (.*)", sections(await page("ptyexecd.8"))["Log"], flags=re.MULTILINE)
    listed = {word for line in listed for word in line.split(" , ")}
    assert set(logged) == listed, set(logged) ^ listed


async def test_commands(t):
    """ptyexec(1) has each command that 'ptyexec help' lists, with its own options and no others."""
    parts, shown = sections(await page("ptyexec.1")), await told_by("ptyexec", "help")
    common = options(parts["DESCRIPTION"])
    assert common | {"--version"} == help_options(shown) , common ^ help_options(shown)
    commands = set(re.findall(r"^  ([a-z][a-z-]*) ", shown, flags=re.MULTILINE)) - {"help"}
    assert commands == {title.removeprefix("ptyexec ") for title in parts if title.startswith("ptyexec ")}
    for command in commands:
        text = parts[f"ptyexec {command}"]
        own = help_options(await told_by("ptyexec", "help", command)) - common
        assert own <= options(text), (command, own - options(text))
        assert options(text) - common <= own, (command, options(text) - common - own)
        assert re.match(rf"\.Cm {command}\n", text), command


async def test_exit_statuses(t):
    """The statuses that 'ptyexec help' names are in the page."""
    shown = (await told_by("ptyexec", "help")).partition("Exit status:")[2]
    listed = re.findall(r"^\.It (\d+)$", sections(await page("ptyexec.1"))["EXIT STATUS"], flags=re.MULTILINE)
    assert set(re.findall(r"\d+", shown)) <= set(listed), (shown, listed)


async def test_functions(t):
    """libptyexec(3) declares what the headers do, in the same words, and speaks of each in the text."""
    parts = sections(await page("libptyexec.3"))
    shown = {}
    for result, name, arguments in re.findall(r'^\.Ft (.*)\n\.Fn (\w+) (.*)', parts["SYNOPSIS"], flags=re.MULTILINE):
        shown[name] = (result.strip('"'), re.findall(r'"([^"]*)"', arguments))
    assert shown == declarations(), {name for name in shown if shown[name] != declarations().get(name)}
    text = "".join(part for title, part in parts.items() if title != "SYNOPSIS")
    unspoken = {name for name in shown if not re.search(rf"Fn {name}\b", text)}
    assert not unspoken, unspoken


async def test_members(t):
    """It speaks of each member that callers fill in, and of each word that they are told."""
    text = await page("libptyexec.3")
    headers = re.sub(r"/\*.*?\*/", " ", "".join(path.read_text() for path in HEADERS), flags=re.DOTALL)
    for name in FILLED_IN:
        body = re.search(rf"struct {name} {{(.*?)\n}};", headers, flags=re.DOTALL)[1]
        members = re.findall(r"(\w+)\s*[;,]", body)
        missing = {member for member in members if not re.search(rf"^\.(It )?Fa .*\b{member}\b", text, flags=re.MULTILINE)}
        assert members and not missing, (name, missing)
    for name in TOLD:
        words = re.findall(r"\bPX_\w+", re.search(rf"enum {name} {{(.*?)}};", headers, flags=re.DOTALL)[1])
        missing = {word for word in words if not re.search(rf"\b{word}\b", text)} - {"PX_ERROR_NONE"}
        assert words and not missing, (name, missing)


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
