"""The judgement over objects as the API server returns them; no cluster needed."""

from copy import deepcopy
from typing import Any

import pytest

from seawall.verify.judge import broken_containers, problems, restarts
from seawall.verify.objects import Objects

IMAGE = "registry.example.com/gateway:1"
LABELS = {"app": "gateway"}


def complete() -> dict[str, dict[str, Any]]:
    """A namespace in which all is well."""
    container = {"name": "gateway", "image": IMAGE}
    status: dict[str, object] = {"name": "gateway", "image": IMAGE, "ready": True}
    status |= {"restartCount": 5, "state": {}}
    return {
        "deployment": {
            "kind": "Deployment",
            "metadata": {"name": "gateway", "generation": 2},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": LABELS},
                "template": {"spec": {"containers": [container]}},
            },
            "status": {
                "observedGeneration": 2,
                "replicas": 2,
                "readyReplicas": 2,
                "updatedReplicas": 2,
            },
        },
        "autoscaler": {
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "gateway"},
            "spec": {
                "minReplicas": 2,
                "scaleTargetRef": {"kind": "Deployment", "name": "gateway"},
            },
        },
        "pod": {
            "kind": "Pod",
            "metadata": {"name": "gateway-a", "uid": "1", "labels": LABELS},
            "spec": {"containers": [container]},
            "status": {"phase": "Running", "containerStatuses": [status]},
        },
        "service": {
            "kind": "Service",
            "metadata": {"name": "gateway"},
            "spec": {"selector": LABELS},
        },
        "endpoints": {
            "kind": "EndpointSlice",
            "metadata": {
                "name": "gateway-x",
                "labels": {"kubernetes.io/service-name": "gateway"},
            },
            "endpoints": [{"conditions": {"ready": True}}],
        },
    }


def parsed(items: dict[str, dict[str, Any]]) -> Objects:
    return Objects.model_validate({"items": list(items.values())})


def found(items: dict[str, dict[str, Any]], images: frozenset[str] | None = None) -> list[str]:
    return list(problems(parsed(items), images))


def changed(**paths: object) -> dict[str, dict[str, Any]]:
    """The complete namespace with values at paths such as deployment__status__readyReplicas."""
    items = deepcopy(complete())
    for path, value in paths.items():
        *steps, last = path.split("__")
        place: Any = items
        for step in steps:
            place = place[int(step) if step.isdigit() else step]
        place[last] = value
    return items


def test_a_complete_rollout_has_no_problem() -> None:
    assert found(complete(), frozenset({IMAGE})) == []


@pytest.mark.parametrize(
    ("items", "told"),
    [
        (
            changed(deployment__status__observedGeneration=1),
            "Deployment gateway: not yet seen by its controller",
        ),
        (
            changed(deployment__status__readyReplicas=1, autoscaler__spec__minReplicas=1),
            "Deployment gateway: 1 of 2 ready, 2 updated",
        ),
        (
            changed(deployment__status__updatedReplicas=1),
            "Deployment gateway: 2 of 2 ready, 1 updated",
        ),
        (
            changed(deployment__status__replicas=3),
            "Deployment gateway: 2 of 2 ready, 2 updated",
        ),
        (
            changed(autoscaler__spec__minReplicas=3),
            "Deployment gateway: 2 ready, minReplicas is 3",
        ),
        (
            changed(pod__status__containerStatuses__0__image="other:1"),
            "pod gateway-a: gateway runs other:1",
        ),
        (changed(endpoints__endpoints=[]), "Service gateway: no ready endpoint"),
        (
            changed(endpoints__endpoints=[{"conditions": {"ready": False}}]),
            "Service gateway: no ready endpoint",
        ),
        (
            changed(endpoints__metadata__labels={"kubernetes.io/service-name": "other"}),
            "Service gateway: no ready endpoint",
        ),
    ],
)
def test_what_is_missing_is_named(items: dict[str, dict[str, Any]], told: str) -> None:
    assert told in found(items)


def test_an_image_that_was_not_deployed_is_named() -> None:
    (told,) = found(complete(), frozenset({"registry.example.com/gateway:2"}))
    assert told == f"Deployment gateway: gateway asks for {IMAGE}, not as deployed"


def test_a_service_without_a_selector_needs_no_endpoints() -> None:
    assert found(changed(service__spec={}, endpoints__endpoints=[])) == []


def test_pods_of_jobs_are_not_judged() -> None:
    owners = [{"kind": "Job"}]
    items = changed(
        pod__metadata__ownerReferences=owners, pod__status__containerStatuses__0__image="other:1"
    )
    assert found(items) == []


@pytest.mark.parametrize("reason", ["ErrImagePull", "CrashLoopBackOff", "InvalidImageName"])
def test_a_container_that_cannot_start_is_broken(reason: str) -> None:
    status = {"waiting": {"reason": reason}}
    items = changed(
        pod__status__containerStatuses__0__ready=False,
        pod__status__containerStatuses__0__state=status,
    )
    ((pod, container),) = broken_containers(parsed(items), restarts(parsed(items)))
    assert (pod.metadata.name, container.name) == ("gateway-a", "gateway")


def test_a_container_that_is_being_created_is_not_broken() -> None:
    status = {"waiting": {"reason": "ContainerCreating"}}
    items = changed(
        pod__status__containerStatuses__0__ready=False,
        pod__status__containerStatuses__0__state=status,
    )
    assert list(broken_containers(parsed(items), restarts(parsed(items)))) == []


def test_restarts_before_the_first_look_do_not_count() -> None:
    unready = changed(pod__status__containerStatuses__0__ready=False)
    assert list(broken_containers(parsed(unready), restarts(parsed(unready)))) == []
    looping = changed(
        pod__status__containerStatuses__0__ready=False,
        pod__status__containerStatuses__0__restartCount=7,
    )
    assert len(list(broken_containers(parsed(looping), restarts(parsed(unready))))) == 1
