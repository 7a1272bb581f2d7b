"""The cells of the reference page for one key: its type, its default and its limits, as text."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from contract.values.durations import Between, Duration
from contract.values.text_types import Form

__all__ = ["NOTHING", "default_of", "form_of", "limits_of", "models_in"]

NOTHING = ("not given", "none", "as below")
"""Texts for defaults that are not values: of a key, of a list, of an object."""
_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Duration: "a duration",
}


def models_in(annotation: object) -> list[type[BaseModel]]:
    """The models that values of this type contain."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models_in(part)]


def form_of(annotation: object, metadata: Sequence[object] = ()) -> str:
    """The type as text; `metadata` is the metadata of its `Annotated`."""
    for item in metadata:
        if isinstance(item, Form):
            return item.words
    if isinstance(annotation, type) and annotation in _WORDS:
        return _WORDS[annotation]
    parts = [part for part in get_args(annotation) if part not in (type(None), Ellipsis)]
    beside = _metadata(annotation)
    if beside:
        return form_of(parts[0], beside)
    return _container(get_origin(annotation), parts)


def _container(origin: object, parts: Sequence[object]) -> str:
    if origin is Literal:
        return " or ".join(str(part) for part in parts)
    words = [form_of(part) for part in parts]
    if origin is dict:
        return f"an object: {words[0]} to {words[1]}"
    if origin is tuple:
        return f"a list, each {words[0]}"
    return " or ".join(words)


def default_of(field: FieldInfo) -> str:
    """The default in the notation of the file; empty when the key is required."""
    if field.is_required():
        return ""
    value: object = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_defaults=True)
    if value is None:
        return NOTHING[0]
    if value == ():
        return NOTHING[1]
    if value == {}:
        return NOTHING[2]
    return str(value) if isinstance(value, Duration | str) else json.dumps(value)


def limits_of(field: FieldInfo) -> str:
    """The limits of a value, and an example if its form has one."""
    words = [_limit(item) for item in _all_metadata(field.annotation, field.metadata)]
    return "; ".join(dict.fromkeys(filter(None, words)))


def _limit(item: object) -> str:
    words = ""
    match item:
        case Between(low, high, whole):
            words = f"{low} to {high}" + (", whole seconds" if whole else "")
        case Ge(ge):
            words = f"at least {ge}"
        case Gt(gt):
            words = f"more than {gt}"
        case Le(le):
            words = f"at most {le}"
        case MinLen():
            words = "not empty"
        case Form():
            words = f"such as {item.example}"
        case _:
            pass
    return words


def _all_metadata(annotation: object, metadata: Sequence[object]) -> Iterator[object]:
    for item in metadata:
        # A Field(...) inside an alias has its limits in its own list.
        yield from item.metadata if isinstance(item, FieldInfo) else [item]
    for part in get_args(annotation):
        if part is not Ellipsis and not models_in(part):
            yield from _all_metadata(part, _metadata(part))


def _metadata(annotation: object) -> tuple[Any, ...]:
    return tuple(getattr(annotation, "__metadata__", ()))
