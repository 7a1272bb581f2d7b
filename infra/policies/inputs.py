"""Reading a resource's inputs by path, including values that a preview does not know yet.

In a preview, some values are known only after the update. They are `UNKNOWN` in the inputs. Reading
one of them raises NotYetKnown, and the rule is evaluated again during the update.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Final, cast

__all__ = ["UNKNOWN", "NotYetKnown", "at", "known", "mapping", "number", "sequence", "text"]


class _Unknown(Enum):
    UNKNOWN = "known after the update"


UNKNOWN: Final = _Unknown.UNKNOWN
"""Placeholder for a value that is known only after the update."""


class NotYetKnown(Exception):  # noqa: N818 - not an error: a preview knows no more
    """The value is known only after the update."""


def known(value: object) -> object:
    """The value itself; raises NotYetKnown."""
    if value is UNKNOWN:
        raise NotYetKnown
    return value


def at(value: object, *path: str) -> object:
    """The value at `path`, or None; raises NotYetKnown."""
    found = known(value)
    for step in path:
        if not isinstance(found, Mapping):
            return None
        found = known(cast("Mapping[str, object]", found).get(step))
    return found


def mapping(value: object, *path: str) -> Mapping[str, object]:
    """The object at `path`; empty when there is none."""
    found = at(value, *path)
    return cast("Mapping[str, object]", found) if isinstance(found, Mapping) else {}


def sequence(value: object, *path: str) -> Sequence[object]:
    """The list at `path`; empty when there is none, and a list of one for a single value.

    AWS documents may have one string in place of a list.
    """
    found = at(value, *path)
    if found is None:
        return ()
    if isinstance(found, str) or not isinstance(found, Sequence):
        return (found,)
    return tuple(_each(cast("Sequence[object]", found)))


def text(value: object, *path: str) -> str:
    """The string at `path`; empty when there is none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def number(value: object, *path: str) -> float | None:
    """The number at `path`; None for a boolean."""
    found = at(value, *path)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def _each(found: Sequence[object]) -> Iterator[object]:
    for item in found:
        yield known(item)
