"""A client's request in the pipeline: the fields that the gateway needs, and the raw rest."""

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Self

import msgspec

__all__ = ["NOTHING", "ChatCall", "Format", "Usage"]


class Format(Enum):
    """The API format of a client; the value is the name of the API."""

    OPENAI = "chat completions"
    ANTHROPIC = "messages"


_LIMITS = ("max_tokens", "max_completion_tokens")
"""The fields in which clients bound the length of the answer."""
_NULL = msgspec.Raw(b"null")
_LEAST_TOKENS = 1024
"""Anthropic's least thinking budget; at least the same number of tokens is left for the answer."""


class _Thinking(msgspec.Struct):
    budget_tokens: int = 0


_decode_limit = msgspec.json.Decoder(int | _Thinking | None).decode


def _tokens(raw: msgspec.Raw) -> int:
    """The number of a token limit or of a thinking budget; 0 when it is neither."""
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
    """The client's headers of its API, which are forwarded to a provider of the same format."""
    fresh: bool = False
    """Whether the client refuses stale answers."""
    mended: bool = False
    """Whether an incomplete character was replaced in the body."""

    def at_most(self, tokens: int) -> Self:
        """The same call for an answer of at most `tokens`; this call if it asks for no more.

        The thinking budget is a part of that number. It is lowered so that 1024 tokens are left for
        the answer; if it would fall below 1024 itself, this call is returned unchanged.
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
    """The tokens that a provider counted for one answer; `prompt` counts the whole prompt."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    """The part of the prompt that was read from the provider's cache."""
    written: int = 0
    """The part of the prompt that was written to the cache for five minutes."""
    written_long: int = 0
    """The part of the prompt that was written to the cache for an hour."""


NOTHING = Usage()
"""The usage of an answer that never came, or whose provider reported none."""
