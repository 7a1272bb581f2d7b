"""GCRA, the generic cell rate algorithm: a token bucket kept as one number.

The arithmetic is the same as in the Redis scripts of `service.state`; this is for limits that are
kept in the process.
"""

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Decision", "Limit", "shift", "take"]


@dataclass(frozen=True, slots=True)
class Limit:
    """`rate` units a second on average, `burst` at once; a unit is a request or a token."""

    rate: float
    burst: int

    def shared_by(self, replicas: int) -> "Limit":
        """One replica's share; the burst is at least 1, since less would refuse everything."""
        return Limit(self.rate / replicas, max(1, self.burst // replicas))

    def slowed(self, share: float) -> "Limit":
        """The given `share` of the limit; `share` is between 0 and 1."""
        return Limit(self.rate * share, max(1, int(self.burst * share)))


class Decision(NamedTuple):
    """The decision.

    `retry_after_s` is the time until the request would be admitted, and `reset_s` the time until
    the bucket is full again.
    """

    allowed: bool
    remaining: int
    retry_after_s: float
    reset_s: float


def take(limit: Limit, tat: float, now: float, cost: int = 1) -> tuple[float, Decision]:
    """Take `cost` units from the bucket whose theoretical arrival time is `tat`; times in seconds.

    Returns:
        The new theoretical arrival time and the decision; a refusal does not change the time.
    """
    interval = 1 / limit.rate
    capacity = interval * limit.burst
    tat = max(tat, now)
    new_tat = tat + interval * cost
    early = new_tat - now - capacity
    # A rounding error of the division must not refuse the last request of a burst.
    if early > interval * 1e-6:
        left = _left(capacity - (tat - now), interval)
        return tat, Decision(allowed=False, remaining=left, retry_after_s=early, reset_s=tat - now)
    left = _left(capacity - (new_tat - now), interval)
    return new_tat, Decision(allowed=True, remaining=left, retry_after_s=0.0, reset_s=new_tat - now)


def _left(seconds: float, interval: float) -> int:
    return max(0, int(seconds / interval + 1e-6))


def shift(limit: Limit, tat: float, now: float, units: int) -> float:
    """The theoretical arrival time after `units` more were used than taken; fewer if negative.

    More than the burst may be used this way; later requests then wait accordingly.
    """
    return max(now, max(tat, now) + units / limit.rate)
