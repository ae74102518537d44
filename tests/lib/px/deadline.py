"""Deadlines. Every wait has one, none is part of what a test measures: they only end what hangs."""

import asyncio
import os

SCALE = float(os.environ.get("PX_TIME_SCALE", "1"))
SECONDS = 20.0


class Late(AssertionError):
    """Something awaited did not happen."""


async def within(awaitable, what, seconds=SECONDS):
    """The result of 'awaitable', or Late naming 'what'. PX_TIME_SCALE stretches the time; None: there is no end to it."""
    try:
        return await asyncio.wait_for(awaitable, None if seconds is None else seconds * SCALE)
    except asyncio.TimeoutError:
        raise Late(f"no {what} within {seconds * SCALE:g} s") from None
