"""Lua scripts as Redis is asked to run them."""

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Call", "Script"]


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the digest by which Redis knows it."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha", digest)


class Call(NamedTuple):
    """One run of a script; it answers with a list of whole numbers."""

    script: Script
    keys: tuple[str, ...]
    arguments: tuple[str | float, ...]
