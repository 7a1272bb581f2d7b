"""Adaptive limits: clients get fewer requests while many fail, and all while none do.

Off by default, because it refuses requests that are within a client's configured limit.
"""

from collections.abc import Callable

__all__ = ["AdaptiveShare"]

SAMPLES = 100
"""Requests that are counted before the share changes."""
MANY, FEW = 0.10, 0.01
"""Shares of failed requests."""
LESS, MORE = 0.8, 1.2
LEAST = 0.1
"""The least share of the limit: some requests must pass to find out that the providers recovered.
"""


class AdaptiveShare:
    """The share of every limit that clients may use now; 1 is all of it.

    After each 100 requests it is multiplied by 0.8 when more than 10 % of them failed, and by 1.2
    when less than 1 % did.
    """

    def __init__(self, on_change: Callable[[float], None]) -> None:
        """`on_change` is called with every new share."""
        self._on_change = on_change
        self._seen = 0
        self._failed = 0
        self.now = 1.0

    def note(self, *, failed: bool) -> None:
        """Count a request that was answered, or that failed."""
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
