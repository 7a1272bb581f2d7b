"""A timeout for another process's answer that does not count delays of the own event loop."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

__all__ = ["event_loop_timeout"]

LATE_S = 0.01
"""Seconds. A timer that fires later than this shows that the event loop is busy."""
MORE_TURNS = 2
"""How often the timeout is extended for a busy loop, so that it can read a pending answer."""


@contextlib.asynccontextmanager
async def event_loop_timeout(seconds: float) -> AsyncGenerator[None]:
    """Like `asyncio.timeout`, but only for the time that the other side takes.

    An event loop that was busy until the timeout has not even looked for the answer.

    Raises:
        TimeoutError: there was no answer within `seconds`.
    """
    loop = asyncio.get_running_loop()
    turns = 0

    def look(due: float) -> None:
        nonlocal timer, turns
        if loop.time() - due > LATE_S and turns < MORE_TURNS:
            turns += 1
            timer = loop.call_later(seconds, look, loop.time() + seconds)
        else:
            scope.reschedule(loop.time())

    async with asyncio.timeout(None) as scope:
        timer = loop.call_later(seconds, look, loop.time() + seconds)
        try:
            yield
        finally:
            timer.cancel()
