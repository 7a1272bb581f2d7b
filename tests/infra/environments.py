"""The resources that the program registers for the four environments, as plain data."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from infra.config.images import DebianPackage, GoModule, Images
from infra.parsing import ConfigError, parse
from infra.resources import Resource
from infra.synth import synth

__all__ = [
    "CHECKOUT",
    "ENVIRONMENTS",
    "MONITORING_IMAGES",
    "Platform",
    "Values",
    "annotations",
    "changed",
    "committed",
    "complete",
    "platform_of",
    "pod_spec",
    "refusal",
]

CHECKOUT = Path(__file__).parents[2]
ENVIRONMENTS = ("local", "dev", "staging", "prod")
MONITORING_IMAGES = (*Images.built_as(GoModule), *Images.built_as(DebianPackage))
"""The images of the monitoring components."""
IMAGES = {name: f"seawall/{name.replace('_', '-')}:test" for name in Images.model_fields}
PINNED = {
    name: f"registry.example/seawall/{name}@sha256:{digit * 64}"
    for name, digit in (("gateway", "a"), ("redis", "b"))
}
"""Fake digests."""

Values = dict[str, Any]


@dataclass(frozen=True)
class Platform:
    """Everything that a program registered."""

    registrations: tuple[Resource, ...]

    def all(self, kind: str) -> list[Resource]:
        own = [item for item in self.registrations if not item.type.startswith("seawall:")]
        return [item for item in own if item.kind == kind]

    def one(self, kind: str, name: str) -> Resource:
        found = [item for item in self.all(kind) if item.name == name]
        assert len(found) == 1, f"{kind} {name}: {len(found)} registered"
        return found[0]

    @property
    def pods(self) -> list[Resource]:
        return [item for item in self.registrations if "template" in item.inputs.get("spec", {})]


def pod_spec(resource: Resource) -> Values:
    spec: Values = resource.inputs["spec"]["template"]["spec"]
    return spec


def annotations(inputs: Mapping[str, Any]) -> Values:
    """The annotations of an object, without those that control Pulumi's provider."""
    told: Values = inputs["metadata"].get("annotations", {})
    return {name: value for name, value in told.items() if not name.startswith("pulumi.com/")}


def committed(env: str) -> Values:
    """A copy of the values of the committed file, which the caller may change."""
    return copy.deepcopy(_read(env))


@cache
def _read(env: str) -> Values:
    text = (CHECKOUT / f"Pulumi.{env}.yaml").read_text(encoding="utf-8")
    return cast("Values", yaml.safe_load(text)["config"])


def complete(env: str) -> Values:
    """The committed values, plus fake values for what the kit or the team adds."""
    values = committed(env)
    values["seawall:images"] = dict(IMAGES if env == "local" else PINNED)
    if "seawall:state" in values:
        values["seawall:state"] = {
            "backend": "s3://example-state?region=eu-west-1",
            "secrets_provider": "awskms://alias/example?region=eu-west-1",
        }
    if "seawall:backup" in values:
        values["seawall:backup"]["bucket"] = "example-backups"
        values["seawall:backup"]["image"] = PINNED["redis"]
    return values


def changed(values: Values, path: str, value: object) -> Values:
    """A copy with one value changed, by its path below `seawall:`."""
    copied = copy.deepcopy(values)
    section, *steps = path.split(".")
    place = copied[f"seawall:{section}"] if steps else copied
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1] if steps else f"seawall:{section}"] = value
    return copied


def platform_of(values: Mapping[str, object]) -> Platform:
    """The resources that the program registers for `values`; cached for equal values."""
    return _platform_of(json.dumps(values))


@cache
def _platform_of(values: str) -> Platform:
    return Platform(synth(json.loads(values), env="test"))


def refusal(values: Values) -> str:
    """The one line with which the configuration is refused."""
    with pytest.raises(ConfigError) as caught:
        parse(values)
    message = str(caught.value)
    assert "\n" not in message
    return message
