"""A rule that the other rules see every object: no charts, no files, no unknown kinds with pods."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from infra.policies.pods import has_pods
from infra.policies.rule import ResourceRule, Rule
from infra.resources import Resource

__all__ = ["RULES"]

_HIDING = (
    # Charts and files of objects, in every version.
    *("kubernetes:helm.sh/", "kubernetes:yaml", "kubernetes:kustomize"),
    # Separate programs, which may declare anything.
    *("command:", "pulumi-nodejs:dynamic", "pulumi-python:dynamic"),
)
"""Beginnings of the types whose objects the rules cannot see."""


def objects_are_declared_one_by_one(resource: Resource) -> Iterator[str]:
    """Every object is a resource of its own type, and only kinds that the rules know have pods."""
    if resource.type.startswith(_HIDING):
        yield f"{resource.type} hides objects from the policies; declare each as a resource"
    elif (
        resource.type.startswith("kubernetes:")
        and not has_pods(resource)
        and _runs_containers(resource.inputs)
    ):
        yield (
            f"{resource.type} creates pods that the policies do not check; use a Deployment,"
            " a StatefulSet, a DaemonSet, a Job or a CronJob"
        )


def _runs_containers(value: object) -> bool:
    """Whether it contains, at any depth, a list of containers with images."""
    if isinstance(value, Mapping):
        held = cast("Mapping[str, object]", value)
        return any(
            (key == "containers" and _has_image(item)) or _runs_containers(item)
            for key, item in held.items()
        )
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(_runs_containers(item) for item in cast("Sequence[object]", value))
    return False


def _has_image(value: object) -> bool:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return False
    items = cast("Sequence[object]", value)
    return any(isinstance(item, Mapping) and "image" in item for item in items)


RULES: tuple[Rule, ...] = (
    ResourceRule(
        "objects-are-declared-one-by-one",
        "Every object is declared where the policies can see it, not by a chart or a file.",
        objects_are_declared_one_by_one,
    ),
)
