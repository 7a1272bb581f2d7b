"""What the stages use: made once by `service.app`, handed to every stage.

Also what a stage is: a callable made with the services and the next stage.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from service.pipeline.exchange import Exchange
from service.pipeline.lanes import Lane
from service.providers.http import UpstreamClient
from service.resilience.byte_budget import ByteBudget
from service.resilience.gate import Gate
from service.settings import Settings
from service.state.key_ring import KeyRing
from service.state.limiter import Limiter
from service.telemetry.health import Health
from service.telemetry.log import RequestLog
from service.telemetry.metrics import Metrics

__all__ = ["Handler", "Services", "Stage"]

Handler = Callable[[Exchange], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that lives as long as the process."""

    settings: Settings
    health: Health
    metrics: Metrics
    request_log: RequestLog
    gate: Gate
    buffered: ByteBudget
    in_flight: set[Exchange]
    keys: KeyRing
    limiter: Limiter
    upstream: UpstreamClient
    lanes: Mapping[str, tuple[Lane, ...]]
    random: Callable[[], float]


class Stage(Protocol):
    """One step: does its part, calls `proceed` for the rest, and cleans up after it."""

    def __init__(self, services: Services, proceed: Handler) -> None: ...

    async def __call__(self, exchange: Exchange) -> None:
        """Handle the exchange.

        Raises:
            GatewayError: the request ends here with this answer.
        """
        ...
