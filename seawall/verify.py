"""The kit's own proof that a deployment serves; `pulumi up` alone can succeed on a broken image.

Everything in the namespace must have rolled out, every running container must have the image that
was asked for, and every Service must have endpoints.
"""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from seawall.cluster.kubectl import Kubectl
from seawall.errors import ClusterError
from seawall.wait import TimedOutError, wait_until

__all__ = ["verify_rollout"]

_DEADLINE_S = 180.0
_LOG_LINES = 4


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Metadata(_Read):
    name: str
    generation: int = 0
    labels: dict[str, str] = {}


class _Container(_Read):
    name: str
    image: str


class _PodSpec(_Read):
    containers: list[_Container] = []


class _Template(_Read):
    spec: _PodSpec = _PodSpec()


class _WorkloadSpec(_Read):
    replicas: int = 1
    template: _Template = _Template()


class _WorkloadStatus(_Read):
    observed: int = Field(default=0, alias="observedGeneration")
    replicas: int = 0
    ready: int = Field(default=0, alias="readyReplicas")
    updated: int = Field(default=0, alias="updatedReplicas")


class _Workload(_Read):
    kind: str
    metadata: _Metadata
    spec: _WorkloadSpec
    status: _WorkloadStatus

    def problem(self) -> str | None:
        """Why it has not rolled out; None when it has."""
        title = f"{self.kind} {self.metadata.name}"
        wanted, status = self.spec.replicas, self.status
        if status.observed < self.metadata.generation:
            return f"{title}: not yet seen by its controller"
        if not status.replicas == status.ready == status.updated == wanted:
            return f"{title}: {status.ready} of {wanted} ready, {status.updated} updated"
        return None


class _Workloads(_Read):
    items: list[_Workload]


class _Waiting(_Read):
    reason: str = ""
    message: str = ""


class _State(_Read):
    waiting: _Waiting | None = None


class _ContainerStatus(_Read):
    name: str
    ready: bool = False
    image: str = ""
    state: _State = _State()


class _PodStatus(_Read):
    containers: list[_ContainerStatus] = Field(default=[], alias="containerStatuses")


class _Pod(_Read):
    metadata: _Metadata
    spec: _PodSpec
    status: _PodStatus


class _Pods(_Read):
    items: list[_Pod]


class _EndpointConditions(_Read):
    ready: bool | None = None


class _Endpoint(_Read):
    conditions: _EndpointConditions = _EndpointConditions()


class _Slice(_Read):
    metadata: _Metadata
    endpoints: list[_Endpoint] | None = None


class _Slices(_Read):
    items: list[_Slice]


def verify_rollout(kubectl: Kubectl, *, namespace: str, deadline_s: float = _DEADLINE_S) -> None:
    """Wait until everything in the namespace serves.

    Raises:
        ClusterError: it does not in time; says what, why, and the last log lines of a bad pod.
    """
    try:
        wait_until(
            lambda: not list(_problems(kubectl, namespace)),
            deadline_s=deadline_s,
            what=f"namespace {namespace} to roll out",
            interval_s=0.5,
        )
    except TimedOutError:
        problems = "; ".join(_problems(kubectl, namespace)) or "it became ready just now"
        raise ClusterError(
            f"namespace {namespace} does not serve after {deadline_s:.0f} s: {problems}"
            f"{_evidence(kubectl, namespace)}"
        ) from None


def _problems(kubectl: Kubectl, namespace: str) -> Iterator[str]:
    workloads = _Workloads.model_validate(
        kubectl.get("-n", namespace, "deployments,statefulsets")
    ).items
    for workload in workloads:
        if problem := workload.problem():
            yield problem
    for pod in _Pods.model_validate(kubectl.get("-n", namespace, "pods")).items:
        asked = {c.name: c.image for c in pod.spec.containers}
        for container in pod.status.containers:
            if container.image != asked[container.name]:
                yield f"pod {pod.metadata.name}: {container.name} runs {container.image}"
    slices = _Slices.model_validate(kubectl.get("-n", namespace, "endpointslices")).items
    for one in slices:
        if not any(e.conditions.ready for e in one.endpoints or []):
            service = one.metadata.labels.get("kubernetes.io/service-name", one.metadata.name)
            yield f"Service {service}: no ready endpoint"


def _evidence(kubectl: Kubectl, namespace: str) -> str:
    """Why a container does not run, and what it said last."""
    for pod in _Pods.model_validate(kubectl.get("-n", namespace, "pods")).items:
        for container in pod.status.containers:
            if container.ready:
                continue
            name = pod.metadata.name
            told = container.state.waiting
            reason = f"{told.reason} {told.message}".strip() if told else "not ready"
            where = ("-n", namespace, "logs", name, "-c", container.name)
            try:
                log = kubectl(*where, f"--tail={_LOG_LINES}").strip().replace("\n", " | ")
            except ClusterError:
                log = "no log"
            return f"; pod {name}, container {container.name}: {reason}; log: {log}"
    return ""
