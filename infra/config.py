"""Reading the stack's configuration: the only module that reads pulumi.Config.

Everything wrong with it becomes one line with key, value and what is allowed.
"""

import json
from collections.abc import Mapping
from typing import cast, get_args

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from contract.paths import (
    API_KEY_PREFIX,
    PROVIDER_KEY_PREFIX,
    REDIS_APP_PASSWORD_FILE,
    REDIS_EXPORTER_PASSWORD_FILE,
    REDIS_OPERATOR_PASSWORD_FILE,
    REDIS_REPLICA_PASSWORD_FILE,
    REDIS_SENTINEL_PASSWORD_FILE,
    SENTINEL_PASSWORD_FILE,
)
from infra.settings import Environment

__all__ = ["REDIS_SECRETS", "ConfigError", "Secrets", "load", "parse", "secret_names"]

NAMESPACE = "seawall"
_SECRETS = "secrets"
REDIS_SECRETS = (
    REDIS_APP_PASSWORD_FILE,
    REDIS_EXPORTER_PASSWORD_FILE,
    REDIS_OPERATOR_PASSWORD_FILE,
    REDIS_REPLICA_PASSWORD_FILE,
    REDIS_SENTINEL_PASSWORD_FILE,
    SENTINEL_PASSWORD_FILE,
)
"""The passwords of Redis' users and of Sentinel's port."""


class ConfigError(pulumi.RunError):
    """A wrong value in the stack's configuration; Pulumi prints the line without a traceback."""


class Secrets:
    """The stack's secrets by name, as secret outputs."""

    def __init__(self, values: pulumi.Output[Mapping[str, str]]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> pulumi.Output[str]:
        return self._values.apply(lambda values: _secret(values, name))


def load() -> tuple[Environment, Secrets]:
    """The configuration of the running program; raises ConfigError."""
    config = pulumi.Config(NAMESPACE)
    present = {
        key.removeprefix(f"{NAMESPACE}:")
        for key in {**get_config_env(), **CONFIG.get()}
        if key.startswith(f"{NAMESPACE}:")
    }
    values = {f"{NAMESPACE}:{key}": _decoded(config.get(key)) for key in present if key != _SECRETS}
    environment = parse(values)
    secrets = config.get_secret_object(_SECRETS)
    if secrets is None:
        raise ConfigError(f"{NAMESPACE}:{_SECRETS} is missing; `seawall up` generates it")
    return environment, Secrets(cast("pulumi.Output[Mapping[str, str]]", secrets))


def parse(values: Mapping[str, object]) -> Environment:
    """The environment in configuration `values`, whose keys carry the namespace.

    Secrets are ignored here. Raises ConfigError.
    """
    own = {
        key.removeprefix(f"{NAMESPACE}:"): value
        for key, value in values.items()
        if key.startswith(f"{NAMESPACE}:") and key != f"{NAMESPACE}:{_SECRETS}"
    }
    try:
        # Through JSON, in which lists may become tuples although the types are strict.
        return Environment.model_validate_json(json.dumps(own))
    except ValidationError as error:
        problems = [_explain(problem) for problem in error.errors(include_url=False)]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ConfigError(f"{problems[0]}{more}") from error


def secret_names(environment: Environment) -> tuple[str, ...]:
    """Every secret that the environment needs below seawall:secrets."""
    gateway = environment.gateway
    return (
        *(f"{API_KEY_PREFIX}{name}" for name in gateway.api_keys),
        *(f"{PROVIDER_KEY_PREFIX}{name}" for name in gateway.providers),
        *REDIS_SECRETS,
    )


def _secret(values: Mapping[str, str], name: str) -> str:
    if name not in values:
        raise ConfigError(f"{NAMESPACE}:{_SECRETS}.{name} is missing; `seawall up` generates it")
    return values[name]


def _decoded(text: str | None) -> object:
    """A value as it stands in the stack file: objects and lists travel as JSON text."""
    if text is None or not text.startswith(("{", "[")):
        return text
    try:
        return cast("object", json.loads(text))
    except ValueError:
        return text


def _explain(problem: ErrorDetails) -> str:
    place = ".".join(str(step) for step in problem["loc"])
    key = f"{NAMESPACE}:{place}" if place else f"{NAMESPACE}:*"
    if problem["type"] == "missing":
        return f"{key} is missing"
    if problem["type"] == "extra_forbidden":
        allowed = ", ".join(_keys_beside(problem["loc"]))
        return f"{key}{_value(problem['input'])} is not known; allowed here: {allowed}"
    reason = problem["msg"].removeprefix("Value error, ")
    return f"{key}{_value(problem['input'])} is wrong: {reason}"


def _value(given: object) -> str:
    """The value that was given; whole objects are left out, and their reasons quote the values."""
    return "" if isinstance(given, dict | list) and given else f" = {json.dumps(given)}"


def _keys_beside(place: tuple[int | str, ...]) -> list[str]:
    """The keys that the model at the last step but one of `place` knows."""
    annotation: object = Environment
    for step in place[:-1]:
        model = _model_in(annotation)
        if model is None:
            return []
        field = model.model_fields.get(str(step))
        # A mapping's own key is no field: the model in its values comes with the next step.
        annotation = field.annotation if field else model
    model = _model_in(annotation)
    return sorted(model.model_fields) if model else []


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found:
            return found
    return None
