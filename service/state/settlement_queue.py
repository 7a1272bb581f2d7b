"""The queue of settlements: the costs of requests are booked in the store in the background.

While the store does not answer, settlements wait here, and are booked later. A settlement that
arrives twice counts once.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable

from service.errors import StateUnavailable
from service.state.charges import Crossing, Settlement
from service.state.store import Store

__all__ = ["SettlementQueue"]

_log = logging.getLogger("seawall.journal")

KEPT = 50_000
"""Settlements that are kept: eight minutes at a hundred a second, in about 30 MB."""
BATCH = 128
AGAIN_S = 1.0


class SettlementQueue:
    """Books settlements in order; no request waits for it."""

    def __init__(
        self,
        store: Store,
        *,
        on_crossing: Callable[[Crossing], None],
        on_lost: Callable[[int], None],
    ) -> None:
        """`on_lost` is called with the number of settlements that were dropped."""
        self._store = store
        self._on_crossing = on_crossing
        self._on_lost = on_lost
        self._waiting: deque[Settlement] = deque()
        self._some = asyncio.Event()

    def __len__(self) -> int:
        """The number of settlements that are not booked yet."""
        return len(self._waiting)

    def add(self, settlement: Settlement) -> None:
        """Add a settlement; when the queue is full, the oldest one is dropped."""
        if len(self._waiting) >= KEPT:
            self._waiting.popleft()
            self._on_lost(1)
        self._waiting.append(settlement)
        self._some.set()

    async def run(self) -> None:
        """Book settlements as they arrive. Never returns."""
        while True:
            await self._some.wait()
            if await self._book():
                # Settlements of this iteration of the event loop are sent together.
                await asyncio.sleep(0)
            else:
                await asyncio.sleep(AGAIN_S)

    async def flush(self, seconds: float) -> None:
        """Book the waiting settlements for at most `seconds`; the rest is lost, and logged."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._waiting and await self._book():
                    pass
        if self._waiting:
            _log.warning("%d settlements are lost: not booked at shutdown", len(self._waiting))
            self._on_lost(len(self._waiting))

    async def _book(self) -> bool:
        """Book one batch; return whether the store accepted any of it."""
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
        # Rejected ones go to the end of the queue, so that the others can be booked first.
        self._waiting.extend(left)
        if not self._waiting:
            self._some.clear()
        return len(left) < len(batch)
