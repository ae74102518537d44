#!/usr/bin/python3
"""The Codex CLI reads and writes files through our server."""

import base64
import struct
import sys
import zlib

from codex import project, working

from px import tap


def png(width, height):
    """A picture (https://www.w3.org/TR/png-3): 8 bits of each colour, all red."""

    def chunk(kind, data):
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    head = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\xff\0\0" * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def heredoc(*lines):
    """A command that hands a patch to apply_patch, as models like to write it."""
    return "\n".join(["apply_patch <<'EOF'", "*** Begin Patch", *lines, "*** End Patch", "EOF"])


async def test_patches(t):
    """Files are added, also into new folders, changed, moved and deleted, by a patch and by one within a command."""
    server = await t.server(listen=("ws",))
    async with working(t, server.url("ws")) as codex:
        work, model = codex.work, codex.model
        (work / "change").write_text("one\ntwo\nthree\n")
        (work / "gone").write_text("no more\n")
        (work / "from").write_text("a\nb\n")
        told = await model.patch(
            "*** Add File: new", "+hello",
            "*** Add File: a/b c/ü#?%.txt", "+deep",
            "*** Update File: change", "@@", " one", "-two", "+2", " three",
            "*** Delete File: gone",
            "*** Update File: from", "*** Move to: to/here", "@@", " a", "-b", "+B")
        for line in ("Success.", "A new", "A a/b c/ü#?%.txt", "M change", "M to/here", "D gone"):
            assert line in told.output, told
        assert (work / "new").read_text() == "hello\n"
        assert (work / "a/b c/ü#?%.txt").read_text() == "deep\n"
        assert (work / "change").read_text() == "one\n2\nthree\n"
        assert (work / "to/here").read_text() == "a\nB\n"
        assert not (work / "gone").exists() and not (work / "from").exists()

        told = await model.run(heredoc(
            "*** Add File: by/shell", "+words",
            "*** Update File: change", "@@", "-2", "+zwei",
            "*** Update File: to/here", "*** Move to: there", "@@", "-a", "+A",
            "*** Delete File: new"))
        assert "Success." in told.output, told
        assert (work / "by/shell").read_text() == "words\n"
        assert (work / "change").read_text() == "one\nzwei\nthree\n"
        assert (work / "there").read_text() == "A\nB\n"
        assert not (work / "new").exists() and not (work / "to/here").exists()


async def test_patches_that_fail(t):
    """The model learns why, and the files are as they were."""
    server = await t.server(listen=("ws",))
    async with working(t, server.url("ws")) as codex:
        (codex.work / "file").write_text("one\n")
        for reason, *lines in (
                ("Failed to find expected lines", "*** Update File: file", "@@", "-two", "+2"),
                ("No such file or directory (os error 2)", "*** Update File: missing", "@@", "-one", "+1"),
                ("Failed to write file", "*** Add File: file/below", "+x")):
            told = await codex.model.patch(*lines)
            assert reason in told.text, told
        assert {path.name: path.is_dir() or path.read_text() for path in codex.work.iterdir()} == {
            ".git": True, "file": "one\n"}


async def test_a_picture(t):
    """view_image shows the model the file as it is, or says that there is none."""
    server = await t.server(listen=("ws",))
    async with working(t, server.url("ws")) as codex:
        picture = png(48, 32)
        (codex.work / "red.png").write_bytes(picture)
        told = await codex.model.call("view_image", path=str(codex.work / "red.png"))
        kind, _, data = told.items[0]["image_url"].partition(",")
        assert (kind, base64.b64decode(data)) == ("data:image/png;base64", picture), told
        told = await codex.model.call("view_image", path=str(codex.work / "none.png"))
        assert "No such file or directory (os error 2)" in told.text, told


async def test_instructions(t):
    """Each AGENTS.md from the project's root down, and the project's skills, are what the model reads first."""
    server = await t.server(listen=("ws",))
    root = project(t)
    work, skill = root / "src", root / ".agents/skills/fly"
    work.mkdir()
    skill.mkdir(parents=True)
    (root / "AGENTS.md").write_text("Be kind to herons.\n")
    (work / "AGENTS.md").write_text("Grüße the herons in here.\n")
    (skill / "SKILL.md").write_text("---\nname: fly\ndescription: How herons fly.\n---\nFlap.\n")
    async with working(t, server.url("ws"), work=work) as codex:
        text = (await codex.model.listen()).text()
        places = [text.index(one) for one in ("- fly: How herons fly.", "Be kind to herons.", "Grüße the herons in here.")]
        assert places[1] < places[2], places


if __name__ == "__main__":
    sys.exit(tap.main(globals(), jobs=3))
