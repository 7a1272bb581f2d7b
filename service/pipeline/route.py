"""Stage: which targets may answer, best first."""

from service.errors import AllTargetsFailed, ModelNotFound
from service.pipeline.exchange import Exchange
from service.pipeline.services import Handler, Services

__all__ = ["Route"]


class Route:
    """Sets `exchange.plan`: the model's targets whose breakers admit a call, in the given order.

    When none does, one request at a time probes the target that is due first; the others are
    refused at once.
    """

    def __init__(self, services: Services, proceed: Handler) -> None:
        self._lanes = services.lanes
        self._aliases = tuple(services.settings.models)
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        """See `Stage`."""
        lanes = self._lanes.get(exchange.call.model)
        if lanes is None:
            raise ModelNotFound(exchange.call.model, self._aliases)
        exchange.model = exchange.call.model
        exchange.plan = [lane for lane in lanes if lane.breaker.available()]
        if not exchange.plan:
            first = min(lanes, key=lambda lane: lane.breaker.retry_in_s())
            if first.breaker.probing:
                raise AllTargetsFailed(
                    f"No provider of '{exchange.model}' answers now.",
                    retry_after_s=max(1.0, first.breaker.retry_in_s()),
                )
            exchange.plan = [first]
            exchange.probing = True
        await self._proceed(exchange)
