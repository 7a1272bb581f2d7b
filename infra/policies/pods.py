"""Pods and containers in the Kubernetes kinds that contain them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from infra.policies.inputs import known, mapping, sequence, text
from infra.resources import Resource

__all__ = [
    "Container",
    "Pod",
    "has_pods",
    "is_kubernetes",
    "labels_of",
    "namespace_of",
    "pod_of",
    "selects",
]

_TEMPLATES = {
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Deployment": ("spec", "template"),
    "Job": ("spec", "template"),
    "Pod": (),
    "PodTemplate": ("template",),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
}
_ENDING = ("CronJob", "Job")


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod."""

    name: str
    values: Mapping[str, object]
    lasting: bool
    """Whether it runs as long as its pod: not in a job, and not an init step."""
    ephemeral: bool = False
    """Whether it is for debugging; Kubernetes accepts neither resources nor probes for it."""


@dataclass(frozen=True, slots=True)
class Pod:
    """The pod that a workload creates."""

    labels: Mapping[str, object]
    spec: Mapping[str, object]
    containers: Sequence[Container]


def is_kubernetes(resource: Resource, *kinds: str) -> bool:
    """Whether the resource is an object of one of `kinds`, in any API version."""
    return resource.type.startswith("kubernetes:") and resource.kind in kinds


def has_pods(resource: Resource) -> bool:
    """Whether `pod_of` knows where this kind contains a pod."""
    return is_kubernetes(resource, *_TEMPLATES)


def pod_of(resource: Resource) -> Pod | None:
    """The pod that `resource` creates; None if it creates none."""
    if not has_pods(resource):
        return None
    template = mapping(resource.inputs, *_TEMPLATES[resource.kind])
    spec = mapping(template, "spec")
    return Pod(
        labels=mapping(template, "metadata", "labels"),
        spec=spec,
        containers=tuple(_containers(spec, lasting=resource.kind not in _ENDING)),
    )


def namespace_of(resource: Resource) -> str:
    """The namespace of a namespaced object."""
    return text(resource.inputs, "metadata", "namespace") or "default"


def labels_of(resource: Resource) -> Mapping[str, object]:
    """The object's own labels."""
    return mapping(resource.inputs, "metadata", "labels")


def selects(selector: object, labels: Mapping[str, object]) -> bool:
    """Whether a label selector matches `labels`; an empty one matches everything."""
    wanted = mapping(selector, "matchLabels")
    expressions = sequence(selector, "matchExpressions")
    return all(known(labels.get(key)) == known(value) for key, value in wanted.items()) and all(
        _holds(expression, labels) for expression in expressions
    )


def _holds(expression: object, labels: Mapping[str, object]) -> bool:
    key = text(expression, "key")
    values = sequence(expression, "values")
    match text(expression, "operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


def _containers(spec: Mapping[str, object], *, lasting: bool) -> Iterator[Container]:
    for values in sequence(spec, "initContainers"):
        # A sidecar, in Kubernetes' terms: an init container that never ends.
        sidecar = text(values, "restartPolicy") == "Always"
        yield _container(values, lasting=lasting and sidecar)
    for values in sequence(spec, "containers"):
        yield _container(values, lasting=lasting)
    for values in sequence(spec, "ephemeralContainers"):
        yield _container(values, lasting=False, ephemeral=True)


def _container(values: object, *, lasting: bool, ephemeral: bool = False) -> Container:
    held = cast("Mapping[str, object]", values)
    return Container(text(values, "name"), held, lasting, ephemeral)
