"""The protocol that a wire format implements for the pipeline.

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
"""The exceptions of msgspec for bytes that are not JSON of the expected type."""
MISREAD = (*UNREADABLE, AttributeError, KeyError, TypeError, ValueError)
"""The exceptions that a dialect may raise for an unusual request or answer. Another target may
succeed with it."""


class Untranslatable(SeawallError):  # noqa: N818 - a property of the request, not a bug
    """The provider's format cannot express the request; `param` is the field that is the reason."""

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.param = param


def as_failure(error: Exception) -> UpstreamFailure:
    """The failure for an exception of an attempt.

    An exception of the gateway's own translation becomes UNTRANSLATED, which does not blame the
    provider.
    """
    if isinstance(error, UpstreamFailure):
        return error
    if not isinstance(error, UNREADABLE):
        _log.exception("a dialect has a bug", exc_info=error)
    return UpstreamFailure(Symptom.UNTRANSLATED, type(error).__name__)


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """The body for the client, and the tokens that the provider counted."""

    body: bytes
    usage: Usage


class Progress(Protocol):
    """The progress of a streamed answer."""

    @property
    def has_content(self) -> bool:
        """Whether the first valid content has passed; from there on the answer is committed."""
        ...

    @property
    def finished(self) -> bool:
        """Whether every choice has ended; only usage and the end marker may be missing."""
        ...

    @property
    def has_usage(self) -> bool:
        """Whether the usage of a finished answer has passed; only the end marker may be missing."""
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
        """Take bytes of the stream, and return whole events for the client.

        When the provider uses the client's format, the events are the same byte for byte.

        Raises:
            UpstreamFailure: an event is malformed, reports an error, or ends an unfinished answer.
        """
        ...

    def finish(self) -> bytes:
        """Note that the provider closed the stream; return the rest for the client.

        Raises:
            UpstreamFailure: the answer is not complete.
        """
        ...


class Dialect(Protocol):
    """The conversion between the API format of clients and that of a provider."""

    def encode(self, call: ChatCall, model: str, how: Encoding) -> bytes:
        """The request body for `model`; everything else stays as the client sent it.

        Values that the provider would refuse are changed, and noted in `how`.

        Raises:
            Untranslatable: the provider's format cannot express the request.
        """
        ...

    def answer(self, body: bytes, names: Mapping[str, str] = SAME_NAMES) -> WholeAnswer:
        """Convert an answer that is not streamed for the client; `names` are `Encoding.names`.

        Raises:
            UpstreamFailure: the answer is malformed or incomplete.
        """
        ...

    def refusal(self, status: int, body: bytes) -> bytes:
        """Convert the body of an answer with status 4xx for the client."""
        ...

    def scanner(self, call: ChatCall, names: Mapping[str, str] = SAME_NAMES) -> StreamScanner:
        """Make a scanner for one streamed answer to `call`; `names` are `Encoding.names`."""
        ...
