"""Schemas of tools' arguments, made fit for providers that check more than JSON Schema does.

Anthropic: "input_schema does not support oneOf, allOf, or anyOf at the top level", and its type
must be there. OpenAI: "schema must have type 'object' and not have
'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level", "object schema missing properties", "array
schema missing items".
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from service.providers.encoding import Encoding

__all__ = ["fit_schema"]

_Json = dict[str, Any]
_CHOICES = ("anyOf", "oneOf")
_NOT_AT_THE_TOP = frozenset((*_CHOICES, "allOf", "enum", "not"))
_VALUES = frozenset(("const", "default", "enum", "example", "examples"))
"""Keywords that hold values, and no schemas."""


def fit_schema(schema: Mapping[str, Any] | None, how: Encoding) -> _Json:
    """The schema of an object, with `properties`, and with `items` in each array.

    One that is put together of others has the properties of all of them, and requires what each
    requires: it takes whatever the other took. `how` is told of that.
    """
    told = schema or {}
    made: _Json = {name: value for name, value in told.items() if name not in _NOT_AT_THE_TOP}
    made["type"] = "object"
    known = made.get("properties")
    properties: _Json = cast("_Json", known) if isinstance(known, dict) else {}
    if _NOT_AT_THE_TOP & told.keys():
        how.adapted.add("tools")
        for one in (one for name in (*_CHOICES, "allOf") for one in _parts(told, name)):
            properties = {**(one.get("properties") or {}), **properties}
        required = [*_required(told)]
        for one in _parts(told, "allOf"):
            required += _required(one)
        for name in _CHOICES:
            each = [set(_required(one)) for one in _parts(told, name)]
            required += sorted(set[str].intersection(*each)) if each else []
        made["required"] = list(dict.fromkeys(name for name in required if name in properties))
    made["properties"] = properties
    return cast("_Json", _with_items(made))


def _parts(schema: Mapping[str, Any], name: str) -> Iterator[_Json]:
    found = schema.get(name)
    for one in cast("list[Any]", found if isinstance(found, list) else []):
        if isinstance(one, dict):
            yield cast("_Json", one)


def _required(schema: Mapping[str, Any]) -> list[str]:
    found = schema.get("required")
    return cast("list[str]", found) if isinstance(found, list) else []


def _with_items(value: object) -> object:
    if isinstance(value, list):
        return [_with_items(one) for one in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    made = {
        name: one if name in _VALUES else _with_items(one)
        for name, one in cast("_Json", value).items()
    }
    if made.get("type") == "array" and not made.keys() & {"items", "prefixItems"}:
        made["items"] = {}
    return made
