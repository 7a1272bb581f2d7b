"""The `Store` in Redis: limits, budgets and the shared state of the replicas.

Nothing is retried here: callers have a local answer, and a late decision is useless.
"""

from collections.abc import Sequence
from pathlib import Path

from typing_extensions import override

from service.errors import StateUnavailable
from service.resilience.gcra import Decision, Limit
from service.settings import RedisState
from service.state.charge_script import charge_call, crossings_of, settle_call, verdict_of
from service.state.charges import (
    Account,
    Bucket,
    Budget,
    Charge,
    Crossing,
    Settlement,
    Verdict,
)
from service.state.event_loop_timeout import event_loop_timeout
from service.state.fleet_script import FleetView, Report, fleet_call, view
from service.state.limit_script import decision_of, limit_call, limit_key
from service.state.redis_batches import HOT_PATH_S, Batches
from service.state.redis_client import RedisClient, in_background
from service.state.store import Store

__all__ = ["RedisStore"]

EXCHANGE_S = 0.5
"""The timeout in seconds of the replicas' exchange, which no request waits for."""
_PING_ACCOUNT = Account("seawall:{seawall}:ping", "ping", Budget((1, 1, 1)))
_PING = charge_call(
    Charge(
        "ping",
        _PING_ACCOUNT,
        ((Bucket(limit_key("seawall", "ping"), Limit(rate=1000, burst=1000), "requests"), 1),),
        held=1,
        hold_s=0,
    )
)
"""Charges like a real request, so that an answer proves that requests can write, too."""


class RedisStore(Store):
    """The store in Redis, which all replicas share."""

    def __init__(self, state: RedisState, secrets_dir: Path) -> None:
        self.client = RedisClient(state, secrets_dir)
        self._batches = Batches(self.client)

    @override
    async def take(self, key: str, limit: Limit) -> Decision:
        """Take one request; the call joins the current batch."""
        return decision_of(await self._batches.answer(limit_call(key, limit)))

    @override
    async def charge(self, charge: Charge) -> Verdict:
        """Take everything or nothing; the call joins the current batch."""
        return verdict_of(charge, await self._batches.answer(charge_call(charge)))

    @override
    async def settle(
        self, settlements: Sequence[Settlement]
    ) -> tuple[list[Crossing], list[Settlement]]:
        """Book the costs in a separate pipeline."""
        answers = await self.client.run_at_leisure([settle_call(one) for one in settlements])
        crossings: list[Crossing] = []
        left: list[Settlement] = []
        for settlement, answer in zip(settlements, answers, strict=True):
            if isinstance(answer, StateUnavailable):
                left.append(settlement)
            else:
                crossings += crossings_of(settlement.charge, answer)
        return crossings, left

    @override
    async def exchange(self, replica: str, reports: Sequence[Report]) -> FleetView | None:
        (answer,) = await self.client.run_at_leisure([fleet_call(replica, reports)], EXCHANGE_S)
        if isinstance(answer, StateUnavailable):
            raise answer
        return view(answer)

    @override
    async def ping(self) -> None:
        """Check that the store answers; a connect and two commands may take 1.5 s together.

        It does not use PING, which a node that refuses writes also answers. The second call must
        be as fast as requests need it; otherwise the limiter's breaker would open again at once.
        """
        async with in_background():
            await self.client.run([_PING])
            async with event_loop_timeout(HOT_PATH_S):
                (answer,) = await self.client.run([_PING])
        if isinstance(answer, StateUnavailable):
            raise answer

    @override
    async def close(self) -> None:
        await self.client.close()
