"""How a provider's idea of OpenAI's format differs from OpenAI's own: one row for each kind."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["CallIds", "Quirks"]


@dataclass(frozen=True, slots=True)
class CallIds:
    """Which ids of tool calls a provider takes."""

    fits: re.Pattern[str]
    length: int
    """Of an id that is made in place of one that does not fit."""


@dataclass(frozen=True, slots=True)
class Quirks:
    """The defaults are those of a server that takes everything and wants nothing."""

    takes_stream_options: bool = True
    """Otherwise it counts tokens unasked, and refuses a request that asks."""
    renames: Mapping[str, str] = field(default_factory=dict[str, str])
    """Fields that it knows under another name."""
    knows: frozenset[str] | None = None
    """The fields that it takes, where it refuses all others; None where it takes any."""
    roles: Mapping[str, str] = field(default_factory=dict[str, str])
    """Roles of messages that it does not know, and what it knows instead."""
    is_openais: bool = False
    """Whether ids of users, which clients of this format mean for OpenAI, may go there as they are.
    """
    knows_in_messages: frozenset[str] | None = None
    """The fields of a message that it takes, where it refuses all others; None where it takes any.
    """
    not_in_messages: frozenset[str] = frozenset()
    """Fields of a message that it refuses, and that other providers answer with."""
    names_tools_only: bool = False
    """Whether it refuses the field `name` in messages that are no tool's."""
    marks_caches: bool = False
    """Whether parts of a message may carry Anthropic's `cache_control`."""
    ids: CallIds | None = None
    """None for any."""
    takes_empty_answers: bool = True
    """Whether a message of the model may hold neither text nor calls."""
    user_follows_tool: bool = True
    """Whether a message of the user may follow the result of a tool."""
    wants_thoughts: bool = False
    """Whether the thoughts before a call of a tool have to come back, in `reasoning_content`."""
    misses_thoughts: bool = False
    """Whether it refuses a call of a tool without them; empty ones will do."""
    prefixes: bool = False
    """Whether a last message of the model must say that the answer goes on with it."""
    signs_calls: bool = False
    """Whether calls of tools come back signed, as Google's do."""
    max_tokens: str = "max_tokens"
    """How it calls the limit of an answer, for clients of another format."""
