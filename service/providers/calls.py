"""A client's request as the pipeline carries it: the fields that are needed, the rest untouched."""

from collections.abc import Mapping
from enum import Enum

import msgspec

__all__ = ["NOTHING", "ChatCall", "Format", "Usage"]


class Format(Enum):
    """What a client speaks; the value is the name of the API."""

    OPENAI = "chat completions"
    ANTHROPIC = "messages"


class ChatCall(msgspec.Struct, frozen=True):
    """A decoded request for a chat completion or a message."""

    fields: dict[str, msgspec.Raw]
    model: str
    stream: bool
    stream_options: dict[str, msgspec.Raw]
    include_usage: bool
    format: Format = Format.OPENAI
    headers: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    """The client's headers that belong to its API, for a provider of the same format."""
    fresh: bool = False
    """Whether the client wants no answer that was given before."""


class Usage(msgspec.Struct, frozen=True):
    """Tokens that a provider counted for one answer; `prompt` has those from its cache too."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0


NOTHING = Usage()
"""Of an answer whose provider counted none, or that never came."""
