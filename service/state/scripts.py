"""Lua scripts, and calls of them."""

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Call", "Script"]


@dataclass(frozen=True, slots=True)
class Script:
    """A script and its SHA-1 digest, which EVALSHA needs."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha", digest)


class Call(NamedTuple):
    """One call of a script; the answer is a list of integers."""

    script: Script
    keys: tuple[str, ...]
    arguments: tuple[str | float, ...]
