"""The notes of one encoding, and values made fit for a provider.

Providers of one format check different things. Whatever a request says that a target would refuse
is changed or left out when that keeps its meaning, and each change is named, so that it is counted
and the client can see it.
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
"""Nothing has another name."""


class Encoding:
    """One encoding of a request for one target.

    Attributes:
        without: fields of the gateway's own making that the target refuses.
        added: fields of the gateway's own making.
        adapted: what was changed or left out, by the field's name in the client's request.
        names: of tools that the provider knows by another name: the client's, by the provider's.
        calls: fields of OpenAI's format that the target knows by another name: the target's.
    """

    __slots__ = ("adapted", "added", "calls", "names", "without")

    def __init__(
        self, without: frozenset[str] = frozenset(), calls: Mapping[str, str] = SAME_NAMES
    ) -> None:
        # Made for every request: written out, it takes a third of a dataclass's time.
        self.without = without
        self.calls = calls
        self.added: set[str] = set()
        self.adapted: set[str] = set()
        self.names: dict[str, str] = {}

    def may_add(self, name: str) -> bool:
        """Whether the target takes a field of the gateway's own making; notes that it is there."""
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
"""Fields of OpenAI's requests that change no answer."""
MAY_BE_MISSING = SAY_NOTHING | frozenset(
    (
        *("temperature", "top_p", "top_k", "min_p", "seed", "logit_bias", "reasoning_effort"),
        *("presence_penalty", "frequency_penalty", "repetition_penalty", "parallel_tool_calls"),
        *("verbosity", "prediction"),
    )
)
"""Fields of either format that tune an answer: it is one without them, too."""
_PLAIN = re.compile(r"[A-Za-z0-9_:.-]+")
_NAME, _NO_NAME = re.compile(r"[a-zA-Z0-9_-]+"), re.compile(r"[^a-zA-Z0-9_-]")
_HASH_LENGTH = 32
_NAME_HASH_LENGTH = 8


def fit_user(user: str, longest: int, how: Encoding) -> str:
    """The id of an end user as a provider takes it.

    One that is too long, or holds other than letters, digits and `_:.-`, as an e-mail address does,
    is hashed: it is the same for the same user, and tells the provider nothing.
    """
    if len(user) <= longest and _PLAIN.fullmatch(user):
        return user
    how.adapted.add("user")
    return f"user_{sha256(user.encode()).hexdigest()[:_HASH_LENGTH]}"


def fit_name(name: str, longest: int, how: Encoding) -> str:
    """The name of a tool as a provider takes it: letters, digits, `_` and `-`, so many at most.

    Another name begins like the tool's own, for the model's sake; `how` knows the way back.
    """
    if len(name) <= longest and _NAME.fullmatch(name):
        return name
    end = f"_{sha256(name.encode()).hexdigest()[:_NAME_HASH_LENGTH]}"
    fitted = _NO_NAME.sub("_", name)[: longest - len(end)] + end
    how.names[fitted] = name
    how.adapted.add("tools")
    return fitted


def fit_id(call_id: str, fits: re.Pattern[str], prefix: str, length: int, how: Encoding) -> str:
    """The id of a tool call as a provider takes it: the call and its result get the same one.

    Args:
        call_id: as another provider made it.
        fits: which ids are taken as they are.
        prefix: of a new id.
        length: of a new id, with its prefix.
        how: notes the change.
    """
    if fits.fullmatch(call_id):
        return call_id
    how.adapted.add("tool_call_id")
    return (prefix + sha256(call_id.encode()).hexdigest())[:length]
