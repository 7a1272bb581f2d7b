"""The record of one encoding, and functions that adapt values to a provider.

Providers of one format check different things. A value that a target would refuse is changed or
left out if that keeps the meaning of the request. Each change is recorded, so that a metric counts
it and a header shows it to the client.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType

__all__ = [
    "MAY_BE_MISSING",
    "SAME_NAMES",
    "SAY_NOTHING",
    "Encoding",
    "fit_id",
    "fit_name",
    "fit_user",
]


SAME_NAMES: Mapping[str, str] = MappingProxyType({})
"""No field has another name."""


class Encoding:
    """One encoding of a request for one target.

    Attributes:
        without: fields that the gateway would add and that the target refuses.
        added: fields that the gateway added.
        adapted: fields of the client's request that were changed or left out.
        names: the client's names of renamed tools, by their names at the provider.
        calls: the target's names of fields of OpenAI's format, by their usual names.
    """

    __slots__ = ("adapted", "added", "calls", "names", "without")

    def __init__(
        self, without: frozenset[str] = frozenset(), calls: Mapping[str, str] = SAME_NAMES
    ) -> None:
        # One is made for every request: this takes a third of a dataclass's time.
        self.without = without
        self.calls = calls
        self.added: set[str] = set()
        self.adapted: set[str] = set()
        self.names: dict[str, str] = {}

    def may_add(self, name: str) -> bool:
        """Whether the gateway may add a field for this target; if so, the field is recorded."""
        if name in self.without:
            return False
        self.added.add(name)
        return True


SAY_NOTHING = frozenset(
    (
        *("user", "store", "metadata", "service_tier", "safety_identifier"),
        *("prompt_cache_key", "prompt_cache_retention"),
    )
)
"""Fields of OpenAI's requests that do not change the answer."""
MAY_BE_MISSING = SAY_NOTHING | frozenset(
    (
        *("temperature", "top_p", "top_k", "min_p", "seed", "logit_bias", "reasoning_effort"),
        *("presence_penalty", "frequency_penalty", "repetition_penalty", "parallel_tool_calls"),
        *("verbosity", "prediction"),
    )
)
"""Fields of either format that only tune the answer, so that a request can do without them."""
_PLAIN = re.compile(r"[A-Za-z0-9_:.-]+")
_NAME, _NO_NAME = re.compile(r"[a-zA-Z0-9_-]+"), re.compile(r"[^a-zA-Z0-9_-]")
_HASH_LENGTH = 32
_NAME_HASH_LENGTH = 8


def fit_user(user: str, longest: int, how: Encoding) -> str:
    """An end user's id that a provider accepts.

    An id is hashed when it is too long, or when it has other characters than letters, digits and
    `_:.-`, such as an e-mail address. The hash is the same for the same user, and does not identify
    the user to the provider.
    """
    if len(user) <= longest and _PLAIN.fullmatch(user):
        return user
    how.adapted.add("user")
    return f"user_{sha256(user.encode()).hexdigest()[:_HASH_LENGTH]}"


def fit_name(name: str, longest: int, how: Encoding) -> str:
    """A tool's name that a provider accepts: at most `longest` letters, digits, `_` and `-`.

    A changed name begins like the original one, so that the model understands it. `how` records the
    original name.
    """
    if len(name) <= longest and _NAME.fullmatch(name):
        return name
    end = f"_{sha256(name.encode()).hexdigest()[:_NAME_HASH_LENGTH]}"
    fitted = _NO_NAME.sub("_", name)[: longest - len(end)] + end
    how.names[fitted] = name
    how.adapted.add("tools")
    return fitted


def fit_id(call_id: str, fits: re.Pattern[str], prefix: str, length: int, how: Encoding) -> str:
    """A tool call's id that a provider accepts; a call and its result get the same one.

    Args:
        call_id: the id from another provider.
        fits: matches ids that need no change.
        prefix: the prefix of a new id.
        length: the length of a new id, with its prefix.
        how: records the change.
    """
    if fits.fullmatch(call_id):
        return call_id
    how.adapted.add("tool_call_id")
    return (prefix + sha256(call_id.encode()).hexdigest())[:length]
