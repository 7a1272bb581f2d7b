"""Stage: enforces the key's limits: requests, and optionally tokens, end users and a budget.

All replicas share the limits while Redis answers; see `state.limiter`. There is one call to Redis
before the request goes on. The actual cost is booked after the answer, in the background.
"""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from contract.budgets import WINDOWS
from service.errors import (
    AllTargetsFailed,
    BudgetExceeded,
    GatewayError,
    RateLimited,
    StreamBroken,
    Unauthorized,
)
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Abort, Exchange
from service.pipeline.metering import Metering, estimated
from service.resilience.gcra import Decision
from service.resilience.gcra import Limit as Rate
from service.state.charges import NANO, Bucket, Budget, Verdict
from service.state.key_ring import ApiKey

__all__ = ["Limit", "duration_text"]

_log = logging.getLogger("seawall.budgets")

_REQUESTS, _TOKENS = "requests", "tokens"
"""The limits that the response headers report; a client can count those of its users itself."""


def duration_text(seconds: float) -> str:
    """A duration as OpenAI's headers write it: 12ms, 1.5s, 6m0s."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    return f"{int(minutes)}m{rest:g}s" if minutes else f"{rest:g}s"


class Limit:
    """Charges the request to its key, and reports in headers what is left."""

    def __init__(self, dependencies: Dependencies, proceed: Handler) -> None:
        self._limiter = dependencies.limiter
        self._metering = Metering(dependencies.settings, dependencies.upstreams)
        self._unpriced = dependencies.metrics.unpriced
        self._logged_unpriced: set[str] = set()
        """Unpriced targets that were logged since the settings changed."""
        self._share = dependencies.share
        self._proceed = self._followed if dependencies.settings.admission.adaptive else proceed
        self._then = proceed

    async def __call__(self, exchange: Exchange) -> None:
        key = exchange.key
        if key is None:
            raise Unauthorized("No API key.")
        if self._share.now < 1:
            key = key.slowed(self._share.now)
        if key.metered and exchange.name:
            await self._metered(exchange, key)
            return
        decision = await self._limiter.take(key)
        _add_rate_limit_headers(exchange, _REQUESTS, key.limit, decision)
        if not decision.allowed:
            raise _too_fast(exchange, _REQUESTS, key.limit, decision.retry_after_s)
        await self._proceed(exchange)

    async def _metered(self, exchange: Exchange, key: ApiKey) -> None:
        estimate = estimated(exchange.call, len(exchange.body))
        charge = self._metering.charge(exchange, key, estimate)
        ticket = await self._limiter.charge(key, charge)
        buckets = {bucket.what: bucket for bucket, _ in charge.buckets}
        for bucket, decision in zip(buckets.values(), ticket.verdict.decisions, strict=True):
            if bucket.what in (_REQUESTS, _TOKENS):
                _add_rate_limit_headers(exchange, bucket.what, bucket.limit, decision)
        if ticket.verdict.refused:
            raise _refusal(exchange, buckets, key.account.budget, ticket.verdict)
        try:
            await self._proceed(exchange)
        finally:
            tokens, cost = self._metering.used(exchange, estimate)
            if tokens and not cost and key.account.budget is not None:
                self._note_unpriced(exchange, key)
            self._limiter.settle(ticket, cost=cost, tokens=tokens)

    def _note_unpriced(self, exchange: Exchange, key: ApiKey) -> None:
        upstream = exchange.committed.upstream if exchange.provider else exchange.last_tried
        if upstream is None or upstream.price.known:
            return
        self._unpriced.inc()
        if upstream.name not in self._logged_unpriced:
            self._logged_unpriced.add(upstream.name)
            _log.warning(
                "the price of %s is unknown: the budgets of key %s and others do not count it",
                upstream.name,
                key.id,
            )

    async def _followed(self, exchange: Exchange) -> None:
        """Proceed, and note whether a provider could answer; client errors are not counted."""
        try:
            await self._then(exchange)
        except (AllTargetsFailed, StreamBroken):
            self._share.note(failed=True)
            raise
        except asyncio.CancelledError:
            if exchange.aborted is Abort.DEADLINE:
                self._share.note(failed=True)
            raise
        if exchange.name:
            self._share.note(failed=bool(exchange.degraded))


def _add_rate_limit_headers(exchange: Exchange, what: str, limit: Rate, decision: Decision) -> None:
    name = what.encode()
    exchange.extra_headers += (
        (b"x-ratelimit-limit-" + name, str(limit.burst).encode()),
        (b"x-ratelimit-remaining-" + name, str(decision.remaining).encode()),
        (b"x-ratelimit-reset-" + name, duration_text(decision.reset_s).encode()),
    )


def _refusal(
    exchange: Exchange, buckets: dict[str, Bucket], budget: Budget | None, verdict: Verdict
) -> GatewayError:
    if verdict.refused not in WINDOWS:
        limit = buckets[verdict.refused].limit
        return _too_fast(exchange, verdict.refused, limit, verdict.retry_after_s)
    limits = budget.limits if budget is not None else (0, 0, 0)
    dollars = limits[WINDOWS.index(verdict.refused)] / NANO
    until = _next(verdict.refused, datetime.now(UTC)).isoformat(timespec="minutes")
    return BudgetExceeded(
        f"The budget of {dollars:g} dollars a {verdict.refused} has no room for this request;"
        f" it resets at {until}."
    )


def _too_fast(exchange: Exchange, what: str, limit: Rate, retry_after_s: float) -> RateLimited:
    milliseconds = max(1, round(retry_after_s * 1000))
    exchange.extra_headers.append((b"retry-after-ms", str(milliseconds).encode()))
    return RateLimited(
        f"The rate of {limit.rate:g} {what} a second is used up; "
        f"try again in {duration_text(retry_after_s)}.",
        retry_after_s=retry_after_s,
    )


def _next(window: str, now: datetime) -> datetime:
    """The time at which the next window begins."""
    now = now.replace(minute=0, second=0, microsecond=0)
    if window == "hour":
        return now + timedelta(hours=1)
    now = now.replace(hour=0)
    if window == "day":
        return now + timedelta(days=1)
    return (now.replace(day=1) + timedelta(days=31)).replace(day=1)
