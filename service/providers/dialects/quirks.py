"""How a kind of provider deviates from OpenAI's format: one `Quirks` for each kind."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["CallIds", "Quirks"]


@dataclass(frozen=True, slots=True)
class CallIds:
    """The ids of tool calls that a provider accepts."""

    fits: re.Pattern[str]
    length: int
    """The length of an id that replaces an unsuitable one."""


@dataclass(frozen=True, slots=True)
class Quirks:
    """The deviations; the defaults describe a server that accepts everything."""

    takes_stream_options: bool = True
    """False: it reports usage without being asked, and refuses `stream_options`."""
    renames: Mapping[str, str] = field(default_factory=dict[str, str])
    """Fields that have another name there."""
    knows: frozenset[str] | None = None
    """The only fields that it accepts; None if it accepts any."""
    roles: Mapping[str, str] = field(default_factory=dict[str, str])
    """Message roles that it does not know, and their replacements."""
    is_openais: bool = False
    """Whether it is OpenAI. Clients of this format mean their user ids for OpenAI, so only OpenAI
    gets them unchanged."""
    knows_in_messages: frozenset[str] | None = None
    """The only fields of a message that it accepts; None if it accepts any."""
    not_in_messages: frozenset[str] = frozenset()
    """Fields of a message that it refuses, though answers of other providers have them."""
    names_tools_only: bool = False
    """Whether it refuses the field `name` in messages that are not a tool's."""
    marks_caches: bool = False
    """Whether parts of a message may have Anthropic's `cache_control`."""
    ids: CallIds | None = None
    """None if it accepts any id."""
    takes_empty_answers: bool = True
    """Whether a message of the model may have neither text nor tool calls."""
    user_follows_tool: bool = True
    """Whether a message of the user may follow the result of a tool."""
    wants_thoughts: bool = False
    """Whether requests must return the thoughts before a tool call, in `reasoning_content`."""
    misses_thoughts: bool = False
    """Whether it refuses a tool call without `reasoning_content`, which may be empty."""
    prefixes: bool = False
    """Whether a last message of the model needs `prefix`, so that the answer continues it."""
    signs_calls: bool = False
    """Whether requests must return the signature of a tool call, as Google requires."""
    max_tokens: str = "max_tokens"
    """The field that bounds the answer in requests of clients of another format."""
