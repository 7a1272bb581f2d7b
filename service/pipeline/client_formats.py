"""What differs between the APIs that clients speak: errors, and signs of life in a stream.

What they ask, and what they get when all is well, is the providers' side: `service.providers`.
"""

from typing import Protocol

import msgspec

from service.errors import GatewayError, PassedOn
from service.providers.chat_request import Format
from service.providers.dialect import UNREADABLE
from service.providers.translation.field_mapping import anthropic_error

__all__ = ["ANTHROPIC", "OPENAI", "ClientApi"]

_OVERLOADED = 529
"""Anthropic's number for "try again later"; its SDK retries it."""
_UNAVAILABLE = 503
_SHOWN = 500
"""Characters of an error that is no JSON."""
_json = msgspec.json.Decoder().decode


class ClientApi(Protocol):
    """One API, as a client sees it."""

    @property
    def format(self) -> Format:
        """Which one it is."""
        ...

    passed_headers: frozenset[bytes]
    """The client's headers that a provider of the same format gets."""
    request_id: bytes
    """A second header for the id of the request, which the SDK reads; empty for none."""
    sign_of_life: bytes
    """What clients skip; sent while a model thinks."""

    def status(self, failure: GatewayError) -> int:
        """The status of an answer that is an error."""
        ...

    def body(self, failure: GatewayError, request_id: str) -> bytes:
        """Its body."""
        ...

    def event(self, body: bytes) -> bytes:
        """The same body as an event, for a stream that has begun."""
        ...


def _data(body: bytes) -> bytes:
    """An event's data: JSON in one line, whatever a provider wrote; what is none becomes one."""
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
