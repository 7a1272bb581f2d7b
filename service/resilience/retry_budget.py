"""A retry budget: retries are limited to a share of a provider's recent requests.

Without it, every layer that retries multiplies the load in an outage. A first try at another
provider is not a retry, but that provider's normal traffic.
"""

from collections import deque
from collections.abc import Callable

__all__ = ["RetryBudget"]

WINDOW_S = 10.0
SHARE = 0.2
FLOOR = 3
"""Retries per window that are always allowed, so that a quiet gateway can retry at all."""


class RetryBudget:
    """Counts requests and retries of one provider in a sliding window of 10 s."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._requests: deque[float] = deque()
        self._retries: deque[float] = deque()

    def count_request(self) -> None:
        """Count a first try."""
        now = self._clock()
        self._forget(now)
        self._requests.append(now)

    def take_retry(self) -> bool:
        """Ask for one retry; False when the share is used up."""
        now = self._clock()
        self._forget(now)
        if len(self._retries) >= max(FLOOR, SHARE * len(self._requests)):
            return False
        self._retries.append(now)
        return True

    def _forget(self, now: float) -> None:
        for times in (self._requests, self._retries):
            while times and times[0] <= now - WINDOW_S:
                times.popleft()
