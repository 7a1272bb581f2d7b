"""This replica's share of a provider's limit of requests a minute, kept in the process.

It avoids requests that the provider would answer with 429. It never refuses a request itself.
"""

from collections.abc import Callable

from service.resilience.gcra import Limit, take

__all__ = ["ProviderQuota"]

BURST_S = 6
"""The burst is what the rate allows in this many seconds, a tenth of a minute: providers count in
shorter windows than they advertise."""


class ProviderQuota:
    """Shared by all targets of one provider. Not thread-safe: for one event loop."""

    def __init__(self, requests_per_minute: int, replicas: int, clock: Callable[[], float]) -> None:
        self._whole = Limit(requests_per_minute / 60, max(1, requests_per_minute * BURST_S // 60))
        self._limit = self._whole.shared_by(replicas)
        self._clock = clock
        self._arrival = 0.0

    def share(self, replicas: int) -> None:
        """Divide the limit by this number of replicas from now on."""
        self._limit = self._whole.shared_by(replicas)

    @property
    def exhausted(self) -> bool:
        """Whether the next request would be above the limit."""
        return not take(self._limit, self._arrival, self._clock())[1].allowed

    def count(self) -> None:
        """Count a request; it may exceed the limit when no other target was left."""
        self._arrival, _ = take(self._limit, self._arrival, self._clock())
