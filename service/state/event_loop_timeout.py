"""How long another process may take to answer, apart from how busy this one is."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

__all__ = ["patience"]

LATE_S = 0.01
"""A timer that is later than this tells of a busy event loop."""
MORE_TURNS = 2
"""How often a busy loop gets the time again, to read what may have come."""


@contextlib.asynccontextmanager
async def patience(seconds: float) -> AsyncGenerator[None]:
    """`asyncio.timeout`, but of the time that the other side takes.

    A loop that was busy until the time was over has not even looked for an answer.

    Raises:
        TimeoutError: `seconds` are over.
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
