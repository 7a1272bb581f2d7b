"""A target's requests in flight and its recent latency, for the choice among equal targets."""

from collections.abc import Callable

__all__ = ["Load"]

NEW_SHARE = 0.2
"""The weight of the newest answer in the moving average: five answers make most of it."""
HALF_LIFE_S = 10.0
"""Without an answer the estimate halves in this time, so that a slow target is tried again: about
once a minute if it is a hundred times slower than its peers."""


class Load:
    """Counts requests in flight, and keeps a moving average of the seconds to the first content."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._average_s: float | None = None
        self._noted_at = 0.0
        self.in_flight = 0

    def begin(self) -> None:
        """Note that a request is sent."""
        self.in_flight += 1

    def end(self) -> None:
        """Note that the answer of a request has ended, or will not come."""
        self.in_flight -= 1

    def note(self, seconds: float) -> None:
        """Add the time until an answer could begin to the average."""
        old = self._average_s
        self._average_s = seconds if old is None else old + NEW_SHARE * (seconds - old)
        self._noted_at = self._clock()

    @property
    def expected_s(self) -> float | None:
        """The estimated seconds until the next answer begins; None before the first answer."""
        if self._average_s is None:
            return None
        return self._average_s * 0.5 ** ((self._clock() - self._noted_at) / HALF_LIFE_S)
