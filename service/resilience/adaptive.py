"""Limits that follow how the providers do: fewer requests while many fail, all while none do.

Off unless asked for: clients are refused by it who were promised more.
"""

from collections.abc import Callable

__all__ = ["AdaptiveShare"]

SAMPLES = 100
"""Requests that are looked at before the share changes."""
MANY, FEW = 0.10, 0.01
"""Shares of failed requests."""
LESS, MORE = 0.8, 1.2
LEAST = 0.1
"""Of the limit: something must go through to find out that all is well."""


class AdaptiveShare:
    """The share of every limit that is given out now: 1 is all of it.

    After each 100 requests: x 0.8 when more than 10 % of them failed, x 1.2 when less than 1 %.
    """

    def __init__(self, on_change: Callable[[float], None]) -> None:
        """`on_change` is told every new share."""
        self._on_change = on_change
        self._seen = 0
        self._failed = 0
        self.now = 1.0

    def note(self, *, failed: bool) -> None:
        """A request was answered, or it could not be."""
        self._seen += 1
        self._failed += failed
        if self._seen < SAMPLES:
            return
        rate = self._failed / self._seen
        self._seen = self._failed = 0
        factor = LESS if rate > MANY else MORE if rate < FEW else 1.0
        share = min(1.0, max(LEAST, self.now * factor))
        if share != self.now:
            self.now = share
            self._on_change(share)
