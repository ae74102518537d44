"""The bytes of the puppet's "spew", and the line that its sinks print."""

import zlib

PERIOD = 65521
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _block():
    out = bytearray(PERIOD)
    for i in range(PERIOD):
        x = i * 2654435761 & 0xFFFFFFFF
        out[i] = _ALPHABET[(x ^ x >> 15) >> 26]
    return bytes(out)


_BLOCK = _block()


def spew(count, offset=0):
    """'count' bytes of the pattern from 'offset' on."""
    start = offset % PERIOD
    times = (start + count) // PERIOD + 1
    return (_BLOCK * times)[start : start + count]


def sink_line(data):
    """What "child sink" prints after reading 'data'."""
    return b"%d bytes crc32 %08x\n" % (len(data), zlib.crc32(data))
