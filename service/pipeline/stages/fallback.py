"""Stage: the fallback order for requests that none of the model's own targets answers.

1. The targets of the model's fallbacks.
2. A stale answer: the one that the same tenant got to the same request before.
3. An error with Retry-After.

Errors that the client caused have no fallback, with one exception: the fallbacks are tried with a
request that is too long for the model, because they may accept longer ones. A request with
`cache-control: no-cache` or `no-store` gets no stale answer, and its own answer is not kept.
"""

from service.errors import AllTargetsFailed, InvalidRequest, PassedOn
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Exchange
from service.resilience.stale_cache import answer_key

__all__ = ["Fallback"]

_OK = 200
_TOOLS = frozenset(("tools", "functions"))
"""Answers to requests with these fields are not kept: an old tool call is an action, not an answer.
"""
_EVENT_STREAM = b"text/event-stream"
_JSON = b"application/json"


class Fallback:
    """Tries the fallbacks in order, and keeps the answers that may be served stale later."""

    def __init__(self, dependencies: Dependencies, proceed: Handler) -> None:
        self._stale = dependencies.stale
        self._fallbacks = {
            name: model.fallbacks for name, model in dependencies.settings.models.items()
        }
        self._metrics = dependencies.metrics
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
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
        """Answer from a fallback model or a stale answer; return whether one did."""
        exchange.copy = None
        for name in self._fallbacks.get(exchange.call.model, ()):
            exchange.name, exchange.degraded = name, "fallback"
            try:
                await self._proceed(exchange)
            except (AllTargetsFailed, PassedOn, InvalidRequest):
                # InvalidRequest: the fallback's providers cannot express this request.
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
