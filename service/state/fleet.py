"""What the replicas know together: whose breakers are open, and how many replicas there are.

One exchange a second with the store, beside the requests and never on their way. While the store
is silent every replica goes by its own calls, and by the number of replicas that it was told.
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
"""How long a replica without the lease keeps its probe back, unless an exchange renews that: until
the next one has come or failed, with time to spare."""


class Fleet:
    """Carries news between this replica's breakers and the others'."""

    def __init__(
        self,
        store: Store,
        breakers: Callable[[], Mapping[str, CircuitBreaker]],
        *,
        replicas: int,
        clock: Callable[[], float],
        on_error: Callable[[str], None],
    ) -> None:
        """`breakers` gives those of now by target; `replicas` counts while the store is silent.

        A target's name tells definitions of one provider apart: who asks another address has
        nothing to say about this one.

        `clock` is that of the breakers; `on_error` is told each failure's kind.
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
        """How many replicas are alive, this one among them.

        While the store is silent as many as there were, or as are configured, if that is more:
        each of them takes its part of what all of them may.
        """
        return self._alive

    async def run(self) -> None:
        """Exchange for ever: a task of the application."""
        while True:
            await self.exchange()
            await asyncio.sleep(EVERY_S)

    async def exchange(self) -> None:
        """Tell what is new, and hear what the others told."""
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
                breaker.told(change)
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
    """In this replica's time, `sent` being when the exchange began.

    That makes a change older than it is by the way to the store: in doubt, what this replica saw
    itself came later.
    """
    if heard.opened is None:
        return None
    return Change(
        opened=heard.opened,
        at=sent - heard.age_s,
        until=sent + heard.left_s,
        open_s=heard.open_s,
    )
