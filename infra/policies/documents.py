"""AWS policy documents as statements."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.policies.inputs import at, mapping, sequence, text

__all__ = ["Statement", "has_wildcard", "statements"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, with single strings as tuples.

    Attributes:
        label: its Sid, or its position from 1, for messages.
        allows: whether Effect is Allow.
        actions: Action.
        resources: Resource.
        principals: the values of Principal of every kind; `*` is everybody.
        conditions: Condition, by operator and key.
        inverted: whether it uses NotAction, NotResource or NotPrincipal.
    """

    label: str
    allows: bool
    actions: Sequence[str]
    resources: Sequence[str]
    principals: Sequence[str]
    conditions: Mapping[str, object]
    inverted: bool

    @property
    def operations(self) -> Sequence[str]:
        """The actions in lower case, because AWS compares them without case."""
        return tuple(action.lower() for action in self.actions)

    @property
    def wide_principals(self) -> Sequence[str]:
        """The principals with a wildcard: everybody, or everybody of some kind."""
        return tuple(name for name in self.principals if has_wildcard(name))

    def condition(self, operator: str, key: str) -> Sequence[str]:
        """The values that `key` is compared with; the operator must match exactly."""
        return _texts(mapping(self.conditions, operator).get(key))


def has_wildcard(text: str) -> bool:
    """Whether AWS would match more than the literal text."""
    return "*" in text or "?" in text


def statements(document: object) -> Sequence[Statement]:
    """The statements of a document, given as JSON text or as an object.

    Text that is not JSON counts as one statement that allows everybody everything.
    """
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return (Statement("unreadable", True, ("*",), ("*",), ("*",), {}, inverted=False),)  # noqa: FBT003 - in the order above
    found = sequence(document, "Statement")
    return tuple(_statement(item, place) for place, item in enumerate(found, start=1))


def _statement(item: object, place: int) -> Statement:
    keys = mapping(item)
    return Statement(
        label=text(item, "Sid") or str(place),
        allows=text(item, "Effect") != "Deny",
        actions=_texts(at(item, "Action")),
        resources=_texts(at(item, "Resource")),
        principals=_principals(at(item, "Principal")),
        conditions=mapping(item, "Condition"),
        inverted=any(key in keys for key in ("NotAction", "NotResource", "NotPrincipal")),
    )


def _principals(principal: object) -> Sequence[str]:
    kinds = mapping(principal)
    if kinds:
        return tuple(name for names in kinds.values() for name in _texts(names))
    return _texts(principal)


def _texts(value: object) -> Sequence[str]:
    return tuple(str(item) for item in sequence(value))
