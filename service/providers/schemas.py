"""Adapts the schemas of tool arguments to providers that are stricter than JSON Schema.

Anthropic: "input_schema does not support oneOf, allOf, or anyOf at the top level", and `type` is
required. OpenAI: "schema must have type 'object' and not have
'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level", "object schema missing properties", "array
schema missing items".
"""

from collections.abc import Mapping
from typing import Any, cast

from service.providers.encoding import Encoding

__all__ = ["fit_schema", "is_strict"]

_Json = dict[str, Any]
_CHOICES = ("anyOf", "oneOf")
_NOT_AT_THE_TOP = frozenset((*_CHOICES, "allOf", "enum", "not"))
_VALUES = frozenset(("const", "default", "enum", "example", "examples", "required"))
"""Keywords that contain values and not schemas."""
_MAPS = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"))
"""Keywords that contain a schema for each of any names."""
_DEEPEST = 8


def fit_schema(schema: Mapping[str, Any] | None, how: Encoding) -> _Json:
    """An object schema with `properties`, and with `items` in each array.

    A schema that is composed of others gets the properties of all of them. It requires what all
    alternatives require, so that it accepts everything that the original accepts. `how` records
    that.
    """
    given = dict(schema or {})
    made: _Json = {name: value for name, value in given.items() if name not in _NOT_AT_THE_TOP}
    made["type"] = "object"
    properties, required = _merged(given, given, depth=0)
    if _NOT_AT_THE_TOP & given.keys():
        how.adapted.add("tools")
        made["required"] = [name for name in required if name in properties]
    made["properties"] = properties
    return _with_items(made)


def is_strict(schema: object) -> bool:
    """Whether OpenAI accepts it as strict: every object requires exactly its properties.

    https://platform.openai.com/docs/guides/structured-outputs, "Supported schemas".
    """
    if isinstance(schema, list):
        return all(is_strict(one) for one in cast("list[object]", schema))
    if not isinstance(schema, dict):
        return True
    given = cast("_Json", schema)
    properties = _object(given.get("properties"))
    if properties or given.get("type") == "object":
        closed = given.get("additionalProperties") is False
        if not closed or properties.keys() != set(_list(given.get("required"))):
            return False
    return all(is_strict(one) for one in properties.values()) and all(
        is_strict(one) for name, one in given.items() if name not in _VALUES | {"properties"}
    )


def _merged(schema: _Json, root: _Json, *, depth: int) -> tuple[_Json, list[str]]:
    """All properties in a schema, and those that it always requires."""
    if depth > _DEEPEST:
        return {}, []
    properties = dict(_object(schema.get("properties")))
    required = [name for name in _list(schema.get("required")) if isinstance(name, str)]
    parts = {
        name: [
            _merged(_resolved(_object(one), root), root, depth=depth + 1)
            for one in _list(schema.get(name))
        ]
        for name in (*_CHOICES, "allOf")
    }
    for name, found in parts.items():
        for others, _ in found:
            properties = {**others, **properties}
        needed = [set(theirs) for _, theirs in found]
        if name == "allOf":
            required += [one for _, theirs in found for one in theirs]
        elif needed:
            required += sorted(set[str].intersection(*needed))
    return properties, list(dict.fromkeys(required))


def _resolved(schema: _Json, root: _Json) -> _Json:
    """The target of a reference within the document; the schema itself if it is no reference."""
    path = schema.get("$ref")
    if not isinstance(path, str) or not path.startswith("#/"):
        return schema
    found = root
    for name in path[2:].split("/"):
        found = _object(found.get(name))
    return found


def _object(value: object) -> _Json:
    return cast("_Json", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _with_items(schema: _Json) -> _Json:
    """The same schema with `items` in each array, at any depth."""
    made: _Json = {}
    for name, value in schema.items():
        if name in _MAPS:
            made[name] = {key: _walked(one) for key, one in _object(value).items()}
        else:
            made[name] = value if name in _VALUES else _walked(value)
    kinds = [made.get("type"), *_list(made.get("type"))]
    if "array" in kinds and not made.keys() & {"items", "prefixItems"}:
        made["items"] = {}
    return made


def _walked(value: object) -> object:
    if isinstance(value, list):
        return [_walked(one) for one in cast("list[object]", value)]
    return _with_items(cast("_Json", value)) if isinstance(value, dict) else value
