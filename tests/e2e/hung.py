"""A file system that does not answer: FUSE, spoken by the test itself."""

import asyncio
import contextlib
import ctypes
import errno
import os
import struct

LOOKUP, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT = 1, 3, 14, 15, 18, 25, 26
FORGET, INTERRUPT, BATCH_FORGET = 2, 36, 42
FILE, FOLDER, TEXT = 0o100644, 0o40755, b"text"
DETACH = 2

libc = ctypes.CDLL(None, use_errno=True)


def mount(fd, folder):
    options = f"fd={fd},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
    if libc.mount(b"hung", os.fsencode(folder), b"fuse", 0, options.encode()) == -1:
        raise OSError(ctypes.get_errno(), "mount")


def attributes(node):
    mode, size = (FOLDER, 0) if node == 1 else (FILE, len(TEXT))
    return struct.pack("<6Q10I", node, size, 0, 0, 0, 0, 0, 0, 0, mode, 1, os.getuid(), os.getgid(), 0, 512, 0)


class HungFiles:
    """Every name at 'path' is a file. What the file VERB is named after is not answered: "open", "read", "flush"."""

    def __init__(self, folder):
        self.path = folder
        self.names, self.held = {}, []  # names by node; what was asked and not answered
        self.fd = os.open("/dev/fuse", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mount(self.fd, folder)
        except OSError:
            os.close(self.fd)
            raise
        asyncio.get_running_loop().add_reader(self.fd, self.serve)
        self.changed = asyncio.Event()

    def answer(self, unique, data=b"", error=0):
        os.write(self.fd, struct.pack("<IiQ", 16 + len(data), -error, unique) + data)

    def serve(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                request = os.read(self.fd, 1 << 18)
                _, opcode, unique, node = struct.unpack_from("<IIQQ", request)
                self.take(opcode, unique, node, request[40:])

    def take(self, opcode, unique, node, body):
        verb = {OPEN: "open", READ: "read", FLUSH: "flush"}.get(opcode)
        if opcode in (FORGET, BATCH_FORGET, INTERRUPT):
            return
        if verb is not None and verb == self.names[node]:
            self.held.append(unique)
            self.changed.set()
        elif opcode == INIT:
            self.answer(unique, struct.pack("<4I2H2I2HI28x", 7, 31, 1 << 16, 0, 16, 12, 1 << 16, 1, 0, 0, 0))
        elif opcode == LOOKUP:
            node = len(self.names) + 2
            self.names[node] = body.rstrip(b"\0").decode()
            self.answer(unique, struct.pack("<4Q2I", node, 0, 0, 0, 0, 0) + attributes(node))
        elif opcode == GETATTR:
            self.answer(unique, struct.pack("<Q2I", 0, 0, 0) + attributes(node))
        elif opcode == OPEN:
            self.answer(unique, struct.pack("<Q2I", 1, 0, 0))
        elif opcode == READ:
            offset, size = struct.unpack_from("<8xQI", body)
            self.answer(unique, TEXT[offset:offset + size])
        elif opcode in (RELEASE, FLUSH):
            self.answer(unique)
        else:
            self.answer(unique, error=errno.ENOSYS)

    async def holding(self, count):
        """Until so many wait for an answer."""
        while len(self.held) < count:
            self.changed.clear()
            await self.changed.wait()

    def refuse(self):
        """Whoever waits is told of an error."""
        for unique in self.held:
            self.answer(unique, error=errno.EIO)
        self.held.clear()

    def end(self):
        """Whoever waits is told that the connection to it was aborted."""
        asyncio.get_running_loop().remove_reader(self.fd)
        os.close(self.fd)
        libc.umount2(os.fsencode(self.path), DETACH)


@contextlib.asynccontextmanager
async def hung_files(folder):
    files = HungFiles(folder)
    try:
        yield files
    finally:
        files.end()


def can_hang():
    """May this test mount such a thing here?"""
    return os.getuid() == 0 and os.access("/dev/fuse", os.R_OK | os.W_OK)
