"""What a target has in hand and how quick it was of late: by that it is chosen among its equals."""

from collections.abc import Callable

__all__ = ["Load"]

NEW_SHARE = 0.2
"""Of the newest answer in the moving average: five answers make most of it."""
HALF_LIFE_S = 10.0
"""An estimate halves in this time without an answer, so that a slow target is tried again: one that
is a hundred times slower than its peers, about once a minute."""


class Load:
    """Counts requests in flight; a moving average of the seconds to the first content."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._average_s: float | None = None
        self._noted_at = 0.0
        self.in_flight = 0

    def begin(self) -> None:
        """A request is sent."""
        self.in_flight += 1

    def end(self) -> None:
        """Its answer has passed, or will not come."""
        self.in_flight -= 1

    def note(self, seconds: float) -> None:
        """Note the time until an answer could begin."""
        old = self._average_s
        self._average_s = seconds if old is None else old + NEW_SHARE * (seconds - old)
        self._noted_at = self._clock()

    @property
    def expected_s(self) -> float | None:
        """Seconds until the next answer begins; None before the first one."""
        if self._average_s is None:
            return None
        return self._average_s * 0.5 ** ((self._clock() - self._noted_at) / HALF_LIFE_S)
