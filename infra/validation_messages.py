"""Errors in a configuration, as one line with the key, the value and what is allowed."""

import json
from collections.abc import Iterator, Sequence
from typing import TypeAlias, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from contract.addresses import without_secrets
from contract.values.text_types import HIDDEN

__all__ = ["explain"]

_Place: TypeAlias = tuple[int | str, ...]
_SHOWN = 60
"""Characters of a wrong value that are shown: enough to find it."""
_NO_KIND = ("union_tag_invalid", "union_tag_not_found")


def explain(error: ValidationError, root: type[BaseModel], namespace: str) -> str:
    """The line that describes the errors.

    Wrong values come before missing keys, and unknown keys come first, because a misspelt key
    causes both an unknown and a missing one. The line names all missing keys, because a person sets
    them together. Of the other problems it names the first, and the number of the others.
    """
    problems = error.errors(include_url=False)
    missing = [
        f"{namespace}:{_key(problem['loc'], root)}"
        for problem in problems
        if problem["type"] == "missing"
    ]
    others = [problem for problem in problems if problem["type"] != "missing"]
    if not others:
        return f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
    others.sort(key=lambda problem: problem["type"] != "extra_forbidden")
    line = _line(others[0], root, namespace)
    rest = len(others) - 1 + len(missing)
    return f"{line} (and {rest} more)" if rest else line


def _line(problem: ErrorDetails, root: type[BaseModel], namespace: str) -> str:
    place = problem["loc"]
    reason = problem["msg"].removeprefix("Value error, ")
    if not place:
        # A rule that spans several sections; its reason quotes the keys.
        return reason
    key = f"{namespace}:{_key(place, root)}"
    if problem["type"] == "extra_forbidden":
        allowed = ", ".join(_keys_beside(place, root))
        return f"{key}{_value(problem['input'])} is not known; allowed here: {allowed}"
    if problem["type"] in _NO_KIND:
        kinds = problem.get("ctx", {}).get("expected_tags") or ", ".join(_kinds_at(place, root))
        return f"{key}.kind must be one of {kinds}"
    shown = "" if problem["type"] == HIDDEN else _value(problem["input"])
    return f"{key}{shown} is wrong: {reason}"


def _value(given: object) -> str:
    """The value in the configuration, as far as it helps.

    Whole objects are left out, because the reasons quote what matters. The end of a long text is
    cut off, and passwords in a URL are replaced, because both may be secrets.
    """
    if isinstance(given, dict | list) and given:
        return ""
    shown = json.dumps(without_secrets(given) if isinstance(given, str) else given)
    return f" = {shown}" if len(shown) <= _SHOWN else f" = {shown[:_SHOWN]}..."


def _key(place: _Place, root: type[BaseModel]) -> str:
    """The dotted path as a person wrote it, without pydantic's steps into the kinds of a union."""
    steps = (str(step) for step, _ in _walk(place, root))
    return ".".join(step if step.isprintable() else ascii(step) for step in steps)


def _keys_beside(place: _Place, root: type[BaseModel]) -> list[str]:
    """The keys that the model allows at the last step of `place`."""
    steps = list(_walk(place, root))
    return sorted({name for model in steps[-1][1] for name in model.model_fields})


def _kinds_at(place: _Place, root: type[BaseModel]) -> list[str]:
    """The kinds that the union at `place` allows."""
    *_, (step, models) = _walk(place, root)
    found = _models_in([model.model_fields[str(step)].annotation for model in models])
    return [
        str(kind) for model in found for kind in get_args(model.model_fields["kind"].annotation)
    ]


def _walk(
    place: _Place, root: type[BaseModel]
) -> Iterator[tuple[int | str, Sequence[type[BaseModel]]]]:
    """Each written step of `place` with the models that have it as a key."""
    models: Sequence[type[BaseModel]] = [root]
    for step in place:
        chosen = [model for model in models if step in _kinds(model)]
        if len(models) > 1 and chosen:
            models = chosen
            continue
        yield step, models
        fields = [model.model_fields.get(str(step)) for model in models]
        # A key of a mapping is not a field: the model in its values comes with the next step.
        models = _models_in([field.annotation for field in fields if field]) or models


def _kinds(model: type[BaseModel]) -> tuple[object, ...]:
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field else ()


def _models_in(annotations: Sequence[object]) -> Sequence[type[BaseModel]]:
    found: list[type[BaseModel]] = []
    for annotation in annotations:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found.append(annotation)
        else:
            found += _models_in(get_args(annotation))
    return found
