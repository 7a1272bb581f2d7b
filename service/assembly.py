"""Makes the dependencies of the stages and the background tasks from the settings."""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from service.pipeline.dependencies import Dependencies
from service.pipeline.exchange import Exchange
from service.pipeline.upstreams import Upstream
from service.providers.http import UpstreamClient
from service.resilience.adaptive import AdaptiveShare
from service.resilience.breaker import CircuitBreaker
from service.resilience.byte_budget import ByteBudget
from service.resilience.concurrency_limiter import ConcurrencyLimiter
from service.resilience.stale_cache import StaleCache
from service.settings import RedisState, Settings
from service.state.charges import Crossing
from service.state.fleet import Fleet
from service.state.key_ring import KeyRing
from service.state.limiter import Limiter, LimiterEvents
from service.state.memory import MemoryStore
from service.state.redis_store import RedisStore
from service.state.runtime_keys import RuntimeKeys
from service.state.store import Store
from service.telemetry.health import Health
from service.telemetry.log import RequestLog
from service.telemetry.metrics import Metrics
from service.telemetry.recent_requests import RecentRequests

if TYPE_CHECKING:
    from service.tracing.export import Tracing

__all__ = ["Assembly", "assemble", "urls"]

_log = logging.getLogger("seawall.budgets")


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts of one process. Close it in the event loop that it was made in."""

    dependencies: Dependencies
    fleet: Fleet

    async def close(self) -> None:
        """Close every connection, that of the store last."""
        await self.dependencies.client.close()
        if self.dependencies.tracing is not None:
            await self.dependencies.tracing.close()
        await self.dependencies.limiter.close()


def assemble(
    settings: Settings,
    *,
    keys: KeyRing,
    upstreams: Mapping[str, tuple[Upstream, ...]],
    breakers: Callable[[], Mapping[str, CircuitBreaker]],
    health: Health,
    metrics: Metrics,
    request_log: RequestLog,
    in_flight: set[Exchange],
) -> Assembly:
    """Make everything; this needs a running event loop.

    `breakers` returns the breakers of the current settings, by target.
    """
    store = _store(settings)
    fleet = Fleet(
        store,
        breakers,
        replicas=settings.replicas,
        clock=time.monotonic,
        on_error=metrics.state_error,
    )
    limiter = Limiter(
        store,
        replicas=lambda: fleet.replicas,
        events=LimiterEvents(
            local=metrics.limiter_local.set,
            error=metrics.state_error,
            crossing=partial(_crossed, metrics),
            lost=metrics.unbooked_lost.inc,
        ),
    )
    admission, degradation = settings.admission, settings.degradation
    concurrency = ConcurrencyLimiter(admission.max_in_flight, admission.queue)
    metrics.replicas.set_function(lambda: fleet.replicas)
    metrics.unbooked.set_function(lambda: limiter.unbooked)
    metrics.queued.set_function(lambda: concurrency.waiting)
    dependencies = Dependencies(
        settings=settings,
        health=health,
        metrics=metrics,
        request_log=request_log,
        concurrency=concurrency,
        buffered=ByteBudget(max(admission.max_buffered_bytes, admission.max_body_bytes)),
        in_flight=in_flight,
        keys=keys,
        runtime_keys=RuntimeKeys(store.client, keys) if isinstance(store, RedisStore) else None,
        limiter=limiter,
        share=AdaptiveShare(metrics.limit_share.set),
        client=UpstreamClient(settings.timeouts.connect.seconds, urls(upstreams)),
        upstreams=upstreams,
        stale=StaleCache(
            degradation.stale_answers.seconds, degradation.stale_bytes, time.monotonic
        ),
        tracing=_tracing(settings),
        recent_requests=RecentRequests(time.monotonic),
        random=random.random,
        clock=time.monotonic,
    )
    return Assembly(dependencies, fleet)


def urls(upstreams: Mapping[str, tuple[Upstream, ...]]) -> list[str]:
    """The URLs of the providers; some occur more than once."""
    return [upstream.url for some in upstreams.values() for upstream in some]


def _store(settings: Settings) -> Store:
    state = settings.state
    if isinstance(state, RedisState):
        return RedisStore(state, settings.secrets_dir)
    return MemoryStore()


def _crossed(metrics: Metrics, crossing: Crossing) -> None:
    metrics.crossed(crossing.window, crossing.percent)
    _log.warning(
        "budget of key %s: %d %% of this %s's is used",
        crossing.key_id,
        crossing.percent,
        crossing.window,
    )


def _tracing(settings: Settings) -> "Tracing | None":
    if settings.tracing is None:
        return None
    # Importing OpenTelemetry costs memory and time, so it happens only with tracing.
    from service.tracing.export import Tracing  # noqa: PLC0415

    return Tracing(settings.tracing, settings.secrets_dir)
