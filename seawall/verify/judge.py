"""What keeps a set of objects from being a complete rollout. Plain data in, sentences out."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from seawall.verify.objects import ContainerStatus, Objects, Pod, Workload

__all__ = ["broken_containers", "problems", "restarts"]

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
"""The kubelet's reasons that no waiting mends."""
_RESTARTS = 2
"""So many restarts while one looks on are a loop, whatever the container's state just now is."""


def problems(objects: Objects, images: AbstractSet[str] | None) -> Iterator[str]:
    """What is not as asked.

    Args:
        objects: of one namespace.
        images: the references that were asked for; None when that is not known.
    """
    for workload in objects.workloads():
        yield from _of_workload(workload)
        yield from _of_images(workload, images)
    yield from _of_autoscalers(objects)
    for pod in objects.pods():
        yield from _of_pod(pod)
    for service in objects.services():
        if service.spec.selector and not objects.ready_endpoints(service.metadata.name):
            yield f"Service {service.metadata.name}: no ready endpoint"


def restarts(objects: Objects) -> dict[tuple[str, str], int]:
    """Restarts by pod uid and container."""
    return {
        (pod.metadata.uid, container.name): container.restarts
        for pod in objects.pods()
        for container in pod.status.containers
    }


def broken_containers(
    objects: Objects, before: dict[tuple[str, str], int]
) -> Iterator[tuple[Pod, ContainerStatus]]:
    """The containers that will not run by waiting; `before` is `restarts` of the first look."""
    for pod in objects.pods():
        for container in pod.status.containers:
            waiting = container.state.waiting
            loops = container.restarts - before.get((pod.metadata.uid, container.name), 0)
            hopeless = waiting is not None and waiting.reason in _HOPELESS
            if not container.ready and (hopeless or loops >= _RESTARTS):
                yield pod, container


def _of_workload(workload: Workload) -> Iterator[str]:
    wanted, status = workload.spec.replicas, workload.status
    if status.observed < workload.metadata.generation:
        yield f"{workload.title}: not yet seen by its controller"
    elif not status.replicas == status.ready == status.updated == wanted:
        yield f"{workload.title}: {status.ready} of {wanted} ready, {status.updated} updated"


def _of_images(workload: Workload, images: AbstractSet[str] | None) -> Iterator[str]:
    for container in workload.spec.template.spec.containers:
        if images is not None and container.image not in images:
            yield f"{workload.title}: {container.name} asks for {container.image}, not as deployed"


def _of_autoscalers(objects: Objects) -> Iterator[str]:
    ready = {(w.kind, w.metadata.name): w.status.ready for w in objects.workloads()}
    for scaler in objects.autoscalers():
        target = scaler.spec.target
        found = ready.get((target.kind, target.name))  # pyright: ignore[reportArgumentType] - any kind may be scaled
        if found is not None and found < scaler.spec.least:
            yield f"{target.kind} {target.name}: {found} ready, minReplicas is {scaler.spec.least}"


def _of_pod(pod: Pod) -> Iterator[str]:
    asked = {container.name: container.image for container in pod.spec.containers}
    for container in pod.status.containers:
        if container.image and container.image != asked.get(container.name):
            yield f"pod {pod.metadata.name}: {container.name} runs {container.image}"
