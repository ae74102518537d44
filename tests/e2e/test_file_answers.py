#!/usr/bin/python3
"""What large answers about files may hold of the server's memory, taken or not, and who waits for that."""

import sys

from files import MB, NEW, V1, in_both, many_files, put
from support import batch, lean, needs_native, serving, status, unb64, within

from px import tap
from px.tap import deadline


@needs_native
@deadline(120)
async def test_answers_that_nobody_takes(t):
    """Of a connection that does not read, no more is kept than can be on its way; it has all when it does."""
    size, count = 8 * MB, 100
    with many_files() as folder:
        put(f"{folder}/file", b"x" * size)
        async with serving(t, env=lean()) as server:
            files, other = await V1.connect(server), await V1.connect(server)
            before = status(server.pid, "VmRSS")
            asked = [await files.ask("readFile", f"{folder}/file") for _ in range(count)]
            files.conn.pause()
            most = 0
            for _ in range(200):
                assert await other.listed(folder) == {"file": False}
                most = max(most, status(server.pid, "VmRSS") - before)
            assert most < count * size / 2, f"{most} bytes for {count} answers"
            assert not asked[-1].done()
            files.conn.resume()
            while asked:  # and kept no longer, since all of them are a gigabyte
                answer = await within(asked.pop(0), "answer")
                assert len(answer["result"]["chunk"]) > size


@needs_native
@in_both
async def test_many_who_take_nothing(t, dialect):
    """Of all that do not read together no more is kept than the server may: others are served, and told when there is no room."""
    size, room, count = 8 * MB, 64 * MB, 100
    with many_files() as folder:
        put(f"{folder}/file", b"x" * size)
        put(f"{folder}/small", b"s" * (MB // 2))
        async with serving(t, "--max-file-answer-bytes", room, env=lean()) as server:
            other = await dialect.connect(server)
            before, most = status(server.pid, "VmRSS"), 0
            mute = [await dialect.connect(server) for _ in range(count)]
            for files in mute:
                files.conn.pause()
                for _ in range(3):
                    await files.ask("readFile", f"{folder}/file")
            error = None
            while error is None:
                large = await other.ask("readFile", f"{folder}/file")
                while not large.done():
                    assert len((await other("readFile", f"{folder}/small"))[other.chunk]) > MB // 2
                    assert set(await other.listed(folder)) == {"file", "small"}
                    most = max(most, status(server.pid, "VmRSS") - before)
                error = large.result().get("error")
            assert error["code"] == -32001, error
            assert error["data"] == {"kind": "overloaded", "limit": "max_file_answer_bytes", "value": room}, error
            assert most < room + 16 * size, f"{most} bytes for {count} connections"
            large = await other.ask("readFile", f"{folder}/file")
            for files in mute:
                await files.conn.cut()
            answer = await within(large, "answer")
            assert unb64(answer["result"][other.chunk]) == b"x" * size


@in_both
async def test_answers_take_turns(t, dialect):
    """More than there is room for at once: who reads waits, and gets everything, however large one answer is."""
    size, count = 8 * MB, 10
    with many_files() as folder:
        put(f"{folder}/file", b"x" * size)
        put(f"{folder}/larger", b"y" * (3 * size))
        async with serving(t, "--max-file-answer-bytes", MB) as server:
            both = [await dialect.connect(server) for _ in range(2)]
            asked = [await both[i % 2].ask("readFile", f"{folder}/file") for i in range(count)]
            asked.append(await both[0].ask("readFile", f"{folder}/larger"))
            # In its place in the order: what was read before it was asked for is the old content.
            await both[0]("writeFile", f"{folder}/file", NEW)
            answers = [(await within(one, "answer", 60))["result"][both[0].chunk] for one in asked]
            assert all(unb64(one) in (b"x" * size, NEW) for one in answers[1:count:2])
            assert all(unb64(one) == b"x" * size for one in answers[:count:2])
            assert unb64(answers[count]) == b"y" * (3 * size)


async def test_batch_without_room(t):
    """The answers of a batch wait for each other, and not for ever: those for which there is no room say so."""
    with many_files() as folder:
        put(f"{folder}/file", b"x" * (4 * MB))
        async with serving(t, "--max-file-answer-bytes", 4 * MB) as server:
            files = await V1.connect(server)
            requests = []
            for number in range(1001, 1004):
                method, params = files.words("readFile", f"{folder}/file")
                requests.append({"id": number, "method": method, "params": params})
            answers = await batch(files.conn, requests)
            assert sum("result" in one for one in answers) == 1, answers
            assert all(one["error"]["data"]["limit"] == "max_file_answer_bytes" for one in answers if "error" in one)
            assert await files.listed(folder) == {"file": False}
            await files("readFile", f"{folder}/file")


if __name__ == "__main__":
    sys.exit(tap.main(globals()))
