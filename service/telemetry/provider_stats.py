"""Statistics of recent attempts at each target, for the status page."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Lately", "ProviderStats"]

WINDOW_S = 300.0
KEPT = 256
"""Attempts that are kept per target: enough for a p95, and small."""


@dataclass(frozen=True, slots=True)
class Lately:
    """The attempts of the last five minutes; times are those until an answer could begin."""

    attempts: int
    error_rate: float
    p50_ms: float | None
    p95_ms: float | None
    last_error: str
    """The symptom of the last failure; empty when there was none."""


class ProviderStats:
    """Keeps the last attempts of one target. Not thread-safe: for one event loop."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._attempts: deque[tuple[float, float, str]] = deque(maxlen=KEPT)

    def note(self, seconds: float, symptom: str = "") -> None:
        """Add an attempt that took `seconds`; `symptom` is empty unless it failed."""
        self._attempts.append((self._clock(), seconds, symptom))

    def lately(self) -> Lately:
        """The statistics of the last five minutes."""
        since = self._clock() - WINDOW_S
        recent = [one for one in self._attempts if one[0] >= since]
        good = sorted(seconds for _, seconds, symptom in recent if not symptom)
        failed = [symptom for _, _, symptom in recent if symptom]
        return Lately(
            attempts=len(recent),
            error_rate=round(len(failed) / len(recent), 4) if recent else 0.0,
            p50_ms=_milliseconds(good, 0.5),
            p95_ms=_milliseconds(good, 0.95),
            last_error=failed[-1] if failed else "",
        )


def _milliseconds(ordered: list[float], share: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1)
