"""The services that stages use, and the protocol of a stage.

`service.app` makes the services and hands them to every stage. Stages are recreated when the
settings change; state that must outlast a change is kept here. A stage is a callable that is made
with the services and the next stage.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from service.pipeline.exchange import Exchange
from service.pipeline.upstreams import Lane
from service.providers.http import UpstreamClient
from service.resilience.adaptive import AdaptiveShare
from service.resilience.byte_budget import ByteBudget
from service.resilience.concurrency_limiter import Gate
from service.resilience.stale_cache import StaleCache
from service.settings import Settings
from service.state.key_ring import KeyRing
from service.state.limiter import Limiter
from service.state.runtime_keys import MadeKeys
from service.telemetry.health import Health
from service.telemetry.log import RequestLog
from service.telemetry.metrics import Metrics
from service.telemetry.recent_requests import Traffic

if TYPE_CHECKING:
    from service.tracing.export import Tracing

__all__ = ["Handler", "Services", "Stage"]

Handler = Callable[[Exchange], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Services:
    """The current settings, and the objects that live as long as the process."""

    settings: Settings
    health: Health
    metrics: Metrics
    request_log: RequestLog
    gate: Gate
    buffered: ByteBudget
    in_flight: set[Exchange]
    keys: KeyRing
    made_keys: MadeKeys | None
    """None when there is no shared store to keep keys in."""
    limiter: Limiter
    share: AdaptiveShare
    upstream: UpstreamClient
    lanes: Mapping[str, tuple[Lane, ...]]
    stale: StaleCache
    tracing: "Tracing | None"
    traffic: Traffic
    random: Callable[[], float]
    clock: Callable[[], float]


class Stage(Protocol):
    """One step: it does its part, calls `proceed` for the following stages, and cleans up."""

    def __init__(self, services: Services, proceed: Handler) -> None: ...

    async def __call__(self, exchange: Exchange) -> None:
        """Handle the exchange.

        Raises:
            GatewayError: the request ends with this error answer.
        """
        ...
