"""A client's request as the pipeline carries it: the fields that are needed, the rest untouched."""

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Self

import msgspec

__all__ = ["NOTHING", "ChatCall", "Format", "Usage"]


class Format(Enum):
    """What a client speaks; the value is the name of the API."""

    OPENAI = "chat completions"
    ANTHROPIC = "messages"


_LIMITS = ("max_tokens", "max_completion_tokens")
"""What clients call the longest answer that they want."""
_NULL = msgspec.Raw(b"null")
_LEAST_TOKENS = 1024
"""To think with, at Anthropic's; and what is left for the answer then."""


class _Thinking(msgspec.Struct):
    budget_tokens: int = 0


_decode_limit = msgspec.json.Decoder(int | _Thinking | None).decode


def _tokens(raw: msgspec.Raw) -> int:
    """A limit, or a budget to think with; 0 for what is none."""
    try:
        found = _decode_limit(raw)
    except msgspec.DecodeError:
        return 0
    return found.budget_tokens if isinstance(found, _Thinking) else found or 0


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
    mended: bool = False
    """Whether half a character was replaced in it."""

    def at_most(self, tokens: int) -> Self:
        """The same call for an answer of at most so many tokens; this one if it asks for no more.

        Those to think with are a part of them: so many fewer that 1024 are left for the answer.
        """
        over = [name for name in _LIMITS if _tokens(self.fields.get(name, _NULL)) > tokens]
        if not over:
            return self
        fewer = dict.fromkeys(over, msgspec.Raw(str(tokens).encode()))
        if _tokens(self.fields.get("thinking", _NULL)) >= tokens:
            budget = tokens - _LEAST_TOKENS
            if budget < _LEAST_TOKENS:
                return self
            fewer["thinking"] = msgspec.Raw(b'{"type":"enabled","budget_tokens":%d}' % budget)
        return msgspec.structs.replace(self, fields={**self.fields, **fewer})

    def without(self, names: Collection[str]) -> Self:
        """The same call without these fields; this one if it has none of them."""
        left = {name: raw for name, raw in self.fields.items() if name not in names}
        if len(left) == len(self.fields):
            return self
        return msgspec.structs.replace(self, fields=left)


class Usage(msgspec.Struct, frozen=True):
    """Tokens that a provider counted for one answer; `prompt` has all of the prompt."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    """Of the prompt: read from the provider's cache."""
    written: int = 0
    """Of the prompt: written to it, for five minutes."""
    written_long: int = 0
    """Of the prompt: written to it, for an hour."""


NOTHING = Usage()
"""Of an answer whose provider counted none, or that never came."""
