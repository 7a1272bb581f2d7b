"""A simulated provider: it answers like an OpenAI-compatible API and fails on request."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import (
    AffinityArgs,
    ContainerArgs,
    ContainerPortArgs,
    PodAffinityTermArgs,
    PodAntiAffinityArgs,
    PodSpecArgs,
    ProbeArgs,
    Service,
    ServicePortArgs,
    ServiceSpecArgs,
    TCPSocketActionArgs,
    VolumeMountArgs,
    WeightedPodAffinityTermArgs,
)
from pulumi_kubernetes.meta.v1 import (
    LabelSelectorArgs,
    LabelSelectorRequirementArgs,
    ObjectMetaArgs,
)

from contract import labels, ports
from infra.components.base.placement import HOSTS
from infra.components.base.pods import (
    requirements,
    restricted,
    scratch_volume,
)
from infra.components.base.single_pod import SinglePod, single_pod
from infra.config import Amount, Resources
from infra.labels import labels_of, selector_of

__all__ = ["ProviderSimulator", "ProviderSimulatorArgs"]

_COMPONENT = "provider-simulator"
_RESOURCES = Resources(
    requests=Amount(cpu="50m", memory="96Mi"), limits=Amount(cpu="1", memory="256Mi")
)
"""Far more than the gateway's share of the load, so that the simulator is never the bottleneck."""


@dataclass(frozen=True, slots=True)
class ProviderSimulatorArgs:
    """What a ProviderSimulator needs."""

    namespace: pulumi.Input[str]
    image: str
    """The gateway's image, which also contains the simulator."""
    provider: str
    """The provider's name; its Service is simulator-<provider>."""
    replace_after_s: int
    """Seconds for which its node may be lost before the pod is recreated."""


class ProviderSimulator(pulumi.ComponentResource):
    """One simulated provider, for environments that have no real one."""

    admin_url: pulumi.Output[str]
    """Address inside the cluster at which failures are requested, by the Service's address."""

    def __init__(
        self, name: str, args: ProviderSimulatorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:simulator:ProviderSimulator", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        marked = {**labels_of(name), labels.COMPONENT: _COMPONENT}
        metadata = ObjectMetaArgs(name=name, namespace=args.namespace, labels=marked)
        pod = SinglePod(args.namespace, _pod_spec(name, args), args.replace_after_s, labels=marked)
        single_pod(name, pod, child)
        service = Service(
            name,
            metadata=metadata,
            spec=ServiceSpecArgs(
                ports=[
                    ServicePortArgs(name="http", port=ports.SIMULATOR_HTTP),
                    ServicePortArgs(name="admin", port=ports.SIMULATOR_ADMIN),
                ],
                selector=selector_of(name),
            ),
            opts=child,
        )
        self.admin_url = service.spec.apply(
            lambda spec: f"http://{spec.cluster_ip}:{ports.SIMULATOR_ADMIN}"
        )
        self.register_outputs({"admin_url": self.admin_url})


def _pod_spec(name: str, args: ProviderSimulatorArgs) -> PodSpecArgs:
    words = ["--name", args.provider]
    words += ["--port", str(ports.SIMULATOR_HTTP), "--admin-port", str(ports.SIMULATOR_ADMIN)]
    container = ContainerArgs(
        name="simulator",
        image=args.image,
        command=["python3", "-m", "simulator", *words],
        ports=[
            ContainerPortArgs(name="http", container_port=ports.SIMULATOR_HTTP),
            ContainerPortArgs(name="admin", container_port=ports.SIMULATOR_ADMIN),
        ],
        liveness_probe=_probe(period_s=10, failures=6),
        readiness_probe=_probe(period_s=2, failures=3),
        resources=requirements(_RESOURCES),
        volume_mounts=[VolumeMountArgs(name="tmp", mount_path="/tmp")],  # noqa: S108 - a volume
    )
    return restricted(
        PodSpecArgs(
            affinity=AffinityArgs(pod_anti_affinity=_apart_from_others(name)),
            containers=[container],
            termination_grace_period_seconds=5,
            volumes=[scratch_volume("tmp", "16Mi", memory=False)],
        )
    )


def _apart_from_others(name: str) -> PodAntiAffinityArgs:
    """Not on one node with another simulator, where possible: real providers fail separately.

    Its own pods do not count: while all are replaced, there would be one on every node.
    """
    other = LabelSelectorRequirementArgs(key=labels.NAME, operator="NotIn", values=[name])
    others = LabelSelectorArgs(
        match_labels={labels.COMPONENT: _COMPONENT}, match_expressions=[other]
    )
    term = PodAffinityTermArgs(label_selector=others, topology_key=HOSTS)
    weighted = WeightedPodAffinityTermArgs(weight=100, pod_affinity_term=term)
    return PodAntiAffinityArgs(preferred_during_scheduling_ignored_during_execution=[weighted])


def _probe(*, period_s: int, failures: int) -> ProbeArgs:
    """Probe the admin port: a provider that fails on request is still a ready pod."""
    return ProbeArgs(
        tcp_socket=TCPSocketActionArgs(port="admin"),
        period_seconds=period_s,
        timeout_seconds=2,
        failure_threshold=failures,
    )
