"""A stack's configuration as typed values, without Pulumi.

Every error in the configuration becomes one line with the key, the value and what is allowed.
"""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from infra.config import Environment
from infra.renamed_keys import with_new_names
from infra.validation_messages import explain
from infra.workloads.catalogue import missing_image

__all__ = [
    "NAMESPACE",
    "SECRETS_KEY",
    "ConfigError",
    "IncompleteError",
    "parse",
    "renamed_keys",
    "sections",
]

NAMESPACE = "seawall"
"""The namespace of the keys in Pulumi's configuration."""
SECRETS_KEY = f"{NAMESPACE}:secrets"
"""The object that holds generated secrets by name, each encrypted."""

T = TypeVar("T", bound=BaseModel)


class ConfigError(Exception):
    """A wrong value in the stack's configuration; the message is one line."""


class IncompleteError(ConfigError):
    """Required keys are missing in the configuration, and nothing in it is wrong."""


def parse(values: Mapping[str, object]) -> Environment:
    """The environment in configuration `values`, whose keys have the namespace as prefix.

    Secrets are ignored here.

    Raises:
        IncompleteError: keys are missing, and nothing else is wrong.
        ConfigError: a value is wrong.
    """
    _refuse_misspelt_namespaces(values)
    environment = _validated(_own(values), Environment)
    if unknown := missing_image(environment):
        raise ConfigError(unknown)
    return environment


def sections(values: Mapping[str, object], model: type[T]) -> T:
    """The sections of configuration `values` that are fields of `model`; others are not checked.

    Commands that only look for the cluster use this: they work while other sections are wrong.

    Raises:
        IncompleteError: keys are missing, and nothing else is wrong.
        ConfigError: a value is wrong.
    """
    own = _own(values)
    return _validated({key: own[key] for key in model.model_fields if key in own}, model)


def renamed_keys(values: Mapping[str, object]) -> list[str]:
    """One warning for each old name of a key in configuration `values`."""
    return with_new_names(_without_prefix(values))[1]


def _validated(own: Mapping[str, object], model: type[T]) -> T:
    # Through JSON, in which lists may become tuples although the types are strict.
    text = f"{{{', '.join(_member(key, value) for key, value in own.items())}}}"
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        line = explain(error, model, NAMESPACE)
        missing = all(problem["type"] == "missing" for problem in error.errors())
        raise (IncompleteError if missing else ConfigError)(line) from error


def _refuse_misspelt_namespaces(values: Mapping[str, object]) -> None:
    """Refuse keys that Pulumi would give to another program, or silently to this one."""
    for key in values:
        namespace, colon, name = key.partition(":")
        if not colon:
            raise ConfigError(f"{key} is not known; write {NAMESPACE}:{key}")
        if namespace != NAMESPACE and get_close_matches(namespace.lower(), [NAMESPACE], cutoff=0.8):
            raise ConfigError(f"{key} is not known; write {NAMESPACE}:{name}")


def _own(values: Mapping[str, object]) -> Mapping[str, object]:
    return with_new_names(_without_prefix(values))[0]


def _without_prefix(values: Mapping[str, object]) -> dict[str, object]:
    return {
        key.removeprefix(f"{NAMESPACE}:"): value
        for key, value in values.items()
        if key.startswith(f"{NAMESPACE}:") and key != SECRETS_KEY
    }


def _member(key: str, value: object) -> str:
    """One key with its value as JSON."""
    try:
        return f"{json.dumps(key)}: {json.dumps(value)}"
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"{NAMESPACE}:{key} has a value that JSON cannot represent ({reason}); "
            "use strings, numbers, true, false, null, lists and objects without references to "
            "themselves"
        ) from error
