"""One attempt at one target, up to the point where its answer can be committed to.

A streamed answer is read until its first valid content, a whole one until it is known complete.
"""

import asyncio
import math

from contract.headers import REQUEST_ID
from service.pipeline.exchange import Committed, Exchange
from service.pipeline.lanes import Lane
from service.providers.failures import UpstreamFailure
from service.providers.http import UpstreamAnswer, UpstreamClient
from service.resilience.breaker import Permit
from service.resilience.retry import Symptom
from service.settings import Timeouts

__all__ = ["Attempt"]

_OK = 200
_KEY_REFUSED = (401, 403)
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

    def __init__(self, upstream: UpstreamClient, timeouts: Timeouts) -> None:
        self._upstream = upstream
        self._timeouts = timeouts

    async def run(self, exchange: Exchange, lane: Lane, permit: Permit) -> Committed:
        """Call the target and wait for an answer that may go to the client.

        Status 4xx (but 401, 403, 408 and 429) are such answers: the client caused them.

        Raises:
            UpstreamFailure: there is none.
        """
        call = exchange.call
        headers = lane.headers()
        headers[REQUEST_ID] = exchange.request_id
        limit_s = self._timeouts.headers_seconds if call.stream else self._timeouts.answer_seconds
        answer = await self._upstream.post(
            lane.chat_url, lane.dialect.encode(call, lane.model), headers, limit_s
        )
        try:
            self._check_status(answer)
            if answer.status != _OK:
                body = await answer.whole(self._timeouts.gap_seconds)
                return Committed(lane, permit, answer, body, None)
            if not call.stream:
                body = await answer.whole(limit_s)
                lane.dialect.check_answer(body)
                return Committed(lane, permit, answer, body, None)
            return await self._first_content(exchange, lane, permit, answer)
        except BaseException:
            answer.close()
            raise

    async def _first_content(
        self, exchange: Exchange, lane: Lane, permit: Permit, answer: UpstreamAnswer
    ) -> Committed:
        content_type = answer.headers.get("content-type", "")
        if not content_type.startswith("text/event-stream"):
            raise UpstreamFailure(Symptom.MALFORMED, f"no event stream but {content_type:.60}")
        scanner = lane.dialect.scanner(strip_usage=not exchange.call.include_usage)
        loop = asyncio.get_running_loop()
        until = loop.time() + self._timeouts.first_content_seconds
        held: list[bytes] = []
        while not scanner.has_content:
            data = await answer.next(max(0.0, until - loop.time()), "the first content")
            held.append(scanner.feed(data) if data else scanner.finish())
        return Committed(lane, lane.breaker.confirm(permit), answer, b"".join(held), scanner)

    @staticmethod
    def _check_status(answer: UpstreamAnswer) -> None:
        status = answer.status
        if status == _TOO_MANY:
            raise UpstreamFailure(
                Symptom.RATE_LIMITED, "status 429", retry_after_s=_retry_after_s(answer)
            )
        if status in _KEY_REFUSED:
            raise UpstreamFailure(Symptom.KEY_REFUSED, f"status {status}")
        if status != _OK and (status not in _CLIENT_ERRORS or status == _REQUEST_TIMEOUT):
            raise UpstreamFailure(
                Symptom.SERVER_ERROR, f"status {status}", retry_after_s=_retry_after_s(answer)
            )
