"""Background tasks that run as long as the process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

__all__ = ["kept", "ticking"]

_log = logging.getLogger("seawall.background")

TICK_S = 1.0
"""The period of the event loop's heartbeat, and the delay until a changed key file is used."""


def kept(name: str, run: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    """Start a task that runs for ever: when it raises, the exception is logged and it restarts."""

    async def again() -> None:
        while True:
            try:
                await run()
            except Exception:  # noqa: BLE001 - a bug of one task must not end it for ever
                _log.exception("the background task '%s' failed by a bug, and restarts", name)
            await asyncio.sleep(TICK_S)

    return asyncio.create_task(again(), name=name)


def ticking(jobs: Sequence[Callable[[], None]]) -> asyncio.Task[None]:
    """Start a task that runs all the jobs once a second."""

    async def tick() -> None:
        while True:
            for job in jobs:
                job()
            await asyncio.sleep(TICK_S)

    return asyncio.create_task(tick(), name="tick")
