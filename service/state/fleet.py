"""State that the replicas share: their open breakers, and the number of replicas.

There is one exchange with the store a second, in the background; no request waits for it. While the
store does not answer, every replica uses its own calls and the last known number of replicas.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping

from service.errors import StateUnavailable
from service.resilience.breaker import BreakerState, Change, CircuitBreaker
from service.state.fleet_script import Heard, Report, Wish
from service.state.store import Store

__all__ = ["Fleet"]

EVERY_S = 1.0
HOLD_S = 2.5
"""Seconds for which a replica without the lease sends no probe. Each exchange renews them; they are
long enough for the next exchange to succeed or fail."""


class Fleet:
    """Exchanges changes between this replica's breakers and those of the others."""

    def __init__(
        self,
        store: Store,
        breakers: Callable[[], Mapping[str, CircuitBreaker]],
        *,
        replicas: int,
        clock: Callable[[], float],
        on_error: Callable[[str], None],
    ) -> None:
        """Start with the configured number of replicas.

        Args:
            store: the shared store.
            breakers: returns the current breakers by target. A target's name differs when the
                definition of its provider does, so that replicas with another address of the
                provider do not share its state.
            replicas: the configured number of replicas, for the time without the store.
            clock: the clock of the breakers, in seconds.
            on_error: called with the kind of each failed exchange.
        """
        self._store = store
        self._breakers = breakers
        self._configured = replicas
        self._alive = replicas
        self._clock = clock
        self._on_error = on_error
        self._name = secrets.token_hex(8)

    @property
    def replicas(self) -> int:
        """The number of live replicas, with this one.

        While the store does not answer, it is the last known or the configured number, whichever is
        larger. Each replica takes its share of the common limits by it.
        """
        return self._alive

    async def run(self) -> None:
        """Exchange once a second. Never returns."""
        while True:
            await self.exchange()
            await asyncio.sleep(EVERY_S)

    async def exchange(self) -> None:
        """Send this replica's changes, and receive those of the others."""
        sent = self._clock()
        breakers = self._breakers()
        changes = {target: breaker.news() for target, breaker in breakers.items()}
        reports = [
            _report(target, breakers[target], change, sent) for target, change in changes.items()
        ]
        try:
            view = await self._store.exchange(self._name, reports)
        except StateUnavailable as error:
            self._on_error(error.kind)
            self._alive = max(self._alive, self._configured)
            for breaker in breakers.values():
                breaker.alone()
            return
        if view is None:
            return
        self._alive = max(1, view.replicas)
        for (target, change), heard in zip(changes.items(), view.heard, strict=True):
            breaker = breakers[target]
            if change is not None:
                breaker.acknowledge(change)
            breaker.hear(_change(heard, sent), may_probe=heard.may_probe, held_until=sent + HOLD_S)


def _report(target: str, breaker: CircuitBreaker, change: Change | None, now: float) -> Report:
    wish = Wish.NONE
    if breaker.probing:
        wish = Wish.KEEP
    elif breaker.state is not BreakerState.CLOSED and breaker.wanted:
        wish = Wish.LEASE
    if change is None:
        return Report(target, wish)
    left_s = change.until - now
    return Report(target, wish, change.opened, now - change.at, left_s, change.open_s)


def _change(heard: Heard, sent: float) -> Change | None:
    """Convert to this replica's clock; `sent` is the time at which the exchange began.

    This makes a change older by the network delay. So in doubt this replica's own observations
    count as newer.
    """
    if heard.opened is None:
        return None
    return Change(
        opened=heard.opened,
        at=sent - heard.age_s,
        until=sent + heard.left_s,
        open_s=heard.open_s,
    )
