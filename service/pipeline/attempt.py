"""One attempt at one target, up to the point where its answer can be committed to.

A streamed answer is read until its first valid content, a whole one until it is known complete.
"""

import asyncio
import math

from contract.headers import REQUEST_ID
from service.pipeline.exchange import Committed, Exchange
from service.pipeline.lanes import Lane
from service.providers.calls import Usage
from service.providers.failures import UpstreamFailure
from service.providers.http import UpstreamAnswer, UpstreamClient
from service.providers.keys import KeyInUse
from service.resilience.breaker import Permit
from service.resilience.retry import Symptom

__all__ = ["Attempt"]

_OK = 200
_BAD_REQUEST = 400
_KEY_REFUSED = (401, 402)
"""402: no credit is left, as Hugging Face and Anthropic say it."""
_MODEL_REFUSED = 403
_REQUEST_TIMEOUT = 408
_TOO_MANY = 429
_CLIENT_ERRORS = range(400, 500)


def _retry_after_s(answer: UpstreamAnswer) -> float | None:
    """What the provider asks for, in seconds; dates and nonsense count as nothing."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = answer.headers.get(name)
        if value is not None:
            try:
                asked_s = float(value) * unit_s
            except ValueError:
                continue
            if math.isfinite(asked_s) and asked_s >= 0:
                return asked_s
    return None


class Attempt:
    """Runs attempts; holds nothing between them."""

    def __init__(self, upstream: UpstreamClient) -> None:
        self._upstream = upstream

    async def run(self, exchange: Exchange, lane: Lane, permit: Permit, body: bytes) -> Committed:
        """Send `body` to the target and wait for an answer that may go to the client.

        Status 4xx (but 401, 403, 408 and 429) are such answers: the client caused them. A request
        that is too long for the model is one only when no other target takes it.

        Raises:
            UpstreamFailure: there is none.
        """
        call, timeouts = exchange.call, exchange.timeouts
        key = lane.keys.take(lane.model)
        headers = lane.headers(call, key)
        headers[REQUEST_ID] = exchange.request_id
        if exchange.spans is not None:
            headers.update(exchange.spans.upstream)
        elif exchange.trace:
            headers.update(exchange.trace)
        limit_s = timeouts.headers_seconds if call.stream else timeouts.answer_seconds
        answer = await self._upstream.post(lane.url, body, headers, limit_s)
        try:
            self._check_status(answer, lane, key)
            if answer.status != _OK:
                return await self._refused(exchange, lane, permit, answer)
            if not call.stream:
                whole = lane.dialect(call).answer(await answer.whole(limit_s))
                return Committed(lane, permit, answer, whole.body, None, whole.usage)
            return await self._first_content(exchange, lane, permit, answer)
        except BaseException:
            answer.close()
            raise

    @staticmethod
    async def _refused(
        exchange: Exchange, lane: Lane, permit: Permit, answer: UpstreamAnswer
    ) -> Committed:
        dialect = lane.dialect(exchange.call)
        body = await answer.whole(exchange.timeouts.gap_seconds)
        shown = dialect.refusal(answer.status, body)
        if answer.status == _BAD_REQUEST and dialect.too_long(body):
            raise UpstreamFailure(
                Symptom.TOO_LONG, "the model's context", refusal=(answer.status, shown)
            )
        return Committed(lane, permit, answer, shown, None, Usage())

    @staticmethod
    async def _first_content(
        exchange: Exchange, lane: Lane, permit: Permit, answer: UpstreamAnswer
    ) -> Committed:
        content_type = answer.headers.get("content-type", "")
        if not content_type.startswith("text/event-stream"):
            raise UpstreamFailure(Symptom.MALFORMED, f"no event stream but {content_type:.60}")
        scanner = lane.dialect(exchange.call).scanner(exchange.call)
        loop = asyncio.get_running_loop()
        until = loop.time() + exchange.timeouts.first_content_seconds
        held: list[bytes] = []
        while not scanner.has_content:
            data = await answer.next(max(0.0, until - loop.time()), "the first content")
            held.append(scanner.feed(data) if data else scanner.finish())
        confirmed = lane.breaker.confirm(permit)
        return Committed(lane, confirmed, answer, b"".join(held), scanner, Usage())

    @staticmethod
    def _check_status(answer: UpstreamAnswer, lane: Lane, key: KeyInUse) -> None:
        status = answer.status
        if status == _TOO_MANY:
            rest_s = _retry_after_s(answer)
            lane.keys.exhausted(key, rest_s)
            raise UpstreamFailure(Symptom.RATE_LIMITED, "status 429", retry_after_s=rest_s)
        if status in _KEY_REFUSED or status == _MODEL_REFUSED:
            lane.keys.refused(key, lane.model if status == _MODEL_REFUSED else None)
            raise UpstreamFailure(Symptom.KEY_REFUSED, f"status {status}")
        if status != _OK and (status not in _CLIENT_ERRORS or status == _REQUEST_TIMEOUT):
            raise UpstreamFailure(
                Symptom.SERVER_ERROR, f"status {status}", retry_after_s=_retry_after_s(answer)
            )
        lane.keys.accepted(key, lane.model)
