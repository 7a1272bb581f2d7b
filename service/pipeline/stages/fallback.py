"""Stage: the ladder below the model's own targets, for when none of them answers.

First the targets of the model's fallbacks, then the answer that the same tenant got to the same
request a while ago, then the refusal, with the time after which it is worth to ask again. What the
client got wrong is never answered from here; a request that is too long for the model is tried at
the fallbacks, which may take more. Who sends `cache-control: no-cache` or `no-store` gets no answer
of a while ago, and none of its own is kept.
"""

from service.errors import AllTargetsFailed, InvalidRequest, PassedOn
from service.pipeline.dependencies import Handler, Services
from service.pipeline.exchange import Exchange
from service.resilience.stale_cache import answer_key

__all__ = ["Degrade"]

_OK = 200
_TOOLS = frozenset(("tools", "functions"))
"""Fields whose requests are not kept: an old call of a tool is an act, not an answer."""
_EVENT_STREAM = b"text/event-stream"
_JSON = b"application/json"


class Degrade:
    """Goes down the ladder; has kept what the last rung needs."""

    def __init__(self, services: Services, proceed: Handler) -> None:
        self._stale = services.stale
        self._fallbacks = {
            name: model.fallbacks for name, model in services.settings.models.items()
        }
        self._metrics = services.metrics
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        """See `Stage`."""
        call = exchange.call
        if self._stale.keeps and not call.fresh and not _TOOLS & call.fields.keys():
            exchange.copy = []
        try:
            await self._proceed(exchange)
        except (AllTargetsFailed, PassedOn) as failure:
            if not await self._descend(exchange, failure):
                raise
        else:
            self._keep(exchange)

    async def _descend(self, exchange: Exchange, failure: AllTargetsFailed | PassedOn) -> bool:
        """Answer from a rung below; whether one did."""
        exchange.copy = None
        for name in self._fallbacks.get(exchange.call.model, ()):
            exchange.name, exchange.degraded = name, "fallback"
            try:
                await self._proceed(exchange)
            except (AllTargetsFailed, PassedOn, InvalidRequest):
                # The last: a fallback whose providers cannot say what the client wants.
                continue
            self._metrics.degraded("fallback")
            return True
        exchange.degraded = ""
        if exchange.call.fresh or not isinstance(failure, AllTargetsFailed):
            return False
        return await self._answer_stale(exchange)

    async def _answer_stale(self, exchange: Exchange) -> bool:
        kept = self._stale.find(self._key(exchange)) if self._stale.keeps else None
        if kept is None:
            return False
        exchange.degraded = "stale"
        if kept.content_type == _EVENT_STREAM:
            if not exchange.started:
                await exchange.start_stream()
            await exchange.write(kept.body, more=False)
        else:
            await exchange.answer(_OK, [(b"content-type", kept.content_type)], kept.body)
        self._metrics.degraded("stale")
        return True

    def _keep(self, exchange: Exchange) -> None:
        if not exchange.copy or exchange.status != _OK or exchange.broken:
            return
        content_type = _EVENT_STREAM if exchange.streaming else _JSON
        self._stale.keep(self._key(exchange), content_type, b"".join(exchange.copy))

    @staticmethod
    def _key(exchange: Exchange) -> bytes:
        tenant = exchange.key.tenant if exchange.key is not None else ""
        return answer_key(tenant.encode(), exchange.route.encode(), exchange.body)
