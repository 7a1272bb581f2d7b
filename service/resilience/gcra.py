"""GCRA, the generic cell rate algorithm: a token bucket kept as one number.

The same arithmetic as the script in `service.state.limit_script`, for limits that are kept in
the process.
"""

from dataclasses import dataclass

__all__ = ["Decision", "Limit", "take"]


@dataclass(frozen=True, slots=True)
class Limit:
    """`rate` requests a second on average, `burst` at once."""

    rate: float
    burst: int

    def shared_by(self, replicas: int) -> "Limit":
        """One replica's part; a burst below 1 would refuse everything."""
        return Limit(self.rate / replicas, max(1, self.burst // replicas))


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer: `retry_after_s` until the next is admitted, `reset_s` until it is full."""

    allowed: bool
    remaining: int
    retry_after_s: float
    reset_s: float


def take(limit: Limit, tat: float, now: float) -> tuple[float, Decision]:
    """Take one from the bucket whose theoretical arrival time is `tat`; times in seconds.

    Returns the new theoretical arrival time and the decision; a refusal changes nothing.
    """
    interval = 1 / limit.rate
    capacity = interval * limit.burst
    tat = max(tat, now)
    new_tat = tat + interval
    early = new_tat - now - capacity
    # A rounding error of the division must not refuse the last of a burst.
    if early > interval * 1e-6:
        return tat, Decision(
            allowed=False, remaining=0, retry_after_s=early, reset_s=max(0.0, tat - now)
        )
    remaining = int((capacity - (new_tat - now)) / interval + 1e-6)
    return new_tat, Decision(
        allowed=True, remaining=remaining, retry_after_s=0.0, reset_s=new_tat - now
    )
