"""Verification of objects in the form that the API server returns; it needs no cluster."""

from copy import deepcopy
from typing import Any

import pytest
from pydantic import JsonValue

from seawall.kube.kubectl import Kubectl
from seawall.ops.verify.checks import Expected, broken_containers, problems, restarts
from seawall.ops.verify.objects import KINDS, ContainerStatus, Objects, Pod
from seawall.ops.verify.rollout import what_is_wrong

IMAGE = "registry.example.com/gateway:1"
LABELS = {"app": "gateway"}


def complete() -> dict[str, dict[str, Any]]:
    """The objects of a namespace with a complete rollout."""
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


def found(items: dict[str, dict[str, Any]], expected: Expected | None = None) -> list[str]:
    return list(problems(parsed(items), expected or Expected()))


def broken(
    items: dict[str, dict[str, Any]], before: dict[str, dict[str, Any]] | None = None
) -> list[tuple[Pod, ContainerStatus]]:
    looked = restarts(parsed(before or items))
    return list(broken_containers(parsed(items), Expected(), looked))


def changed(**paths: object) -> dict[str, dict[str, Any]]:
    """The complete namespace, changed at paths such as deployment__status__readyReplicas."""
    items = deepcopy(complete())
    for path, value in paths.items():
        *steps, last = path.split("__")
        place: Any = items
        for step in steps:
            place = place[int(step) if step.isdigit() else step]
        place[last] = value
    return items


def test_a_complete_rollout_has_no_problem() -> None:
    assert found(complete(), Expected(images=frozenset({IMAGE}))) == []


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
            changed(pod__spec__containers=[{"name": "gateway", "image": "other:1"}]),
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
def test_incomplete_rollout_is_described(items: dict[str, dict[str, Any]], told: str) -> None:
    assert told in found(items)


def test_unexpected_image_is_named() -> None:
    other = Expected(images=frozenset({"registry.example.com/gateway:2"}))
    (told,) = found(complete(), other)
    assert told == f"Deployment gateway: gateway has another image than deployed: {IMAGE}"


def test_a_service_without_a_selector_needs_no_endpoints() -> None:
    assert found(changed(service__spec={}, endpoints__endpoints=[])) == []


def test_pods_of_jobs_are_ignored() -> None:
    owners = [{"kind": "Job"}]
    items = changed(
        pod__metadata__ownerReferences=owners,
        pod__spec__containers=[{"name": "gateway", "image": "other:1"}],
    )
    assert found(items) == []


@pytest.mark.parametrize("reason", ["ErrImagePull", "CrashLoopBackOff", "InvalidImageName"])
def test_a_container_that_cannot_start_is_broken(reason: str) -> None:
    status = {"waiting": {"reason": reason}}
    items = changed(
        pod__status__containerStatuses__0__ready=False,
        pod__status__containerStatuses__0__state=status,
    )
    ((pod, container),) = broken(items)
    assert (pod.metadata.name, container.name) == ("gateway-a", "gateway")


def test_a_container_that_is_being_created_is_not_broken() -> None:
    status = {"waiting": {"reason": "ContainerCreating"}}
    items = changed(
        pod__status__containerStatuses__0__ready=False,
        pod__status__containerStatuses__0__state=status,
    )
    assert broken(items) == []


class OneLook(Kubectl):
    """Shows the same objects at each look, and one log line for every container."""

    def __init__(self, items: dict[str, dict[str, Any]]) -> None:
        self._items = items

    def get(self, *arguments: str) -> JsonValue:
        return {"items": list(self._items.values()) if KINDS in arguments else []}

    def __call__(self, *arguments: str, stdin: str | None = None, timeout_s: float = 120) -> str:
        del stdin, timeout_s
        return f"the last line of {arguments[3]}"


def test_one_look_names_the_gateway_first_among_crashing_containers() -> None:
    items = changed(
        deployment__status__readyReplicas=1,
        pod__status__containerStatuses__0__ready=False,
        pod__status__containerStatuses__0__state={"terminated": {"reason": "Error"}},
    )
    for kind in ("deployment", "pod"):
        other = deepcopy(items[kind])
        other["metadata"] |= {"name": "receiver", "uid": "2", "labels": {"app": "receiver"}}
        items[f"a {kind}"] = other
    items["a deployment"]["spec"]["selector"] = {"matchLabels": {"app": "receiver"}}
    (status,) = items["a pod"]["status"]["containerStatuses"]
    status |= {"name": "receiver", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    items = {"a pod": items.pop("a pod"), **items}
    wrong = what_is_wrong(OneLook(items), "seawall")
    assert wrong.startswith("pod gateway-a, container gateway: Error")
    assert "the last line of gateway-a" in wrong


def test_restarts_before_the_first_check_do_not_count() -> None:
    unready = changed(pod__status__containerStatuses__0__ready=False)
    assert broken(unready) == []
    looping = changed(
        pod__status__containerStatuses__0__ready=False,
        pod__status__containerStatuses__0__restartCount=7,
    )
    assert len(broken(looping, unready)) == 1


def test_image_is_compared_by_the_pod_spec_not_by_its_status() -> None:
    # The container runtime reports its own image id, or another name of the same image.
    items = changed(pod__status__containerStatuses__0__image="sha256:cfb0ffc6")
    assert found(items) == []


OURS = frozenset({("Deployment", "gateway"), ("Service", "gateway")})


def test_missing_deployed_objects_are_named() -> None:
    items = complete()
    del items["deployment"], items["service"]
    assert found(items, Expected(OURS)) == [
        "Deployment gateway: missing",
        "Service gateway: missing",
    ]


def test_objects_of_other_deployments_are_ignored() -> None:
    items = changed(
        deployment__status__readyReplicas=0,
        endpoints__endpoints=[],
        pod__status__containerStatuses__0__ready=False,
    )
    nothing = Expected(frozenset({("ConfigMap", "gateway-settings")}), frozenset({"x:1"}))
    assert found(items, nothing) == []
    assert list(broken_containers(parsed(items), nothing, {})) == []
