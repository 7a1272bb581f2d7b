"""Stage: which targets may answer, best first."""

from service.errors import AllTargetsFailed, ModelNotFound
from service.pipeline.exchange import Exchange
from service.pipeline.lanes import Lane
from service.pipeline.services import Handler, Services

__all__ = ["Route"]


class Route:
    """Sets `exchange.plan`: all of the model's targets, those whose breakers admit a call first.

    The others follow, the one that is due soonest before the rest, as a last resort: what a breaker
    knows may be some seconds old, and a request that would fail can find that out. One request at a
    time probes each of them; when that is all there is, and all probes are out, it is refused at
    once.
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
        admitting: list[Lane] = []
        resort: list[Lane] = []
        for lane in lanes:
            (admitting if lane.breaker.available() else resort).append(lane)
        resort.sort(key=lambda lane: lane.breaker.retry_in_s())
        if not admitting and not any(lane.breaker.available(early=True) for lane in resort):
            raise AllTargetsFailed(
                f"No provider of '{exchange.model}' answers now.",
                retry_after_s=max(1.0, resort[0].breaker.retry_in_s()),
            )
        exchange.plan = [*admitting, *resort]
        await self._proceed(exchange)
