"""Limits and budgets in the process: for one replica, or for each while Redis does not answer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from typing_extensions import override

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
from service.state.store import Store

__all__ = ["MemoryStore"]

KEPT_AT_LEAST = 4096
"""Full buckets are dropped when there are more buckets than this, and more than twice as many as
were left the last time."""


@dataclass(slots=True)
class _Books:
    """The books of one account.

    The lists are by window. `holds` has the nano-dollars and the expiry of each reservation.
    """

    held: int = 0
    starts: tuple[int, int, int] = (-1, -1, -1)
    spent: list[int] = field(default_factory=lambda: [0, 0, 0])
    reported: list[int] = field(default_factory=lambda: [0, 0, 0])
    holds: dict[str, tuple[int, float]] = field(default_factory=dict[str, tuple[int, float]])

    def open(self, second: float) -> None:
        """Begin new windows, and release expired reservations."""
        starts = window_starts(second)
        for n in range(len(WINDOWS)):
            if starts[n] != self.starts[n]:
                self.spent[n] = self.reported[n] = 0
        self.starts = starts
        # They are in the order of their creation, which is nearly the order of their expiry.
        while self.holds and next(iter(self.holds.values()))[1] <= second:
            self.release(next(iter(self.holds)))

    def release(self, hold: str) -> None:
        """Release a reservation; a second call does nothing."""
        self.held -= self.holds.pop(hold, (0, 0.0))[0]

    def tell(self, n: int, percent: int) -> int:
        """Return `percent` the first time in this window, and 0 after that."""
        if percent <= self.reported[n]:
            return 0
        self.reported[n] = percent
        return percent

    @property
    def all_spent(self) -> Spent:
        """Nano-dollars spent and reserved, by window."""
        hour, day, month = self.spent
        return hour + self.held, day + self.held, month + self.held


class MemoryStore(Store):
    """The store in this process: one number per bucket, and the books of each account.

    It never fails.

    Args:
        clock: returns seconds, for rates.
        wall_clock: returns Unix time, for the windows of budgets.
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
        """Drop the account's local books, since the shared ones are available again."""
        self._accounts.pop(account.name, None)

    @property
    def buckets(self) -> int:
        """The number of buckets that it holds."""
        return len(self._arrivals)

    def take_now(self, key: str, limit: Limit) -> Decision:
        """The same as `take`, without an event loop."""
        arrival, decision = take(limit, self._arrivals.get(key, 0.0), self._clock())
        self._arrivals[key] = arrival
        return decision

    def charge_now(self, charge: Charge) -> Verdict:
        """The same as `charge`, without an event loop."""
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
        """The same as `settle` for one settlement, without an event loop."""
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

    @override
    async def take(self, key: str, limit: Limit) -> Decision:
        return self.take_now(key, limit)

    @override
    async def charge(self, charge: Charge) -> Verdict:
        return self.charge_now(charge)

    @override
    async def settle(
        self, settlements: Sequence[Settlement]
    ) -> tuple[list[Crossing], list[Settlement]]:
        """Book the costs; each settlement arrives once here."""
        return [reported for one in settlements for reported in self.settle_now(one)], []

    @override
    async def exchange(self, replica: str, reports: Sequence[Report]) -> None:
        """Do nothing: there are no other replicas."""

    @override
    async def ping(self) -> None:
        """Do nothing: the store is in this process."""

    @override
    async def close(self) -> None:
        """Do nothing: there are no connections."""

    def _forget(self, now: float) -> None:
        """Drop buckets that are full again, since end users come and go."""
        if len(self._arrivals) > self._look_at:
            self._arrivals = {key: tat for key, tat in self._arrivals.items() if tat > now}
            self._look_at = max(KEPT_AT_LEAST, 2 * len(self._arrivals))

    def _opened(self, account: Account) -> _Books:
        books = self._accounts.setdefault(account.name, _Books())
        books.open(self._wall_clock())
        return books

    def _over(self, charge: Charge, books: _Books, crossings: list[Crossing]) -> str:
        """The first window of the budget that has no room for the charge; empty if all have."""
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
