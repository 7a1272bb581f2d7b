"""The charge of a request, and its actual cost.

Money is kept in whole nano-dollars: a token at 0.05 dollars per million costs 50, and a million
dollars are far below the largest integer that a double holds exactly.
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
    """Limits in nano-dollars by window, in the order of `contract.budgets`; 0 means no limit."""

    limits: Spent

    def part(self, spent: Spent, replicas: int) -> "Budget":
        """One replica's share of what is left; at least 1 nano-dollar, since 0 means no limit."""
        hour, day, month = (
            max(1, (limit - used) // replicas) if limit else 0
            for limit, used in zip(self.limits, spent, strict=True)
        )
        return Budget((hour, day, month))


@dataclass(frozen=True, slots=True)
class Account:
    """The account of an API key. `name` is the prefix of its keys in the store."""

    name: str
    key_id: str
    budget: Budget | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """One rate limit that a request takes from.

    `what` names its unit in error messages. Buckets of tokens are corrected by the settlement.
    """

    key: str
    limit: Limit
    what: str
    of_tokens: bool = False


@dataclass(frozen=True, slots=True)
class Charge:
    """What one request takes before it is admitted; it takes everything or nothing.

    Attributes:
        id: the unique id of the reservation.
        account: the account whose budget reserves the money.
        buckets: the buckets, each with the units to take from it.
        held: the reserved nano-dollars.
        hold_s: seconds after which the reservation ends without a settlement.
    """

    id: str
    account: Account
    buckets: tuple[tuple[Bucket, int], ...]
    held: int
    hold_s: int

    def shared_by(self, replicas: int, spent: Spent) -> "Charge":
        """The same charge against one replica's share of the limits.

        `spent` is the money that all replicas had spent before.
        """
        buckets: list[tuple[Bucket, int]] = []
        for bucket, cost in self.buckets:
            limit = bucket.limit.shared_by(replicas)
            buckets.append((replace(bucket, limit=limit), min(cost, limit.burst)))
        budget = self.account.budget
        part = budget.part(spent, replicas) if budget is not None else None
        return replace(self, buckets=tuple(buckets), account=replace(self.account, budget=part))


@dataclass(frozen=True, slots=True)
class Settlement:
    """The actual cost of the request of `charge`.

    Attributes:
        charge: what was taken before.
        cost: the actual cost in nano-dollars.
        tokens: the tokens used; None if the store took no tokens for the charge.
    """

    charge: Charge
    cost: int
    tokens: int | None

    def counted(self) -> list[tuple[Bucket, int]]:
        """The token buckets, and how many more tokens were used than taken; fewer if negative."""
        if self.tokens is None:
            return []
        return [
            (bucket, self.tokens - taken)
            for bucket, taken in self.charge.buckets
            if bucket.of_tokens
        ]


@dataclass(frozen=True, slots=True)
class Crossing:
    """A budget reached `percent` of its limit in a window; reported once per window."""

    key_id: str
    window: str
    percent: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a charge.

    Attributes:
        refused: the `what` of the bucket that refused, or the budget's window; empty if admitted.
        retry_after_s: seconds until the bucket admits the request; 0 for a budget.
        decisions: the decision of each bucket on its own.
        spent: nano-dollars spent and reserved, by window.
        crossings: the crossings to report.
    """

    refused: str
    retry_after_s: float
    decisions: Sequence[Decision]
    spent: Spent = (0, 0, 0)
    crossings: Sequence[Crossing] = ()


def window_starts(second: float) -> tuple[int, int, int]:
    """The numbers of the hour, the day and the month of the Unix time `second`."""
    at = datetime.fromtimestamp(second, UTC)
    return int(second // 3600), int(second // 86400), at.year * 12 + at.month
