"""Reads a stack's state from its JSON, without the CLI.

The JSON is Pulumi's checkpoint of version 3: a file of the file backend, or the output of
`stack export`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError

from seawall.engine.update import short

__all__ = ["DamagedError", "Snapshot", "as_export"]

_OBJECT: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])

_STACK: Final = "pulumi:pulumi:Stack"
_KUBERNETES: Final = "kubernetes:"
_CLUSTER: Final = "pulumi:providers:kubernetes"
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""From pkg/resource/sig.go in Pulumi's SDK: marks an object that is not plain data."""


class DamagedError(ValueError):
    """The text is not a valid state; the message says why."""


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Resource(_Read):
    urn: str
    type: str
    id: str = ""
    protect: bool = False
    inputs: dict[str, JsonValue] = {}
    outputs: dict[str, JsonValue] = {}


class _Deployment(_Read):
    resources: list[_Resource] | None = None
    pending_operations: list[JsonValue] | None = None


class _Checkpoint(_Read):
    latest: _Deployment | None = None  # None for a new stack without an update


class _File(_Read):
    checkpoint: _Checkpoint


class _Export(_Read):
    deployment: _Deployment


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A stack in its last checkpoint.

    Attributes:
        resources: the number of resources, including the stack itself.
        protected: resources that the engine refuses to delete, such as `StatefulSet redis`.
        pending: the number of operations that began and have no recorded end.
        outputs: the plain outputs, without secret ones.
        stack: the name of the stack; None for an empty stack.
        objects: kind and name of each Kubernetes object.
        cluster: the `kubeconfig` and the `context` of the provider, if they were set.
    """

    resources: int = 0
    protected: tuple[str, ...] = ()
    pending: int = 0
    outputs: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    stack: str | None = None
    objects: frozenset[tuple[str, str]] = frozenset()
    cluster: Mapping[str, str] = field(default_factory=dict[str, str])

    @staticmethod
    def of_file(text: bytes) -> "Snapshot":
        """The snapshot in a file of the file backend; raises DamagedError."""
        try:
            return _snapshot(_File.model_validate_json(text).checkpoint.latest)
        except ValidationError as error:
            raise DamagedError(_reason(error)) from error

    @staticmethod
    def of_export(text: str) -> "Snapshot":
        """The snapshot in the output of `stack export`; raises DamagedError."""
        try:
            return _snapshot(_Export.model_validate_json(text).deployment)
        except ValidationError as error:
            raise DamagedError(_reason(error)) from error


def as_export(text: str) -> str:
    """Convert a copy of a state, in either of the two forms, to the form of `stack export`.

    Raises:
        DamagedError: the text is not a JSON object.
    """
    try:
        document = _OBJECT.validate_json(text)
    except ValidationError as error:
        raise DamagedError(_reason(error)) from error
    checkpoint = document.get("checkpoint")
    if not isinstance(checkpoint, dict):
        return text
    version = document.get("version", 3)
    return json.dumps({"version": version, "deployment": checkpoint.get("latest")})


def _snapshot(latest: _Deployment | None) -> Snapshot:
    if latest is None:
        return Snapshot()
    resources = latest.resources or []
    stack = next((item for item in resources if item.type == _STACK), None)
    return Snapshot(
        resources=len(resources),
        protected=tuple(short(item.urn) for item in resources if item.protect),
        pending=len(latest.pending_operations or []),
        outputs=_plain(stack.outputs) if stack else {},
        objects=frozenset(
            (item.type.rsplit(":", 1)[-1], item.id.rsplit("/", 1)[-1])
            for item in resources
            if item.type.startswith(_KUBERNETES)
        ),
        cluster=_cluster(resources),
        stack=resources[0].urn.split("::")[0].rsplit(":", 1)[-1] if resources else None,
    )


def _cluster(resources: list[_Resource]) -> dict[str, str]:
    for item in resources:
        if item.type == _CLUSTER:
            named = {name: item.inputs.get(name) for name in ("kubeconfig", "context")}
            return {name: value for name, value in named.items() if isinstance(value, str)}
    return {}


def _plain(outputs: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {
        name: value
        for name, value in outputs.items()
        if not (isinstance(value, dict) and _SIGNATURE in value)
    }


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(step) for step in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
