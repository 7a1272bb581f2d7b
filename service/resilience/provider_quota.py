"""A provider's limit of requests a minute: this replica's part of it, kept in the process.

It keeps requests from being sent only to be answered 429, and refuses none by itself.
"""

from collections.abc import Callable

from service.resilience.gcra import Limit, take

__all__ = ["ProviderQuota"]

BURST_S = 6
"""At once goes what the rate allows in so many seconds, a tenth of a minute: providers count in
shorter windows than they advertise."""


class ProviderQuota:
    """Shared by all targets of one provider. Not thread-safe: one event loop."""

    def __init__(self, requests_per_minute: int, replicas: int, clock: Callable[[], float]) -> None:
        self._whole = Limit(requests_per_minute / 60, max(1, requests_per_minute * BURST_S // 60))
        self._limit = self._whole.shared_by(replicas)
        self._clock = clock
        self._arrival = 0.0

    def share(self, replicas: int) -> None:
        """So many replicas share the limit from now on."""
        self._limit = self._whole.shared_by(replicas)

    @property
    def exhausted(self) -> bool:
        """Whether the next request would be above the limit."""
        return not take(self._limit, self._arrival, self._clock())[1].allowed

    def count(self) -> None:
        """A request is sent, whether the limit allows it or nobody else was left."""
        self._arrival, _ = take(self._limit, self._arrival, self._clock())
