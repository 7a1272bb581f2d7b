"""Limits and budgets that do not depend on the store: shared while it answers, local otherwise.

A separate circuit breaker protects the store: 3 consecutive failures open it, and then no request
waits for the store. A ping once a second in the background closes it again.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from service.errors import LimitsUnavailable, StateUnavailable
from service.resilience.gcra import Decision
from service.state.charges import (
    Account,
    Charge,
    Crossing,
    Settlement,
    Spent,
    Verdict,
    window_starts,
)
from service.state.key_ring import ApiKey
from service.state.memory import MemoryStore
from service.state.settlement_queue import SettlementQueue
from service.state.store import Store

__all__ = ["Limiter", "LimiterEvents", "Ticket"]

_log = logging.getLogger("seawall.limiter")

FAILURES_TO_OPEN = 3
PING_EVERY_S = 1.0
FLUSH_S = 1.0
"""Seconds that a process waits at its shutdown to book its settlements."""


@dataclass(frozen=True, slots=True)
class LimiterEvents:
    """Callbacks of the limiter.

    Attributes:
        local: called with whether limits are local from now on.
        error: called with the kind of each failed call.
        crossing: called when a budget reached a share of its limit.
        lost: called with the number of settlements that will never be booked.
    """

    local: Callable[[bool], None]
    error: Callable[[str], None]
    crossing: Callable[[Crossing], None]
    lost: Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Ticket:
    """The result of a charge, which must be settled unless it was refused.

    Attributes:
        charge: the charge.
        verdict: the answer to it.
        local: the charge against this replica's share, if the store did not answer.
    """

    charge: Charge
    verdict: Verdict
    local: Charge | None = None


class Limiter:
    """Decides every request; this takes at most the store's timeout of 50 ms."""

    def __init__(
        self,
        store: Store,
        *,
        replicas: Callable[[], int],
        events: LimiterEvents,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """`replicas` returns the divisor of the limits while the store does not answer."""
        self._store = store
        self._replicas = replicas
        self._events = events
        self._wall_clock = wall_clock
        self._local = MemoryStore()
        self._settlement_queue = SettlementQueue(
            store, on_crossing=events.crossing, on_lost=events.lost
        )
        self._known: dict[str, tuple[tuple[int, int, int], Spent]] = {}
        self._failures = 0
        self._last: StateUnavailable | None = None
        self._open = False

    @property
    def connected(self) -> bool | None:
        """Whether the shared store answers; None when there is no shared store."""
        return None if isinstance(self._store, MemoryStore) else not self._open

    @property
    def replicas(self) -> int:
        """The divisor of the limits while the store does not answer."""
        return self._replicas()

    @property
    def unbooked(self) -> int:
        """The number of settlements that wait for the store."""
        return len(self._settlement_queue)

    async def take(self, key: ApiKey) -> Decision:
        """Take one request from the key's rate limit.

        While the store does not answer, this replica's share applies: limit / replicas.

        Raises:
            LimitsUnavailable: the store does not answer, and the key has `on_outage: deny`.
        """
        if not self._open:
            try:
                decision = await self._store.take(key.bucket, key.limit)
            except StateUnavailable as error:
                self._count(error)
            else:
                self._failures = 0
                return decision
        self._deny(key)
        return self._local.take_now(key.bucket, key.limit.shared_by(self._replicas()))

    async def charge(self, key: ApiKey, charge: Charge) -> Ticket:
        """Take everything that a request of `key` costs, or refuse it.

        While the store does not answer, this replica's share of every limit applies. For a budget
        it is the share of what was left at the store's last answer.

        Raises:
            LimitsUnavailable: the store does not answer, and the key has `on_outage: deny`.
        """
        asked = not self._open
        if asked:
            try:
                verdict = await self._store.charge(charge)
            except StateUnavailable as error:
                self._count(error)
                if key.denied_on_outage:
                    self._give_back(charge)
            except asyncio.CancelledError:
                self._give_back(charge)
                raise
            else:
                self._failures = 0
                self._local.forget(charge.account)
                self._learn(charge.account, verdict)
                return Ticket(charge, verdict)
        self._deny(key)
        local = charge.shared_by(self._replicas(), self._spent(charge.account))
        verdict = self._local.charge_now(local)
        if asked and verdict.refused:
            self._give_back(charge)
        return Ticket(charge, verdict, local)

    def settle(self, ticket: Ticket, *, cost: int, tokens: int) -> None:
        """Book the actual cost of a request in the background, in nano-dollars and tokens."""
        if ticket.local is None:
            self._settlement_queue.add(Settlement(ticket.charge, cost, tokens))
            return
        for crossing in self._local.settle_now(Settlement(ticket.local, cost, tokens)):
            self._events.crossing(crossing)
        # Token limits recover within a minute and need no booking later; budgets do.
        if ticket.charge.account.budget is not None:
            self._settlement_queue.add(Settlement(ticket.charge, cost, None))

    async def watch(self) -> None:
        """Book settlements and monitor the store. Never returns."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._settlement_queue.run())
            with contextlib.suppress(StateUnavailable):
                # This opens a connection for the first request.
                await self._store.ping()
            while True:
                await asyncio.sleep(PING_EVERY_S)
                if self._open:
                    await self._try_to_close()

    async def close(self) -> None:
        """Book the waiting settlements within a second, and close the store."""
        await self._settlement_queue.flush(FLUSH_S)
        await self._store.close()

    def _give_back(self, charge: Charge) -> None:
        """Settle a charge of unknown outcome with cost 0, since its request is not executed."""
        if charge.account.budget is not None:
            self._settlement_queue.add(Settlement(charge, 0, None))

    @staticmethod
    def _deny(key: ApiKey) -> None:
        if key.denied_on_outage:
            raise LimitsUnavailable(
                "The shared limits are unavailable, and this key has on_outage: deny.",
                retry_after_s=PING_EVERY_S,
            )

    def _learn(self, account: Account, verdict: Verdict) -> None:
        for crossing in verdict.crossings:
            self._events.crossing(crossing)
        if account.budget is not None:
            self._known[account.name] = window_starts(self._wall_clock()), verdict.spent

    def _spent(self, account: Account) -> Spent:
        """What all replicas had spent in the current windows at the store's last answer."""
        starts = window_starts(self._wall_clock())
        then, spent = self._known.get(account.name, (starts, (0, 0, 0)))
        hour, day, month = (
            used if begun == now else 0
            for used, begun, now in zip(spent, then, starts, strict=True)
        )
        return hour, day, month

    def _count(self, error: StateUnavailable) -> None:
        if error is self._last:
            return
        # All calls of a pipeline fail together; that counts as one failure.
        self._last = error
        self._events.error(error.kind)
        self._failures += 1
        if self._failures >= FAILURES_TO_OPEN and not self._open:
            self._open = True
            self._events.local(True)  # noqa: FBT003 - the callback's one argument
            _log.warning("the state store does not answer (%s): limits are local now", error)

    async def _try_to_close(self) -> None:
        try:
            await self._store.ping()
        except StateUnavailable as error:
            self._events.error(error.kind)
            return
        self._open = False
        self._failures = 0
        self._events.local(False)  # noqa: FBT003 - the callback's one argument
        _log.warning("the state store answers again: limits are shared again")
