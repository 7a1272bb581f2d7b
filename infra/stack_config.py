"""Reading the stack's configuration: the only module that reads pulumi.Config.

Every error in the configuration becomes one line with the key, the value and what is allowed.
"""

import json
from collections.abc import Mapping
from typing import cast

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import ValidationError

from infra.config import Environment
from infra.renamed_keys import with_new_names
from infra.secret_names import secret_names
from infra.validation_messages import explain
from infra.workloads.catalogue import missing_image

__all__ = [
    "SECRETS_KEY",
    "ConfigError",
    "IncompleteError",
    "Secrets",
    "given",
    "load",
    "parse",
    "renamed_keys",
    "secret_names",
]

NAMESPACE = "seawall"
_SECRETS = "secrets"
SECRETS_KEY = f"{NAMESPACE}:{_SECRETS}"
"""The object that holds generated secrets by name, each encrypted."""


class ConfigError(pulumi.RunError):
    """A wrong value in the stack's configuration; Pulumi prints the line without a traceback."""


class IncompleteError(ConfigError):
    """Required keys are missing in the configuration, and nothing in it is wrong."""


class Secrets:
    """The stack's secrets by name, as secret outputs."""

    def __init__(self, values: pulumi.Output[Mapping[str, str]]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> pulumi.Output[str]:
        return self._values.apply(lambda values: _secret(values, name))


def load() -> tuple[Environment, Secrets | None]:
    """The configuration of the running program; no secrets when a secret store has them.

    Raises ConfigError.
    """
    environment = parse(given())
    if not secret_names(environment):
        return environment, None
    secrets = pulumi.Config(NAMESPACE).get_secret_object(_SECRETS)
    if secrets is None:
        raise ConfigError(f"{SECRETS_KEY} is missing; `seawall up` generates it")
    return environment, Secrets(cast("pulumi.Output[Mapping[str, str]]", secrets))


def given() -> Mapping[str, object]:
    """The configuration values of the running program, without the secrets."""
    config = pulumi.Config(NAMESPACE)
    present = {
        key.removeprefix(f"{NAMESPACE}:")
        for key in {**get_config_env(), **CONFIG.get()}
        if key.startswith(f"{NAMESPACE}:")
    }
    return {f"{NAMESPACE}:{key}": _decoded(config.get(key)) for key in present if key != _SECRETS}


def parse(values: Mapping[str, object]) -> Environment:
    """The environment in configuration `values`, whose keys have the namespace as prefix.

    Secrets are ignored here. Raises ConfigError, and IncompleteError when keys are only missing.
    """
    own, _ = with_new_names(_without_prefix(values))
    # Through JSON, in which lists may become tuples although the types are strict.
    text = f"{{{', '.join(_member(key, value) for key, value in own.items())}}}"
    try:
        environment = Environment.model_validate_json(text)
    except ValidationError as error:
        line = explain(error, Environment, NAMESPACE)
        missing = all(problem["type"] == "missing" for problem in error.errors())
        raise (IncompleteError if missing else ConfigError)(line) from error
    if unknown := missing_image(environment):
        raise ConfigError(unknown)
    return environment


def renamed_keys(values: Mapping[str, object]) -> list[str]:
    """One warning for each old name of a key in configuration `values`."""
    return with_new_names(_without_prefix(values))[1]


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
        raise ConfigError(
            f"{NAMESPACE}:{key} has a value that JSON cannot represent ({_reason(error)}); "
            "use strings, numbers, true, false, null, lists and objects without references to "
            "themselves"
        ) from error


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _secret(values: Mapping[str, str], name: str) -> str:
    if name not in values:
        raise ConfigError(f"{SECRETS_KEY}.{name} is missing; `seawall up` generates it")
    return values[name]


def _decoded(text: str | None) -> object:
    """A value as it is in the stack file: Pulumi passes everything but strings as JSON text."""
    if text is None or not (text.startswith(("{", "[")) or text in {"true", "false"}):
        return text
    try:
        return cast("object", json.loads(text))
    except ValueError:
        return text
