"""What a wire format has to offer so that the pipeline can speak it.

A new wire format is one module in `service.providers.dialects` that implements `Dialect`.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from service.errors import SeawallError
from service.providers.chat_request import ChatCall, Usage
from service.providers.encoding import SAME_NAMES, Encoding
from service.providers.failures import UpstreamFailure
from service.resilience.retry import Symptom

__all__ = [
    "MISREAD",
    "UNREADABLE",
    "Dialect",
    "Progress",
    "StreamScanner",
    "Untranslatable",
    "WholeAnswer",
    "as_failure",
]

_log = logging.getLogger("seawall.dialects")
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not the JSON it was told to expect."""
MISREAD = (*UNREADABLE, AttributeError, KeyError, TypeError, ValueError)
"""What a dialect may stumble over in an odd request or answer: others may do better with it."""


class Untranslatable(SeawallError):  # noqa: N818 - a property of the request, not a bug
    """A request asks for what the provider's format has no words for; `param` is the field."""

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.param = param


def as_failure(error: Exception) -> UpstreamFailure:
    """What it says of the provider: nothing, where it is our translation that cannot read."""
    if isinstance(error, UpstreamFailure):
        return error
    if not isinstance(error, UNREADABLE):
        _log.exception("a dialect has a bug", exc_info=error)
    return UpstreamFailure(Symptom.UNTRANSLATED, type(error).__name__)


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """What the client gets, and the tokens that the provider counted."""

    body: bytes
    usage: Usage


class Progress(Protocol):
    """How far a streamed answer has come."""

    @property
    def has_content(self) -> bool:
        """Whether the first valid content has passed: from here on the answer is committed."""
        ...

    @property
    def finished(self) -> bool:
        """Whether every choice has ended: only usage and the end marker may be missing."""
        ...

    @property
    def has_usage(self) -> bool:
        """Whether the usage of a finished answer has passed: only the end marker may be missing."""
        ...

    @property
    def done(self) -> bool:
        """Whether the end marker has passed."""
        ...


class StreamScanner(Progress, Protocol):
    """Reads one streamed answer as it passes; one per attempt."""

    @property
    def usage(self) -> Usage:
        """The tokens that the provider counted so far."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Take what arrived, return what the client gets: whole events.

        Byte for byte where the provider speaks the client's format.

        Raises:
            UpstreamFailure: an event is malformed, reports an error, or ends an unfinished answer.
        """
        ...

    def finish(self) -> bytes:
        """The upstream closed the stream; return what is still owed to the client.

        Raises:
            UpstreamFailure: the answer is not complete.
        """
        ...


class Dialect(Protocol):
    """How a provider is asked for, and answers to, clients of one format."""

    def encode(self, call: ChatCall, model: str, how: Encoding) -> bytes:
        """The request body for `model`, with everything else as the client sent it.

        What the provider would refuse is changed, and noted in `how`.

        Raises:
            Untranslatable: the provider's format cannot say what the client wants.
        """
        ...

    def answer(self, body: bytes, names: Mapping[str, str] = SAME_NAMES) -> WholeAnswer:
        """A whole, not streamed, answer as the client gets it; `names` are `Encoding.names`.

        Raises:
            UpstreamFailure: it is malformed or not complete.
        """
        ...

    def refusal(self, status: int, body: bytes) -> bytes:
        """An answer of status 4xx as the client gets it."""
        ...

    def scanner(self, call: ChatCall, names: Mapping[str, str] = SAME_NAMES) -> StreamScanner:
        """A scanner for one streamed answer to `call`; `names` are `Encoding.names`."""
        ...
