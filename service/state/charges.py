"""What a request is charged with, and what it turns out to have cost.

Money is kept in nano-dollars, whole ones: a token of 0.05 dollars per million is 50 of them, and a
million dollars stay far below what a double holds exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from service.resilience.gcra import Decision, Limit

__all__ = [
    "NANO",
    "Account",
    "Bucket",
    "Budget",
    "Charge",
    "Crossing",
    "Settlement",
    "Spent",
    "Verdict",
    "window_starts",
]

NANO = 1_000_000_000
"""Nano-dollars in a dollar."""


Spent = tuple[int, int, int]
"""Nano-dollars by window."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Nano-dollars by window, in the order of `contract.budgets`; 0 where there is no limit."""

    limits: Spent

    def part(self, spent: Spent, replicas: int) -> "Budget":
        """What one of `replicas` may spend alone of what is left; never nothing, which is 0."""
        hour, day, month = (
            max(1, (limit - used) // replicas) if limit else 0
            for limit, used in zip(self.limits, spent, strict=True)
        )
        return Budget((hour, day, month))


@dataclass(frozen=True, slots=True)
class Account:
    """Whose money it is: an API key's. `name` is the prefix of its keys in the store."""

    name: str
    key_id: str
    budget: Budget | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """One rate that a request takes from. `what` says it in words; tokens are settled later."""

    key: str
    limit: Limit
    what: str
    of_tokens: bool = False


@dataclass(frozen=True, slots=True)
class Charge:
    """What one request takes before it is let in: all of it, or nothing.

    Attributes:
        id: of the reservation, unique.
        account: whose budget holds `held` nano-dollars until the charge is settled, or `hold_s`
            seconds are over.
        buckets: each with the units to take from it.
    """

    id: str
    account: Account
    buckets: tuple[tuple[Bucket, int], ...]
    held: int
    hold_s: int

    def shared_by(self, replicas: int, spent: Spent) -> "Charge":
        """The same against one replica's part of the limits, `spent` by all of them before."""
        buckets: list[tuple[Bucket, int]] = []
        for bucket, cost in self.buckets:
            limit = bucket.limit.shared_by(replicas)
            buckets.append((replace(bucket, limit=limit), min(cost, limit.burst)))
        budget = self.account.budget
        part = budget.part(spent, replicas) if budget is not None else None
        return replace(self, buckets=tuple(buckets), account=replace(self.account, budget=part))


@dataclass(frozen=True, slots=True)
class Settlement:
    """What the request of `charge` did cost.

    Attributes:
        cost: nano-dollars.
        tokens: how many it was; None where the store took none for it.
    """

    charge: Charge
    cost: int
    tokens: int | None

    def counted(self) -> list[tuple[Bucket, int]]:
        """The buckets of tokens, and how many more than taken were used; less, if negative."""
        if self.tokens is None:
            return []
        return [
            (bucket, self.tokens - taken)
            for bucket, taken in self.charge.buckets
            if bucket.of_tokens
        ]


@dataclass(frozen=True, slots=True)
class Crossing:
    """A budget's window came to `percent` of its limit; told once in every window."""

    key_id: str
    window: str
    percent: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a charge.

    Attributes:
        refused: the bucket's `what`, or the budget's window; empty when it was let in.
        retry_after_s: until the bucket admits it; 0 for a budget.
        decisions: by bucket, as if each had been alone.
        spent: by window, with what is held.
    """

    refused: str
    retry_after_s: float
    decisions: Sequence[Decision]
    spent: Spent = (0, 0, 0)
    crossings: Sequence[Crossing] = ()


def window_starts(second: float) -> tuple[int, int, int]:
    """Numbers of the hour, the day and the month that the Unix time `second` is in."""
    at = datetime.fromtimestamp(second, UTC)
    return int(second // 3600), int(second // 86400), at.year * 12 + at.month
