"""Stage: the few fields that the gateway needs; all others are kept as the bytes they are."""

import msgspec

from service.errors import InvalidRequest
from service.pipeline.exchange import Exchange
from service.pipeline.services import Handler, Services
from service.providers.dialect import UNREADABLE, ChatCall

__all__ = ["Decode"]

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_string = msgspec.json.Decoder(str).decode
_flag = msgspec.json.Decoder(bool | None).decode
_FALSE = msgspec.Raw(b"false")
_NULL = msgspec.Raw(b"null")


def _options(raw: msgspec.Raw) -> dict[str, msgspec.Raw]:
    return {} if bytes(raw) == b"null" else _fields(raw)


def decode_chat(body: bytes) -> ChatCall:
    """Decode a chat completion request.

    Raises:
        InvalidRequest: it is no JSON object, or model, stream or stream_options is wrong.
    """
    try:
        fields = _fields(body)
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
    )


class Decode:
    """Sets `exchange.call`."""

    def __init__(self, services: Services, proceed: Handler) -> None:
        del services
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        """See `Stage`."""
        exchange.call = decode_chat(exchange.body)
        await self._proceed(exchange)
