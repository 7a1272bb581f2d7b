"""What a wire format has to offer so that the pipeline can speak it.

A new wire format is one module in `service.providers.dialects` that implements `Dialect`.
"""

from dataclasses import dataclass
from typing import Protocol

import msgspec

__all__ = ["UNREADABLE", "ChatCall", "Dialect", "StreamScanner"]

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not the JSON it was told to expect."""


@dataclass(frozen=True, slots=True)
class ChatCall:
    """A decoded chat completion request: the fields the gateway needs, the rest untouched."""

    fields: dict[str, msgspec.Raw]
    model: str
    stream: bool
    stream_options: dict[str, msgspec.Raw]
    include_usage: bool


class StreamScanner(Protocol):
    """Reads one streamed answer as it passes; one per attempt."""

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

    def feed(self, data: bytes) -> bytes:
        """Take what arrived, return what the client gets: whole events, byte for byte.

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
    """One wire format."""

    @property
    def chat_path(self) -> str:
        """Appended to the provider's base URL."""
        ...

    def headers(self, api_key: str | None) -> dict[str, str]:
        """Headers of every request to the provider."""
        ...

    def encode(self, call: ChatCall, model: str) -> bytes:
        """The request body for `model`, with everything else as the client sent it."""
        ...

    def check_answer(self, body: bytes) -> None:
        """Accept a whole, not streamed, answer.

        Raises:
            UpstreamFailure: it is malformed or not complete.
        """
        ...

    def scanner(self, *, strip_usage: bool) -> StreamScanner:
        """A scanner for one streamed answer; `strip_usage` drops the extra usage chunk."""
        ...
