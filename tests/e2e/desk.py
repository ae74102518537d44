"""A terminal without an emulator: the bytes that come to it are looked at as they are."""

import asyncio
import contextlib
import fcntl
import os
import pty
import struct
import termios

from cli import finish, program

from px.deadline import within
from px.server import ended, spawn


class Desk:
    """A terminal with ptyexec on it, as a user has it."""

    def __init__(self):
        self.seen = bytearray()
        self._grown = asyncio.Event()

    @classmethod
    async def sit(cls, *words, rows=31, cols=117, **options):
        self = cls()
        self.master, slave = pty.openpty()
        self.resize(rows, cols)
        self.before = termios.tcgetattr(self.master)
        self.process = await spawn(
            program(), *map(str, words), stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), **options)
        self.slave = slave  # held, so that the modes can be looked at when ptyexec is gone
        os.set_blocking(self.master, False)
        asyncio.get_running_loop().add_reader(self.master, self._read)
        return self

    def _read(self):
        self.seen += os.read(self.master, 65536)
        self._grown.set()

    def holds(self, held):
        """A terminal that is stopped takes no output."""
        loop = asyncio.get_running_loop()
        if held:
            loop.remove_reader(self.master)
        else:
            loop.add_reader(self.master, self._read)

    def resize(self, rows, cols):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def types(self, data):
        os.write(self.master, data)

    async def types_much(self, data):
        """More than the terminal has room for at once."""
        loop = asyncio.get_running_loop()
        while data:
            room = loop.create_future()
            loop.add_writer(self.master, lambda room=room: room.done() or room.set_result(None))
            try:
                await within(room, "room for what is typed")
            finally:
                loop.remove_writer(self.master)
            data = data[os.write(self.master, data):]

    async def shows(self, text):
        async def look():
            while text not in self.seen:
                self._grown.clear()
                await self._grown.wait()

        await within(look(), f"{text!r} on the screen; there is {bytes(self.seen[-200:])!r}")

    def is_raw(self):
        return not termios.tcgetattr(self.master)[3] & (termios.ICANON | termios.ECHO | termios.ISIG)

    async def leave(self, tidy=True):
        """The status; the terminal is as it was. Unless it is to leave something, nothing may be left."""
        status = await (finish(self.process) if tidy else within(ended(self.process), "end of ptyexec"))
        after = termios.tcgetattr(self.master)
        asyncio.get_running_loop().remove_reader(self.master)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.seen += os.read(self.master, 65536)
        os.close(self.slave)
        os.close(self.master)
        assert after == self.before, "the terminal's modes are others than before"
        return status
