"""Stage: records the spans of a request; it exists only when tracing is configured.

The attributes follow OpenTelemetry's conventions for generative AI, without any content:
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from service.errors import GatewayError
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Exchange
from service.pipeline.upstreams import Upstream

if TYPE_CHECKING:
    from service.tracing.spans import Attributes, RequestSpans

__all__ = ["Trace", "begin_attempt"]

_OPERATION = "chat"
_PROVIDERS = {"azure-openai": "azure.ai.openai", "mistral": "mistral_ai"}
"""The conventions' well-known names, where they differ from the catalogue's."""
_MAX_NAME = 128
_CLIENT_GONE = 499
_SERVER_ERROR = 500
_LEFT, _CANCELLED = "client_gone", "cancelled"
"""Ends of a request that are not a failure of the gateway or the provider."""
_MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]{1,128})"')
"""Finds the model in a stream's first events. A quote inside content is escaped: no match."""
_LOOKED_THROUGH = 4096


class _Choice(msgspec.Struct):
    finish_reason: str | None = None


class _AnswerMetadata(msgspec.Struct):
    """The metadata of a whole answer, in OpenAI's format or Anthropic's."""

    model: str = ""
    choices: list[_Choice] = []
    stop_reason: str | None = None


_decode_metadata = msgspec.json.Decoder(_AnswerMetadata).decode


class Trace:
    """Sets `exchange.spans`, and ends them."""

    def __init__(self, dependencies: Dependencies, proceed: Handler) -> None:
        if dependencies.tracing is None:
            raise AssertionError("the stage Trace needs tracing in the settings")
        self._tracing = dependencies.tracing
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        spans = self._tracing.begin(exchange.scope["headers"])
        exchange.spans = spans
        exchange.trace = spans.headers
        error, status = "", 0
        try:
            await self._proceed(exchange)
            if not exchange.complete:
                error = _LEFT
        except GatewayError as failure:
            error = failure.code or failure.type
            status = exchange.client.status(failure)
            raise
        except asyncio.CancelledError:
            error = _CANCELLED
            raise
        except Exception:
            error, status = "internal", _SERVER_ERROR
            raise
        finally:
            _end(exchange, spans, error, exchange.status or status or _CLIENT_GONE)


def begin_attempt(exchange: Exchange, upstream: Upstream) -> None:
    """Begin the span of an attempt at a target; does nothing without `exchange.spans`."""
    spans = exchange.spans
    if spans is not None:
        spans.begin_attempt(
            f"{_OPERATION} {upstream.model}", _target(upstream) if spans.recorded else None
        )


def _target(upstream: Upstream) -> "Attributes":
    place = urlsplit(upstream.url)
    return {
        "gen_ai.operation.name": _OPERATION,
        "gen_ai.provider.name": _PROVIDERS.get(upstream.kind.name, upstream.kind.name),
        "gen_ai.request.model": upstream.model,
        "server.address": place.hostname or "",
        "server.port": place.port or (443 if place.scheme == "https" else 80),
        "seawall.provider": upstream.provider,
    }


def _end(exchange: Exchange, spans: "RequestSpans", error: str, status: int) -> None:
    answered = _answered(exchange) if spans.recorded and exchange.provider else {}
    spans.end_attempt(spans.outcome or _CANCELLED, answered)
    model = exchange.name and exchange.call.model[:_MAX_NAME]
    attributes: dict[str, str | int | tuple[str, ...]] = {
        "gen_ai.operation.name": _OPERATION,
        "http.request.method": "POST",
        "http.route": exchange.scope["path"],
        "http.response.status_code": status,
        "seawall.request_id": exchange.request_id,
        "seawall.attempts": exchange.attempts,
        **answered,
    }
    if model:
        attributes["gen_ai.request.model"] = model
    if exchange.degraded:
        attributes["seawall.degraded"] = exchange.degraded
    # After status 200, an answer can only fail in the stream.
    midway = exchange.started and error not in ("", _LEFT, _CANCELLED)
    failed = status >= _SERVER_ERROR or exchange.broken or midway
    name = f"{_OPERATION} {model}" if model else _OPERATION
    spans.end(name, attributes, error=error or ("broken" if exchange.broken else ""), failed=failed)


def _answered(exchange: Exchange) -> dict[str, str | int | tuple[str, ...]]:
    """The attributes of the answer that a target gave."""
    committed = exchange.committed
    upstream, usage = committed.upstream, exchange.usage
    found: dict[str, str | int | tuple[str, ...]] = {
        "gen_ai.provider.name": _PROVIDERS.get(upstream.kind.name, upstream.kind.name),
        "seawall.provider": upstream.provider,
    }
    if usage.prompt or usage.completion:
        found["gen_ai.usage.input_tokens"] = usage.prompt
        found["gen_ai.usage.output_tokens"] = usage.completion
    if committed.scanner is not None:
        named = _MODEL.search(committed.first, 0, _LOOKED_THROUGH)
        if named:
            found["gen_ai.response.model"] = named.group(1).decode("utf-8", "replace")
        return found
    try:
        metadata = _decode_metadata(committed.first)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return found  # a refusal, in another format
    if metadata.model:
        found["gen_ai.response.model"] = metadata.model[:_MAX_NAME]
    reasons = [one.finish_reason for one in metadata.choices] or [metadata.stop_reason]
    if any(reasons):
        found["gen_ai.response.finish_reasons"] = tuple(one for one in reasons if one)
    return found
