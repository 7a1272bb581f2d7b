"""Stage: lists the targets that may answer, best first."""

from contract.gateway_config import ModelTimeouts, Timeouts
from service.errors import AllTargetsFailed, ModelNotFound
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Exchange
from service.pipeline.targets import model_targets
from service.resilience.load_balancing import plan

__all__ = ["Route"]


def _with(usual: Timeouts, own: ModelTimeouts) -> Timeouts:
    return usual.model_copy(update=own.model_dump(exclude_none=True))


class Route:
    """Sets `exchange.timeouts` and `exchange.plan`.

    The plan has the model's targets that can take the request, in the order of
    `service.resilience.load_balancing`. Targets whose breakers admit no call are its end, as a last
    resort: a breaker's state may be some seconds old, and a request that would fail anyway can
    probe the target. One request at a time probes each target. When every breaker is open and
    other requests are probing all targets, this request is refused at once. There is one
    exception: when a target failed within the last second, the request goes on and waits for the
    results of the other targets' probes.
    """

    def __init__(self, dependencies: Dependencies, proceed: Handler) -> None:
        self._targets = model_targets(dependencies.settings, dependencies.upstreams)
        self._aliases = tuple(dependencies.settings.models)
        self._timeouts = {
            name: _with(dependencies.settings.timeouts, model.timeouts)
            for name, model in dependencies.settings.models.items()
        }
        self._usual = dependencies.settings.timeouts
        self._random = dependencies.random
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        name = exchange.name
        targets = self._targets.get(name)
        if targets is None:
            raise ModelNotFound(name, self._aliases)
        exchange.model = exchange.call.model
        exchange.timeouts = self._timeouts.get(name, self._usual)
        found = plan(
            targets.sorted,
            needs=targets.needs(exchange),
            affinity=targets.affinity(exchange),
            random=self._random,
        )
        for target in found.resort:
            target.upstream.breaker.want()
        if not found.ready and not any(
            target.upstream.breaker.available(early=True) or target.upstream.breaker.just_opened
            for target in found.resort
        ):
            raise AllTargetsFailed(
                f"No provider of '{name}' answers now.",
                retry_after_s=max(1.0, found.resort[0].retry_in_s),
            )
        exchange.plan = [target.upstream for target in (*found.ready, *found.resort)]
        await self._proceed(exchange)
