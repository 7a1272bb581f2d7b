"""Why a rollout is incomplete. The functions take plain data and return sentences."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from seawall.ops.verify.objects import ContainerStatus, Objects, Pod, Workload

__all__ = ["Expected", "broken_containers", "problems", "restarts"]

_JUDGED = frozenset({"Deployment", "HorizontalPodAutoscaler", "Service", "StatefulSet"})

_HOPELESS = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
"""Reasons of the kubelet that waiting does not cure."""
_RESTARTS = 2
"""This many restarts during the check are a crash loop, in any state of the container."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What was deployed.

    Attributes:
        objects: kind and name of each deployed object; None checks every existing object.
        images: the deployed image references; None when they are unknown.
    """

    objects: AbstractSet[tuple[str, str]] | None = None
    images: AbstractSet[str] | None = None

    def has(self, kind: str, name: str) -> bool:
        """Whether the object is one of the deployed ones."""
        return self.objects is None or (kind, name) in self.objects


def problems(objects: Objects, expected: Expected) -> Iterator[str]:
    """Yield the differences from what was deployed; other objects are ignored."""
    yield from _missing(objects, expected)
    for workload in _ours(objects, expected):
        yield from _of_workload(workload)
        yield from _of_images(workload, expected.images)
        for pod in objects.pods():
            if workload.owns(pod):
                yield from _of_pod(pod, workload)
    yield from _of_autoscalers(objects, expected)
    for service in objects.services():
        name = service.metadata.name
        is_ours = expected.has("Service", name) and service.spec.selector
        if is_ours and not objects.ready_endpoints(name):
            yield f"Service {name}: no ready endpoint"


def restarts(objects: Objects) -> dict[tuple[str, str], int]:
    """Restarts by pod uid and container."""
    return {
        (pod.metadata.uid, container.name): container.restarts
        for pod in objects.pods()
        for container in pod.status.containers
    }


def broken_containers(
    objects: Objects, expected: Expected, before: dict[tuple[str, str], int]
) -> Iterator[tuple[Pod, ContainerStatus]]:
    """The containers that waiting will not start.

    Args:
        objects: the objects of the namespace.
        expected: what was deployed.
        before: the result of `restarts` for the first observation.
    """
    ours = list(_ours(objects, expected))
    for pod in objects.pods():
        if not any(workload.owns(pod) for workload in ours):
            continue
        for container in pod.status.containers:
            waiting = container.state.waiting
            loops = container.restarts - before.get((pod.metadata.uid, container.name), 0)
            hopeless = waiting is not None and waiting.reason in _HOPELESS
            if not container.ready and (hopeless or loops >= _RESTARTS):
                yield pod, container


def _ours(objects: Objects, expected: Expected) -> Iterator[Workload]:
    for workload in objects.workloads():
        if expected.has(workload.kind, workload.metadata.name):
            yield workload


def _missing(objects: Objects, expected: Expected) -> Iterator[str]:
    there = {(item.kind, item.metadata.name) for item in objects.items}
    for kind, name in sorted(expected.objects or ()):
        if kind in _JUDGED and (kind, name) not in there:
            yield f"{kind} {name}: missing"


def _of_workload(workload: Workload) -> Iterator[str]:
    wanted, status = workload.spec.replicas, workload.status
    if status.observed < workload.metadata.generation:
        yield f"{workload.title}: not yet seen by its controller"
    elif not status.replicas == status.ready == status.updated == wanted:
        yield f"{workload.title}: {status.ready} of {wanted} ready, {status.updated} updated"


def _of_images(workload: Workload, images: AbstractSet[str] | None) -> Iterator[str]:
    for container in workload.spec.template.spec.containers:
        if images is not None and container.image not in images:
            image = container.image
            yield f"{workload.title}: {container.name} has another image than deployed: {image}"


def _of_autoscalers(objects: Objects, expected: Expected) -> Iterator[str]:
    ready = {(w.kind, w.metadata.name): w.status.ready for w in objects.workloads()}
    for scaler in objects.autoscalers():
        if not expected.has(scaler.kind, scaler.metadata.name):
            continue
        target = scaler.spec.target
        found = ready.get((target.kind, target.name))  # pyright: ignore[reportArgumentType] - any kind may be scaled
        if found is not None and found < scaler.spec.least:
            yield f"{target.kind} {target.name}: {found} ready, minReplicas is {scaler.spec.least}"


def _of_pod(pod: Pod, workload: Workload) -> Iterator[str]:
    # The image in the container's status is unusable: for a digest the runtime reports the image's
    # id or another of its names. The kubelet runs the image in the pod's spec.
    asked = {item.name: item.image for item in workload.spec.template.spec.containers}
    for container in pod.spec.containers:
        wanted = asked.get(container.name)
        if wanted is not None and container.image != wanted and not pod.metadata.deleted:
            yield f"pod {pod.metadata.name}: {container.name} runs {container.image}"
