"""Limits and budgets kept in the process: for one replica, and for all while Redis is silent."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from contract.budgets import PERCENTS, WINDOWS
from service.resilience.gcra import Decision, Limit, shift, take
from service.state.charges import (
    Account,
    Charge,
    Crossing,
    Settlement,
    Spent,
    Verdict,
    window_starts,
)
from service.state.fleet_script import Report

__all__ = ["MemoryStore"]

KEPT_AT_LEAST = 4096
"""Buckets; above it, and twice what was left the last time, the full ones are forgotten."""


@dataclass(slots=True)
class _Books:
    """One account's. The lists are by window; `holds` has nano-dollars and when they come back."""

    held: int = 0
    starts: tuple[int, int, int] = (-1, -1, -1)
    spent: list[int] = field(default_factory=lambda: [0, 0, 0])
    told: list[int] = field(default_factory=lambda: [0, 0, 0])
    holds: dict[str, tuple[int, float]] = field(default_factory=dict[str, tuple[int, float]])

    def open(self, second: float) -> None:
        """Begin the windows that are new, give back what was never settled."""
        starts = window_starts(second)
        for n in range(len(WINDOWS)):
            if starts[n] != self.starts[n]:
                self.spent[n] = self.told[n] = 0
        self.starts = starts
        # In the order in which they were made, which is nearly that in which they end.
        while self.holds and next(iter(self.holds.values()))[1] <= second:
            self.release(next(iter(self.holds)))

    def release(self, hold: str) -> None:
        """Give back what was held, once."""
        self.held -= self.holds.pop(hold, (0, 0.0))[0]

    def tell(self, n: int, percent: int) -> int:
        """`percent`, the first time in this window; else 0."""
        if percent <= self.told[n]:
            return 0
        self.told[n] = percent
        return percent

    @property
    def all_spent(self) -> Spent:
        """With what is held."""
        hour, day, month = self.spent
        return hour + self.held, day + self.held, month + self.held


class MemoryStore:
    """See `Store`. It holds one number per bucket, the books of each account, and never fails.

    Args:
        clock: seconds, for rates.
        wall_clock: Unix time, for the windows of budgets.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._wall_clock = wall_clock
        self._arrivals: dict[str, float] = {}
        self._look_at = KEPT_AT_LEAST
        self._accounts: dict[str, _Books] = {}

    def forget(self, account: Account) -> None:
        """Close its books: the shared ones are open again."""
        self._accounts.pop(account.name, None)

    @property
    def buckets(self) -> int:
        """How many of them it holds."""
        return len(self._arrivals)

    def take_now(self, key: str, limit: Limit) -> Decision:
        """The same as `take`, without a loop."""
        arrival, decision = take(limit, self._arrivals.get(key, 0.0), self._clock())
        self._arrivals[key] = arrival
        return decision

    def charge_now(self, charge: Charge) -> Verdict:
        """The same as `charge`, without a loop."""
        now = self._clock()
        arrivals: dict[str, float] = {}
        decisions: list[Decision] = []
        refused, retry_after_s = "", 0.0
        for bucket, cost in charge.buckets:
            tat = self._arrivals.get(bucket.key, 0.0)
            arrivals[bucket.key], decision = take(bucket.limit, tat, now, cost)
            decisions.append(decision)
            if not decision.allowed and not refused:
                refused, retry_after_s = bucket.what, decision.retry_after_s
        spent: Spent = (0, 0, 0)
        crossings: list[Crossing] = []
        if charge.account.budget is not None:
            books = self._opened(charge.account)
            if not refused:
                refused = self._over(charge, books, crossings)
            if not refused and charge.held:
                books.holds[charge.id] = charge.held, self._wall_clock() + charge.hold_s
                books.held += charge.held
            spent = books.all_spent
        if not refused:
            self._arrivals.update(arrivals)
            self._forget(now)
        return Verdict(refused, retry_after_s, decisions, spent, crossings)

    def settle_now(self, settlement: Settlement) -> list[Crossing]:
        """The same as `settle` of one, without a loop."""
        charge = settlement.charge
        now = self._clock()
        for bucket, more in settlement.counted():
            tat = self._arrivals.get(bucket.key, 0.0)
            self._arrivals[bucket.key] = shift(bucket.limit, tat, now, more)
        crossings: list[Crossing] = []
        budget = charge.account.budget
        if budget is not None:
            books = self._opened(charge.account)
            books.release(charge.id)
            for n, limit in enumerate(budget.limits):
                books.spent[n] += settlement.cost
                if limit:
                    percent = 100 * books.spent[n] // limit
                    level = max((at for at in PERCENTS if at <= percent), default=0)
                    self._tell(charge.account, books, n, level, crossings)
        return crossings

    async def take(self, key: str, limit: Limit) -> Decision:
        """See `Store.take`."""
        return self.take_now(key, limit)

    async def charge(self, charge: Charge) -> Verdict:
        """See `Store.charge`."""
        return self.charge_now(charge)

    async def settle(
        self, settlements: Sequence[Settlement]
    ) -> tuple[list[Crossing], list[Settlement]]:
        """See `Store.settle`; each is handed over once here."""
        return [told for one in settlements for told in self.settle_now(one)], []

    async def exchange(self, replica: str, reports: Sequence[Report]) -> None:
        """Nobody to tell."""

    async def ping(self) -> None:
        """Nothing to ask."""

    async def close(self) -> None:
        """Nothing to close."""

    def _forget(self, now: float) -> None:
        """Users come and go: a bucket that is full again need not be kept."""
        if len(self._arrivals) > self._look_at:
            self._arrivals = {key: tat for key, tat in self._arrivals.items() if tat > now}
            self._look_at = max(KEPT_AT_LEAST, 2 * len(self._arrivals))

    def _opened(self, account: Account) -> _Books:
        books = self._accounts.setdefault(account.name, _Books())
        books.open(self._wall_clock())
        return books

    def _over(self, charge: Charge, books: _Books, crossings: list[Crossing]) -> str:
        """The first window that has no room for it; empty when all have."""
        budget = charge.account.budget
        limits = budget.limits if budget is not None else ()
        over = [
            n
            for n, limit in enumerate(limits)
            if limit and books.spent[n] + books.held + charge.held > limit
        ]
        for n in over:
            if books.spent[n] >= limits[n]:
                self._tell(charge.account, books, n, PERCENTS[-1], crossings)
        return WINDOWS[over[0]] if over else ""

    @staticmethod
    def _tell(
        account: Account, books: _Books, n: int, percent: int, crossings: list[Crossing]
    ) -> None:
        if books.tell(n, percent):
            crossings.append(Crossing(account.key_id, WINDOWS[n], percent))
