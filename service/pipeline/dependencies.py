"""The dependencies that stages use, and the protocol of a stage.

`service.app` makes the dependencies and hands them to every stage. Stages are recreated when the
settings change; state that must outlast a change is kept here. A stage is a callable that is made
with the dependencies and the next stage.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from service.pipeline.exchange import Exchange
from service.pipeline.upstreams import Upstream
from service.providers.http import UpstreamClient
from service.resilience.adaptive import AdaptiveShare
from service.resilience.byte_budget import ByteBudget
from service.resilience.concurrency_limiter import ConcurrencyLimiter
from service.resilience.stale_cache import StaleCache
from service.settings import Settings
from service.state.key_ring import KeyRing
from service.state.limiter import Limiter
from service.state.runtime_keys import RuntimeKeys
from service.telemetry.health import Health
from service.telemetry.log import RequestLog
from service.telemetry.metrics import Metrics
from service.telemetry.recent_requests import RecentRequests

if TYPE_CHECKING:
    from service.tracing.export import Tracing

__all__ = ["Dependencies", "Handler", "Stage"]

Handler = Callable[[Exchange], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The current settings, and the objects that live as long as the process."""

    settings: Settings
    health: Health
    metrics: Metrics
    request_log: RequestLog
    concurrency: ConcurrencyLimiter
    buffered: ByteBudget
    in_flight: set[Exchange]
    keys: KeyRing
    runtime_keys: RuntimeKeys | None
    """None when there is no shared store to keep keys in."""
    limiter: Limiter
    share: AdaptiveShare
    client: UpstreamClient
    upstreams: Mapping[str, tuple[Upstream, ...]]
    stale: StaleCache
    tracing: "Tracing | None"
    recent_requests: RecentRequests
    random: Callable[[], float]
    clock: Callable[[], float]


class Stage(Protocol):
    """One step: it does its part, calls `proceed` for the following stages, and cleans up."""

    def __init__(self, dependencies: Dependencies, proceed: Handler) -> None: ...

    async def __call__(self, exchange: Exchange) -> None:
        """Handle the exchange.

        Raises:
            GatewayError: the request ends with this error answer.
        """
        ...
