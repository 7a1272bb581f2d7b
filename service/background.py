"""Tasks that go on as long as the process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

__all__ = ["kept", "ticking"]

_log = logging.getLogger("seawall.background")

TICK_S = 1.0
"""Heartbeat of the loop, and how soon a changed key file is noticed."""


def kept(name: str, run: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    """A task that goes on for ever: a bug in it is told, and it begins again."""

    async def again() -> None:
        while True:
            try:
                await run()
            except Exception:  # noqa: BLE001 - a bug of one task must not end it for ever
                _log.exception("the background task '%s' failed by a bug, and begins again", name)
            await asyncio.sleep(TICK_S)

    return asyncio.create_task(again(), name=name)


def ticking(jobs: Sequence[Callable[[], None]]) -> asyncio.Task[None]:
    """A task that does all the jobs once a second."""

    async def tick() -> None:
        while True:
            for job in jobs:
                job()
            await asyncio.sleep(TICK_S)

    return asyncio.create_task(tick(), name="tick")
