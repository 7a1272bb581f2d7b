"""Build an environment under Pulumi's mocks and hand back what it registered, as plain data."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest
import yaml
from pulumi.runtime import config as runtime_config
from pulumi.runtime import mocks as runtime_mocks

from infra.config import parse, secret_names
from infra.program import deploy

CHECKOUT = Path(__file__).parents[2]
IMAGES = {"gateway": "seawall/gateway:test", "redis": "seawall/redis:test"}

SECRET_MARK = "4dabf18193072939515e22adb298388d"
"""The key by which Pulumi's wire format marks a secret."""

Values = dict[str, Any]


@dataclass
class Registration:
    """One resource as the program registered it."""

    type: str
    name: str
    inputs: Values
    """Plain, with secrets opened."""
    sealed: set[str]
    """The top-level inputs that were given as secrets."""

    @property
    def kind(self) -> str:
        return self.type.rsplit(":", 1)[-1]

    @property
    def pod_spec(self) -> Values:
        spec: Values = self.inputs.get("spec", {})
        return spec["template"]["spec"]

    @property
    def runs_pods(self) -> bool:
        return "template" in self.inputs.get("spec", {})


@dataclass
class PlatformMocks(pulumi.runtime.Mocks):
    """Records every registration; answers with the inputs and a made-up cluster IP."""

    registrations: list[Registration] = field(default_factory=list[Registration])

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, Values]:
        inputs = cast("Values", args.inputs)  # pyright: ignore[reportUnknownMemberType]
        sealed = {key for key, value in inputs.items() if _is_secret(value)}
        self.registrations.append(Registration(args.typ, args.name, _plain(inputs), sealed))
        outputs = {**inputs}
        if args.typ == "kubernetes:core/v1:Service":
            outputs["spec"] = {"clusterIP": "10.0.0.1", **inputs["spec"]}
        return f"{args.name}-id", outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[Values, None]:
        message = f"the program calls no function, but called {args.token}"
        raise AssertionError(message)


@dataclass(frozen=True)
class Platform:
    """Everything that a program registered."""

    registrations: list[Registration]

    def all(self, kind: str) -> list[Registration]:
        own = [item for item in self.registrations if not item.type.startswith("seawall:")]
        return [item for item in own if item.kind == kind]

    def one(self, kind: str, name: str) -> Registration:
        found = [item for item in self.all(kind) if item.name == name]
        assert len(found) == 1, f"{kind} {name}: {len(found)} registered"
        return found[0]

    @property
    def pods(self) -> list[Registration]:
        return [item for item in self.registrations if item.runs_pods]


def _is_secret(value: object) -> bool:
    return isinstance(value, dict) and SECRET_MARK in value


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
    if isinstance(value, dict):
        held = cast("Values", value)
        if SECRET_MARK in held:
            return _plain(held["value"])
        return {key: _plain(item) for key, item in held.items()}
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[Any]", value)]
    return value


def local_values() -> Values:
    """The committed values of `local` with the images that the kit sets."""
    text = (CHECKOUT / "Pulumi.local.yaml").read_text(encoding="utf-8")
    values = cast("Values", yaml.safe_load(text)["config"])
    return {**values, "seawall:images": dict(IMAGES)}


def secrets_for(values: Values) -> dict[str, str]:
    """A recognisable value for every secret."""
    return {name: f"plain-{name}" for name in secret_names(parse(values))}


def synth(values: Values, secrets: Mapping[str, str] | None = None) -> Platform:
    """Run the program to its end under mocks."""
    mocks = PlatformMocks()
    runtime_mocks.set_mocks(mocks, project="seawall", stack="test")
    config = {key: json.dumps(value) for key, value in values.items()}
    given = secrets_for(values) if secrets is None else secrets
    config["seawall:secrets"] = json.dumps(dict(given))
    runtime_config.set_all_config(config, ["seawall:secrets"])
    run_to_the_end = cast("Callable[[], None]", pulumi.runtime.test(deploy))  # pyright: ignore[reportUnknownMemberType] - untyped
    run_to_the_end()
    return Platform(mocks.registrations)


@pytest.fixture
def values() -> Values:
    return local_values()


@pytest.fixture
def platform() -> Platform:
    """The `local` environment."""
    return synth(local_values())
