"""What the stages use: made by `service.app`, handed to every stage.

Stages are made anew when the settings change, so that what has to outlast that is kept here. Also
what a stage is: a callable made with the services and the next stage.
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
    """The settings in force, and what lives as long as the process."""

    settings: Settings
    health: Health
    metrics: Metrics
    request_log: RequestLog
    gate: Gate
    buffered: ByteBudget
    in_flight: set[Exchange]
    keys: KeyRing
    made_keys: MadeKeys | None
    """None where there is no shared store to keep keys in."""
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
    """One step: does its part, calls `proceed` for the rest, and cleans up after it."""

    def __init__(self, services: Services, proceed: Handler) -> None: ...

    async def __call__(self, exchange: Exchange) -> None:
        """Handle the exchange.

        Raises:
            GatewayError: the request ends here with this answer.
        """
        ...
