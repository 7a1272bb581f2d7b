"""Stage 20's queue: what requests did cost, booked in the store beside the requests.

While the store does not answer, what is to be booked is kept here, and booked when it is back; a
settlement that arrives twice counts once.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable

from service.errors import StateUnavailable
from service.state.charges import Crossing, Settlement
from service.state.store import Store

__all__ = ["Journal"]

_log = logging.getLogger("seawall.journal")

KEPT = 50_000
"""Settlements: an outage of eight minutes at a hundred a second, in about 30 MB."""
BATCH = 128
AGAIN_S = 1.0


class Journal:
    """Books settlements in their order; never makes a request wait."""

    def __init__(
        self,
        store: Store,
        *,
        on_crossing: Callable[[Crossing], None],
        on_lost: Callable[[int], None],
    ) -> None:
        """`on_lost` is told how many settlements the queue had no room for."""
        self._store = store
        self._on_crossing = on_crossing
        self._on_lost = on_lost
        self._waiting: deque[Settlement] = deque()
        self._some = asyncio.Event()

    def __len__(self) -> int:
        """How many settlements are not booked yet."""
        return len(self._waiting)

    def add(self, settlement: Settlement) -> None:
        """Book this one soon. Of too many the oldest is lost."""
        if len(self._waiting) >= KEPT:
            self._waiting.popleft()
            self._on_lost(1)
        self._waiting.append(settlement)
        self._some.set()

    async def run(self) -> None:
        """Book for ever: a task of the application."""
        while True:
            await self._some.wait()
            if await self._book():
                # What this turn of the loop still adds goes out together.
                await asyncio.sleep(0)
            else:
                await asyncio.sleep(AGAIN_S)

    async def flush(self, seconds: float) -> None:
        """Book what waits, for so long at most; what is left then is lost, and said."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._waiting and await self._book():
                    pass
        if self._waiting:
            _log.warning("not booked at the end: %d settlements", len(self._waiting))
            self._on_lost(len(self._waiting))

    async def _book(self) -> bool:
        """Book one batch; whether the store took any of it."""
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        try:
            crossings, left = await self._store.settle(batch)
        except StateUnavailable:
            self._waiting.extendleft(reversed(batch))
            return False
        except BaseException:
            self._waiting.extendleft(reversed(batch))
            raise
        for crossing in crossings:
            self._on_crossing(crossing)
        # Behind the others, which may be booked before.
        self._waiting.extend(left)
        if not self._waiting:
            self._some.clear()
        return len(left) < len(batch)
