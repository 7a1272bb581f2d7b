"""How the client APIs differ: the format of errors and of keep-alive events in a stream.

Requests and successful answers are converted in `service.providers`.
"""

from typing import Protocol

import msgspec

from service.errors import GatewayError, PassedOn
from service.providers.chat_request import Format
from service.providers.dialect import UNREADABLE
from service.providers.translation.field_mapping import anthropic_error

__all__ = ["ANTHROPIC", "OPENAI", "ClientApi"]

_OVERLOADED = 529
"""Anthropic's status for "try again later"; its SDK retries it."""
_UNAVAILABLE = 503
_SHOWN = 500
"""Characters that are shown of an error that is not JSON."""
_json = msgspec.json.Decoder().decode


class ClientApi(Protocol):
    """One API, as a client sees it."""

    @property
    def format(self) -> Format:
        """Which one it is."""
        ...

    passed_headers: frozenset[bytes]
    """The client's headers that are forwarded to a provider of the same format."""
    request_id: bytes
    """A second header for the request id, which the SDK reads; empty for none."""
    sign_of_life: bytes
    """A keep-alive event or comment that clients ignore; sent while a model thinks."""

    def status(self, failure: GatewayError) -> int:
        """The HTTP status of the error."""
        ...

    def body(self, failure: GatewayError, request_id: str) -> bytes:
        """The body of the error."""
        ...

    def event(self, body: bytes) -> bytes:
        """The same body as a server-sent event, for a stream that has begun."""
        ...


def _data(body: bytes) -> bytes:
    """The data line of an event: a provider's JSON in one line; other text is put into an error."""
    try:
        line = msgspec.json.encode(_json(body))
    except UNREADABLE:
        text = body.decode(errors="replace")[:_SHOWN]
        shape = {"message": text, "type": "invalid_request_error", "param": None, "code": None}
        line = msgspec.json.encode({"error": shape})
    return b"data: " + line + b"\n\n"


class _OpenAI:
    format = Format.OPENAI
    passed_headers: frozenset[bytes] = frozenset()
    request_id = b""
    sign_of_life = b": waiting for the model\n\n"

    def status(self, failure: GatewayError) -> int:
        return failure.status

    def body(self, failure: GatewayError, request_id: str) -> bytes:
        del request_id
        return failure.body()

    def event(self, body: bytes) -> bytes:
        return _data(body)


class _Anthropic:
    format = Format.ANTHROPIC
    passed_headers: frozenset[bytes] = frozenset((b"anthropic-version", b"anthropic-beta"))
    request_id = b"request-id"
    sign_of_life = b'event: ping\ndata: {"type": "ping"}\n\n'

    def status(self, failure: GatewayError) -> int:
        return _OVERLOADED if failure.status == _UNAVAILABLE else failure.status

    def body(self, failure: GatewayError, request_id: str) -> bytes:
        if isinstance(failure, PassedOn):
            return failure.body()
        return anthropic_error(self.status(failure), failure.message, request_id)

    def event(self, body: bytes) -> bytes:
        return b"event: error\n" + _data(body)


OPENAI: ClientApi = _OpenAI()
ANTHROPIC: ClientApi = _Anthropic()
