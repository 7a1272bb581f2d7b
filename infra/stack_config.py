"""The configuration of the running program: the only module that reads pulumi.Config."""

import json
from collections.abc import Mapping
from typing import cast

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from infra.config import Environment
from infra.parsing import NAMESPACE, SECRETS_KEY, ConfigError, parse
from infra.secret_names import secret_names

__all__ = ["Secrets", "given", "load"]

_SECRETS = SECRETS_KEY.removeprefix(f"{NAMESPACE}:")


class Secrets:
    """The stack's secrets by name, as secret outputs."""

    def __init__(self, values: pulumi.Output[Mapping[str, str]]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> pulumi.Output[str]:
        return self._values.apply(lambda values: _secret(values, name))


def load() -> tuple[Environment, Secrets | None]:
    """The configuration of the running program; no secrets when a secret store has them.

    Raises:
        pulumi.RunError: a value is wrong or missing; Pulumi prints the line without a traceback.
    """
    try:
        environment = parse(given())
    except ConfigError as error:
        raise pulumi.RunError(str(error)) from error
    if not secret_names(environment):
        return environment, None
    secrets = pulumi.Config(NAMESPACE).get_secret_object(_SECRETS)
    if secrets is None:
        raise pulumi.RunError(f"{SECRETS_KEY} is missing; `seawall up` generates it")
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


def _secret(values: Mapping[str, str], name: str) -> str:
    if name not in values:
        raise pulumi.RunError(f"{SECRETS_KEY}.{name} is missing; `seawall up` generates it")
    return values[name]


def _decoded(text: str | None) -> object:
    """A value as it is in the stack file: Pulumi passes everything but strings as JSON text."""
    if text is None or not (text.startswith(("{", "[")) or text in {"true", "false"}):
        return text
    try:
        return cast("object", json.loads(text))
    except ValueError:
        return text
