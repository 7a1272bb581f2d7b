"""One attempt at one target, until its answer can be committed.

A streamed answer is read until its first valid content. A whole answer is read until it is known
to be complete.
"""

import asyncio
import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from contract.headers import REQUEST_ID
from service.pipeline.exchange import Committed, Exchange
from service.pipeline.upstreams import Upstream
from service.providers.chat_request import ChatCall, Usage
from service.providers.encoding import MAY_BE_MISSING, Encoding
from service.providers.failures import UpstreamFailure
from service.providers.http import UpstreamAnswer, UpstreamClient
from service.providers.keys import KeyInUse
from service.providers.refusals import (
    Blame,
    asked_wait_s,
    blame,
    mentioned,
    most_tokens,
    other_name,
    room_left,
)
from service.resilience.breaker import Permit
from service.resilience.retry import Symptom

__all__ = ["END_S", "Attempt", "Encoded"]

_OK = 200
_REQUEST_TIMEOUT = 408
_CLIENT_ERRORS = range(400, 500)
_FIELD_REFUSED = (400, 422)
END_S = 0.1
"""Seconds to wait for the end marker: it comes together with the usage chunk, or never."""
LEAST_ROOM = 1024
"""Tokens of an answer. A prompt that leaves room for fewer tokens counts as too long."""
_SYMPTOMS = {
    Blame.TOO_MUCH: Symptom.TOO_LONG,
    Blame.UNABLE: Symptom.UNABLE,
    Blame.MODEL: Symptom.NO_MODEL,
    Blame.PERMISSION: Symptom.KEY_REFUSED,
    Blame.KEY: Symptom.KEY_REFUSED,
    Blame.RATE: Symptom.RATE_LIMITED,
    Blame.PROVIDER: Symptom.SERVER_ERROR,
}
_PASSED_ON = frozenset((Blame.TOO_MUCH, Blame.UNABLE, Blame.MODEL, Blame.PROVIDER))
"""For these, the client gets the provider's error body when no target answers.

Refusals of the gateway's own keys stay internal.
"""
_TOO_MANY = 429
"""Providers also use this status when the quota is used up; OpenAI's clients know its code."""


def _retry_after_s(answer: UpstreamAnswer) -> float | None:
    """The provider's Retry-After in seconds, from a number or a date; None when it is unusable."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = answer.headers.get(name)
        if value is not None:
            try:
                asked_s = float(value) * unit_s
            except ValueError:
                asked_s = _until(value)
            if math.isfinite(asked_s) and asked_s >= 0:
                return asked_s
    return None


def _until(date: str) -> float:
    """Seconds until an HTTP date (RFC 9110, section 10.2.3); 0 when past, NaN when invalid."""
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except ValueError:
        return math.nan


async def _refusal_body(answer: UpstreamAnswer, limit_s: float) -> bytes:
    """The body of a refusal; empty when it does not arrive, since the status says most of it."""
    try:
        return await answer.whole(limit_s)
    except UpstreamFailure:
        return b""


def _is_stream(answer: UpstreamAnswer) -> bool:
    return answer.headers.get("content-type", "").startswith("text/event-stream")


class Encoded(NamedTuple):
    """A request in a provider's format."""

    body: bytes
    how: Encoding
    gathers: bool
    """Whether it asks for a stream, from which the gateway assembles a whole answer."""


class Attempt:
    """Runs attempts; keeps no state between them."""

    def __init__(self, client: UpstreamClient) -> None:
        self._client = client

    async def run(
        self, exchange: Exchange, upstream: Upstream, permit: Permit, request: Encoded
    ) -> Committed:
        """Send the request to the target and wait for an answer that may go to the client.

        An error that the client caused is also such an answer. `service.providers.refusals`
        separates it from errors that another target or another key may avoid.

        Raises:
            UpstreamFailure: the target gave no such answer.
        """
        call, timeouts, names = exchange.call, exchange.timeouts, request.how.names
        key = upstream.keys.take(upstream.model)
        headers = upstream.headers(call, key)
        headers[REQUEST_ID] = exchange.request_id
        if exchange.spans is not None:
            headers.update(exchange.spans.upstream_headers)
        elif exchange.trace:
            headers.update(exchange.trace)
        streamed = call.stream or request.gathers
        limit_s = timeouts.headers.seconds if streamed else timeouts.answer.seconds
        answer = await self._client.post(upstream.url, request.body, headers, limit_s)
        try:
            if answer.status != _OK:
                return await self._refused(exchange, upstream, permit, answer, key, request)
            upstream.keys.accepted(key, upstream.model)
            if not call.stream:
                # Some servers stream although no stream was requested, and some do the opposite.
                body = await (
                    self._gathered(exchange, upstream, answer)
                    if _is_stream(answer)
                    else answer.whole(timeouts.answer.seconds)
                )
                whole = upstream.dialect(call).answer(body, names)
                return Committed(upstream, permit, answer, whole.body, None, whole.usage)
            return await self._first_content(exchange, upstream, permit, answer, names)
        except BaseException:
            answer.close()
            raise

    @staticmethod
    async def _refused(
        exchange: Exchange,
        upstream: Upstream,
        permit: Permit,
        answer: UpstreamAnswer,
        key: KeyInUse,
        request: Encoded,
    ) -> Committed:
        """Return a refusal that the client caused; raise UpstreamFailure for all others."""
        status, retry_after_s = answer.status, _retry_after_s(answer)
        if status not in _CLIENT_ERRORS or status == _REQUEST_TIMEOUT:
            raise UpstreamFailure(
                Symptom.SERVER_ERROR, f"status {status}", retry_after_s=retry_after_s
            )
        body = await _refusal_body(answer, exchange.timeouts.gap.seconds)
        blamed = blame(status, body)
        if status in _FIELD_REFUSED:
            Attempt._learn(upstream, exchange.call, body, request.how, blamed)
        shown = upstream.dialect(exchange.call).refusal(status, body)
        most = Attempt._shorter(exchange, upstream, body) if blamed is Blame.TOO_MUCH else None
        match blamed:
            case Blame.CLIENT:
                upstream.keys.accepted(key, upstream.model)
                return Committed(upstream, permit, answer, shown, None, Usage())
            case Blame.RATE:
                retry_after_s = asked_wait_s(body) if retry_after_s is None else retry_after_s
                upstream.keys.exhausted(key, retry_after_s)
            case Blame.KEY:
                upstream.keys.refused(key)
            case Blame.MODEL | Blame.PERMISSION:
                upstream.keys.refused(key, upstream.model)
            case Blame.TOO_MUCH | Blame.UNABLE:
                upstream.keys.accepted(key, upstream.model)
            case Blame.PROVIDER:
                pass
        passed_on = blamed in _PASSED_ON or (blamed is Blame.KEY and status == _TOO_MANY)
        raise UpstreamFailure(
            _SYMPTOMS[blamed] if most is None else Symptom.TOO_MANY_TOKENS,
            f"status {status}: {blamed.value}",
            retry_after_s=retry_after_s,
            refusal=(status, shown) if passed_on else None,
            most_tokens=most,
        )

    @staticmethod
    def _learn(
        upstream: Upstream, call: ChatCall, body: bytes, how: Encoding, blamed: Blame
    ) -> None:
        """Remember which fields the target refuses or calls by another name.

        Raises:
            UpstreamFailure: something was learned, so the request may be tried in another form.
        """
        renamed = other_name(body)
        if renamed is not None and renamed[0] not in upstream.learned.calls:
            upstream.learned.calls = {**upstream.learned.calls, renamed[0]: renamed[1]}
            raise UpstreamFailure(Symptom.OWN_FIELD, f"{renamed[0]} is {renamed[1]} there")
        may_go = {*how.added}
        if blamed is Blame.UNABLE:
            may_go |= MAY_BE_MISSING & call.fields.keys()
        refused = mentioned(body, may_go - upstream.learned.refuses)
        if refused:
            upstream.learned.refuses |= refused
            raise UpstreamFailure(Symptom.OWN_FIELD, f"without {', '.join(sorted(refused))}")

    @staticmethod
    def _shorter(exchange: Exchange, upstream: Upstream, body: bytes) -> int | None:
        """The longest answer in tokens that the target accepts.

        None when the target refused something else, or when the request asks for no more than that.
        """
        bound, room = most_tokens(body), room_left(body)
        if bound is not None:
            upstream.learned.most_tokens = bound
        most = bound if bound is not None else room if (room or 0) >= LEAST_ROOM else None
        call = exchange.call
        return most if most is not None and call.at_most(most) is not call else None

    @staticmethod
    async def _gathered(exchange: Exchange, upstream: Upstream, answer: UpstreamAnswer) -> bytes:
        """Assemble the body of a whole answer from a stream; a silent stream fails early."""
        timeouts = exchange.timeouts
        gatherer = upstream.kind.gatherer()
        progress = gatherer.progress
        loop = asyncio.get_running_loop()
        first_by = loop.time() + timeouts.first_content.seconds
        ends_by = loop.time() + timeouts.answer.seconds
        while not progress.done:
            wait_s, waiting_for = timeouts.gap.seconds, "the next chunk"
            if not progress.has_content:
                wait_s, waiting_for = first_by - loop.time(), "the first content"
            elif progress.has_usage:
                wait_s = END_S
            try:
                limit_s = max(0.0, min(wait_s, ends_by - loop.time()))
                data = await answer.next(limit_s, waiting_for)
            except UpstreamFailure:
                if not progress.finished:
                    raise
                data = b""
            gatherer.feed(data)
        await answer.tidy()
        return gatherer.body()

    @staticmethod
    async def _first_content(
        exchange: Exchange,
        upstream: Upstream,
        permit: Permit,
        answer: UpstreamAnswer,
        names: Mapping[str, str],
    ) -> Committed:
        if not _is_stream(answer):
            content_type = answer.headers.get("content-type", "")
            raise UpstreamFailure(Symptom.MALFORMED, f"no event stream but {content_type:.60}")
        scanner = upstream.dialect(exchange.call).scanner(exchange.call, names)
        loop = asyncio.get_running_loop()
        until = loop.time() + exchange.timeouts.first_content.seconds
        held: list[bytes] = []
        while not scanner.has_content:
            data = await answer.next(max(0.0, until - loop.time()), "the first content")
            held.append(scanner.feed(data) if data else scanner.finish())
        confirmed = upstream.breaker.confirm(permit)
        return Committed(upstream, confirmed, answer, b"".join(held), scanner, Usage())
