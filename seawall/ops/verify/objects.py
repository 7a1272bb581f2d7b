"""The parts of Kubernetes objects that show whether a rollout is complete."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "KINDS",
    "Autoscaler",
    "Container",
    "ContainerStatus",
    "Endpoints",
    "Objects",
    "Pod",
    "Service",
    "Workload",
]

KINDS: Final = "deployments,statefulsets,horizontalpodautoscalers,pods,services,endpointslices"
"""The kinds to request from kubectl."""

_SERVICE_LABEL: Final = "kubernetes.io/service-name"


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class _Owner(_Read):
    kind: str


class Metadata(_Read):
    """Name, identity and labels."""

    name: str
    uid: str = ""
    generation: int = 0
    labels: dict[str, str] = {}
    owners: list[_Owner] = Field(default=[], alias="ownerReferences")
    deleted: str | None = Field(default=None, alias="deletionTimestamp")


class Container(_Read):
    """A container in the spec of a pod."""

    name: str
    image: str


class _PodSpec(_Read):
    containers: list[Container] = []


class _Template(_Read):
    spec: _PodSpec = _PodSpec()


class _Selector(_Read):
    labels: dict[str, str] = Field(default={}, alias="matchLabels")


class _WorkloadSpec(_Read):
    replicas: int = 1
    selector: _Selector = _Selector()
    template: _Template = _Template()


class _WorkloadStatus(_Read):
    observed: int = Field(default=0, alias="observedGeneration")
    replicas: int = 0
    ready: int = Field(default=0, alias="readyReplicas")
    updated: int = Field(default=0, alias="updatedReplicas")


class Workload(_Read):
    """A Deployment or a StatefulSet."""

    kind: Literal["Deployment", "StatefulSet"]
    metadata: Metadata
    spec: _WorkloadSpec
    status: _WorkloadStatus = _WorkloadStatus()

    @property
    def title(self) -> str:
        """The kind and the name, for messages."""
        return f"{self.kind} {self.metadata.name}"

    def owns(self, pod: "Pod") -> bool:
        """Whether the pod is one of its pods."""
        return self.spec.selector.labels.items() <= pod.metadata.labels.items()


class _Target(_Read):
    kind: str
    name: str


class _AutoscalerSpec(_Read):
    least: int = Field(default=1, alias="minReplicas")
    target: _Target = Field(alias="scaleTargetRef")


class Autoscaler(_Read):
    """A HorizontalPodAutoscaler."""

    kind: Literal["HorizontalPodAutoscaler"]
    metadata: Metadata
    spec: _AutoscalerSpec


class Reason(_Read):
    """Why a container waits or ended."""

    reason: str = ""
    message: str = ""


class _State(_Read):
    waiting: Reason | None = None
    terminated: Reason | None = None


class ContainerStatus(_Read):
    """The current status of a container."""

    name: str
    ready: bool = False
    image: str = ""
    restarts: int = Field(default=0, alias="restartCount")
    state: _State = _State()


class _PodStatus(_Read):
    phase: str = ""
    containers: list[ContainerStatus] = Field(default=[], alias="containerStatuses")


class Pod(_Read):
    """A pod."""

    kind: Literal["Pod"]
    metadata: Metadata
    spec: _PodSpec
    status: _PodStatus = _PodStatus()

    @property
    def is_of_a_job(self) -> bool:
        """Whether a Job owns the pod; such a pod ends and serves no requests."""
        return any(owner.kind == "Job" for owner in self.metadata.owners)


class _ServiceSpec(_Read):
    selector: dict[str, str] | None = None


class Service(_Read):
    """A Service."""

    kind: Literal["Service"]
    metadata: Metadata
    spec: _ServiceSpec = _ServiceSpec()


class _Conditions(_Read):
    ready: bool | None = None


class _Endpoint(_Read):
    conditions: _Conditions = _Conditions()


class Endpoints(_Read):
    """An EndpointSlice."""

    kind: Literal["EndpointSlice"]
    metadata: Metadata
    endpoints: list[_Endpoint] | None = None

    @property
    def service(self) -> str:
        """The Service that it belongs to."""
        return self.metadata.labels.get(_SERVICE_LABEL, "")

    @property
    def ready(self) -> int:
        """The number of its addresses that receive traffic."""
        return sum(1 for endpoint in self.endpoints or [] if endpoint.conditions.ready)


_Item: TypeAlias = Annotated[
    Workload | Autoscaler | Pod | Service | Endpoints, Field(discriminator="kind")
]


class Objects(_Read):
    """Everything of KINDS in one namespace."""

    items: list[_Item]

    def workloads(self) -> Sequence[Workload]:
        """Its Deployments and StatefulSets."""
        return [item for item in self.items if isinstance(item, Workload)]

    def autoscalers(self) -> Sequence[Autoscaler]:
        """Its HorizontalPodAutoscalers."""
        return [item for item in self.items if isinstance(item, Autoscaler)]

    def pods(self) -> Sequence[Pod]:
        """Its pods, without those of Jobs."""
        return [item for item in self.items if isinstance(item, Pod) and not item.is_of_a_job]

    def services(self) -> Sequence[Service]:
        """Its Services."""
        return [item for item in self.items if isinstance(item, Service)]

    def ready_endpoints(self, service: str) -> int:
        """The number of addresses of a Service that receive traffic."""
        slices = [item for item in self.items if isinstance(item, Endpoints)]
        return sum(item.ready for item in slices if item.service == service)
