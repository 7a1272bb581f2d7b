"""Redis with Sentinel: three pods, each with one address that outlives it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apps.v1 import StatefulSet, StatefulSetSpecArgs
from pulumi_kubernetes.core.v1 import (
    PersistentVolumeClaimArgs,
    PersistentVolumeClaimSpecArgs,
    PodTemplateSpecArgs,
    Secret,
    Service,
    ServicePortArgs,
    ServiceSpecArgs,
    VolumeResourceRequirementsArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget, PodDisruptionBudgetSpecArgs

from contract import ports
from infra.components.labels import labels_of, selector_of
from infra.components.redis_pod import (
    COMPONENT,
    DATA_VOLUME,
    MASTER_NAME,
    REPLICAS,
    RedisPod,
    pod_spec,
)
from infra.settings import Redis

__all__ = ["RedisSentinel", "RedisSentinelArgs"]

_GOVERNING_SERVICE = "redis-nodes"
_POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"


@dataclass(frozen=True, slots=True)
class RedisSentinelArgs:
    """What RedisSentinel needs."""

    namespace: pulumi.Input[str]
    image: str
    settings: Redis
    passwords: Mapping[str, pulumi.Output[str]]
    """By the file name under which the agents read them."""


class RedisSentinel(pulumi.ComponentResource):
    """A StatefulSet of Redis and Sentinel.

    A pod's Service is its only address in any configuration: it publishes the pod also while that
    is not ready, its name always resolves and its address never moves, so a failover starts even
    when a node is gone. The volumes outlive the StatefulSet, not the namespace.
    """

    hosts: pulumi.Output[list[str]]
    """The names of the three pods' Services; Redis and Sentinel listen on both."""
    master_name: str

    def __init__(
        self, name: str, args: RedisSentinelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:redis:RedisSentinel", name, None, opts)
        self._namespace = args.namespace
        self._child = pulumi.ResourceOptions(parent=self)
        self.master_name = MASTER_NAME
        pods = [f"{name}-{index}" for index in range(REPLICAS)]
        self.hosts = pulumi.Output.from_input(args.namespace).apply(
            lambda namespace: [f"{pod}.{namespace}.svc.cluster.local" for pod in pods]
        )
        secret = Secret(
            f"{name}-credentials",
            metadata=self._metadata(f"{name}-credentials"),
            string_data=dict(args.passwords),
            opts=self._child,
        )
        self._services(pods)
        PodDisruptionBudget(
            name,
            metadata=self._metadata(name),
            spec=PodDisruptionBudgetSpecArgs(max_unavailable=1, selector=_selector()),
            opts=self._child,
        )
        pod = RedisPod(
            settings=args.settings,
            image=args.image,
            namespace=args.namespace,
            hosts=self.hosts.apply(",".join),
            secret=secret.metadata.apply(lambda metadata: metadata.name or ""),
        )
        self._stateful_set(name, pod)
        self.register_outputs({"hosts": self.hosts})

    def _services(self, pods: list[str]) -> None:
        ports_of_pod = [
            ServicePortArgs(name="redis", port=ports.REDIS),
            ServicePortArgs(name="sentinel", port=ports.SENTINEL),
        ]
        for pod in pods:
            Service(
                pod,
                metadata=self._metadata(pod),
                spec=ServiceSpecArgs(
                    ports=ports_of_pod,
                    publish_not_ready_addresses=True,
                    selector={**selector_of(COMPONENT), _POD_NAME_LABEL: pod},
                    type="ClusterIP",
                ),
                opts=self._child,
            )
        Service(
            _GOVERNING_SERVICE,
            metadata=self._metadata(_GOVERNING_SERVICE),
            spec=ServiceSpecArgs(
                cluster_ip="None",
                ports=ports_of_pod,
                publish_not_ready_addresses=True,
                selector=selector_of(COMPONENT),
            ),
            opts=self._child,
        )

    def _stateful_set(self, name: str, pod: RedisPod) -> None:
        StatefulSet(
            name,
            metadata=self._metadata(name),
            spec=StatefulSetSpecArgs(
                # All three start at once: the start rule needs its peers' answers.
                pod_management_policy="Parallel",
                replicas=REPLICAS,
                selector=_selector(),
                service_name=_GOVERNING_SERVICE,
                template=PodTemplateSpecArgs(
                    metadata=ObjectMetaArgs(labels=labels_of(COMPONENT)), spec=pod_spec(pod)
                ),
                volume_claim_templates=[_claim(pod.settings.storage)],
            ),
            opts=self._child,
        )

    def _metadata(self, name: str) -> ObjectMetaArgs:
        return ObjectMetaArgs(name=name, namespace=self._namespace, labels=labels_of(COMPONENT))


def _selector() -> LabelSelectorArgs:
    return LabelSelectorArgs(match_labels=selector_of(COMPONENT))


def _claim(storage: str) -> PersistentVolumeClaimArgs:
    return PersistentVolumeClaimArgs(
        metadata=ObjectMetaArgs(name=DATA_VOLUME, labels=labels_of(COMPONENT)),
        spec=PersistentVolumeClaimSpecArgs(
            access_modes=["ReadWriteOnce"],
            resources=VolumeResourceRequirementsArgs(requests={"storage": storage}),
        ),
    )
