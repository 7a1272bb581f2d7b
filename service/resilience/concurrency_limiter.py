"""A concurrency limit with a bounded queue; requests beyond the queue are refused at once.

The queue is first in, first out. The limit bounds memory: unbounded work in flight gets gateways
killed.
"""

import asyncio
import contextlib
from collections import deque

__all__ = ["ConcurrencyLimiter", "QueueFullError"]


class QueueFullError(Exception):
    """Every place is taken and the queue is full."""


class ConcurrencyLimiter:
    """At most `limit` holders and `queue` waiters. Not thread-safe: for one event loop."""

    def __init__(self, limit: int, queue: int) -> None:
        self._limit = limit
        self._queue = queue
        self._in_flight = 0
        self._waiters: deque[asyncio.Future[None]] = deque()

    @property
    def in_flight(self) -> int:
        """How many requests hold a place now."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """How many requests wait for a place now; any thread may read it."""
        return len(self._waiters)

    def try_acquire(self) -> bool:
        """Take a place if one is free now and no other request waits for it."""
        if self._in_flight < self._limit and not self._waiters:
            self._in_flight += 1
            return True
        return False

    async def acquire(self) -> None:
        """Take a place, waiting for one if need be.

        Raises:
            QueueFullError: the queue is full.
        """
        if self.try_acquire():
            return
        if len(self._waiters) >= self._queue:
            raise QueueFullError
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                # The place was handed over in the same iteration of the event loop: hand it on.
                self.release()
            else:
                with contextlib.suppress(ValueError):
                    self._waiters.remove(waiter)
            raise

    def release(self) -> None:
        """Give the place back; the first waiter in the queue gets it."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._in_flight -= 1
