"""Stage: decodes the few fields that the gateway needs; all others stay raw bytes."""

import re
from collections.abc import Mapping

import msgspec

from service.errors import InvalidRequest
from service.pipeline.client_formats import OPENAI, ClientApi
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Exchange
from service.providers.chat_request import ChatCall
from service.providers.dialect import UNREADABLE
from service.providers.lenient import whole_characters

__all__ = ["Decode"]

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_string = msgspec.json.Decoder(str).decode
_flag = msgspec.json.Decoder(bool | None).decode
_CACHE_CONTROL = b"cache-control"
MAX_STATE = 512
"""Bytes of a tracestate up to which it must be forwarded.
https://www.w3.org/TR/trace-context/#limits"""
_PARENT, _STATE = b"traceparent", b"tracestate"
_WELL_FORMED = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}").fullmatch
_FALSE = msgspec.Raw(b"false")
_NULL = msgspec.Raw(b"null")


def _options(raw: msgspec.Raw) -> dict[str, msgspec.Raw]:
    return {} if bytes(raw) == b"null" else _fields(raw)


def decode_chat(body: bytes, client: ClientApi = OPENAI) -> ChatCall:
    """Decode a request for a completion or a message; both use the fields model and stream.

    An incomplete character (half a surrogate pair) in a text becomes U+FFFD, since providers
    refuse it.

    Raises:
        InvalidRequest: it is not a JSON object, or model, stream or stream_options is wrong.
    """
    mended = False
    try:
        try:
            fields = _fields(body)
        except UNREADABLE:
            fields, mended = _fields(whole_characters(body)), True
    except UNREADABLE as error:
        raise InvalidRequest(f"The body is not a JSON object: {error}") from None
    if "model" not in fields:
        raise InvalidRequest("The field 'model' is missing.", param="model")
    param = "model"
    try:
        model = _string(fields["model"])
        param = "stream"
        stream = bool(_flag(fields.get("stream", _FALSE)))
        param = "stream_options"
        options = _options(fields.get("stream_options", _NULL))
        include_usage = bool(_flag(options.get("include_usage", _FALSE)))
    except UNREADABLE as error:
        raise InvalidRequest(f"The field '{param}' is wrong: {error}", param=param) from None
    return ChatCall(
        fields=fields,
        model=model,
        stream=stream,
        stream_options=options,
        include_usage=include_usage,
        format=client.format,
        mended=mended,
    )


def _trace_of(found: Mapping[bytes, bytes]) -> dict[str, str]:
    """The client's trace context, to be forwarded; https://www.w3.org/TR/trace-context/."""
    if not _WELL_FORMED(found.get(_PARENT, b"")):
        return {}
    return {name.decode(): value.decode("latin-1") for name, value in found.items()}


class Decode:
    """Sets `exchange.call`."""

    def __init__(self, dependencies: Dependencies, proceed: Handler) -> None:
        del dependencies
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        client = exchange.client
        call = decode_chat(exchange.body, client)
        passed: dict[str, str] = {}
        trace: dict[bytes, bytes] = {}
        fresh = False
        for name, value in exchange.scope["headers"]:
            if name == _CACHE_CONTROL:
                fresh = b"no-cache" in value or b"no-store" in value
            elif name == _PARENT or (name == _STATE and len(value) <= MAX_STATE):
                trace[name] = value
            elif name in client.passed_headers:
                # Several header lines are the same as one with commas: RFC 9110, section 5.3.
                header, text = name.decode(), value.decode("latin-1")
                passed[header] = f"{passed[header]}, {text}" if header in passed else text
        exchange.call = (
            msgspec.structs.replace(call, headers=passed, fresh=fresh) if passed or fresh else call
        )
        exchange.name = exchange.call.model
        if exchange.spans is None:
            exchange.trace = _trace_of(trace)
        await self._proceed(exchange)
