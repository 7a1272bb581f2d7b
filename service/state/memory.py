"""Limits kept in the process: for one replica, and for every replica while Redis is silent."""

import time
from collections.abc import Callable

from service.resilience.gcra import Decision, Limit, take

__all__ = ["MemoryStore"]


class MemoryStore:
    """See `Store`. It holds one number per API key and never fails."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._arrivals: dict[str, float] = {}

    def take_now(self, key: str, limit: Limit) -> Decision:
        """The same as `take`, without a loop."""
        arrival, decision = take(limit, self._arrivals.get(key, 0.0), self._clock())
        self._arrivals[key] = arrival
        return decision

    async def take(self, key: str, limit: Limit) -> Decision:
        """See `Store.take`."""
        return self.take_now(key, limit)

    async def ping(self) -> None:
        """Nothing to ask."""

    async def close(self) -> None:
        """Nothing to close."""
