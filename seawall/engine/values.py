"""Stack configurations as plain data: merge them, and separate secrets from other values."""

from typing import cast

from seawall.engine.strict_yaml import Value, Values

__all__ = ["merge", "object_at", "plain", "secure"]

_SECURE = "secure"
"""The only key of an encrypted value in a stack's file."""


def object_at(values: Values, key: str) -> Values:
    """The object below `key`; empty when there is none."""
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def merge(base: Values, over: Values) -> Values:
    """`base` overridden by the values of `over`, recursively for objects."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = merge(cast("Values", below), cast("Values", value)) if both else value
    return merged


def secure(value: Value) -> Values:
    """The encrypted part of a value."""
    if not isinstance(value, dict):
        return {}
    found: Values = {}
    for key, item in value.items():
        if _is_secure(item):
            found[key] = item
        elif below := secure(item):
            found[key] = below
    return found


def plain(values: Values) -> Values:
    """The part of the values that is not encrypted."""
    found: Values = {}
    for key, item in values.items():
        if _is_secure(item):
            continue
        below = plain(item) if isinstance(item, dict) else item
        if below != {} or item == {}:
            found[key] = below
    return found


def _is_secure(item: Value) -> bool:
    return isinstance(item, dict) and set(item) == {_SECURE}
