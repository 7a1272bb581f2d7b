"""Statistics of one process's requests of the last minute: for the status page, not for alerts."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["LastMinute", "RecentRequests"]

WINDOW_S = 60.0
KEPT = 6000
"""Requests that are kept; above a hundred a second the window is shorter than a minute."""
_CLIENT_ERRORS = range(400, 500)
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class LastMinute:
    """Statistics of all requests in the window; shares are between 0 and 1."""

    per_second: float
    p50_ms: float | None
    p99_ms: float | None
    failed: float
    refused: float
    degraded: float


class RecentRequests:
    """Keeps requests as they end. Not thread-safe: for one event loop."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ended: deque[tuple[float, float, int, bool]] = deque(maxlen=KEPT)

    def note(self, seconds: float, status: int, *, degraded: bool) -> None:
        """Add a request that ended; one that broke off after status 200 is passed as 500."""
        self._ended.append((self._clock(), seconds, status, degraded))

    def last_minute(self) -> LastMinute:
        """The statistics of the window."""
        now = self._clock()
        recent = [one for one in self._ended if one[0] >= now - WINDOW_S]
        if not recent:
            return LastMinute(0.0, None, None, 0.0, 0.0, 0.0)
        full = len(recent) == KEPT
        span = max(1.0, now - recent[0][0]) if full else WINDOW_S
        latencies = sorted(seconds for _, seconds, _, _ in recent)

        def at(share: float) -> float:
            return round(latencies[min(len(latencies) - 1, int(share * len(latencies)))] * 1000, 1)

        def part(count: int) -> float:
            return round(count / len(recent), 4)

        return LastMinute(
            per_second=round(len(recent) / span, 1),
            p50_ms=at(0.5),
            p99_ms=at(0.99),
            failed=part(sum(status >= _SERVER_ERROR for _, _, status, _ in recent)),
            refused=part(sum(status in _CLIENT_ERRORS for _, _, status, _ in recent)),
            degraded=part(sum(degraded for _, _, _, degraded in recent)),
        )
