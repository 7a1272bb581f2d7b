"""Redis with Sentinel: a few pods, each with one address that outlives the pod."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apps.v1 import (
    StatefulSet,
    StatefulSetPersistentVolumeClaimRetentionPolicyArgs,
    StatefulSetSpecArgs,
)
from pulumi_kubernetes.core.v1 import (
    HostAliasArgs,
    PersistentVolumeClaimArgs,
    PersistentVolumeClaimSpecArgs,
    PodTemplateSpecArgs,
    Service,
    ServicePortArgs,
    ServiceSpecArgs,
    VolumeResourceRequirementsArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from contract import ports
from infra.components.base.placement import disruption_budget
from infra.components.redis.pod import (
    COMPONENT,
    DATA_VOLUME,
    MASTER_NAME,
    RedisPod,
    pod_spec,
)
from infra.components.secrets.secret_source import SecretSource
from infra.config import Redis
from infra.labels import labels_of, selector_of
from infra.secret_names import REDIS_SECRETS
from infra.workloads.workload import SecretFiles

__all__ = ["RedisSentinel", "RedisSentinelArgs"]

_GOVERNING_SERVICE = "redis-nodes"
_POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"


@dataclass(frozen=True, slots=True)
class RedisSentinelArgs:
    """What RedisSentinel needs."""

    namespace: pulumi.Input[str]
    image: str
    settings: Redis
    secrets: SecretSource
    """Fills the Secret that the pods mount."""
    protect: bool
    """Whether Pulumi refuses to delete the StatefulSet."""


class RedisSentinel(pulumi.ComponentResource):
    """A StatefulSet of Redis and Sentinel.

    A pod's Service is its only address in any configuration. The Service publishes the pod also
    while it is not ready, its name always resolves, and its address never changes. So a failover
    starts even when a node is gone. The volumes outlive the StatefulSet, but not the namespace;
    both can be protected.
    """

    hosts: pulumi.Output[list[str]]
    """The names of the pods' Services. Both Redis and Sentinel are reached by them."""
    host_aliases: pulumi.Output[list[HostAliasArgs]]
    """Their addresses, for the hosts file of every pod that connects to them. Sentinel resolves
    names in its only thread and waits for the result, and a name server may be lost together with
    the master."""
    master_name: str
    stateful_set: StatefulSet

    def __init__(
        self, name: str, args: RedisSentinelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:redis:RedisSentinel", name, None, opts)
        self._namespace = args.namespace
        self._child = pulumi.ResourceOptions(parent=self)
        self.master_name = MASTER_NAME
        pods = [f"{name}-{index}" for index in range(args.settings.replicas)]
        self.hosts = pulumi.Output.all(*self._names(pods))
        secret = args.secrets.fill(
            f"{name}-credentials",
            self._metadata(f"{name}-credentials"),
            SecretFiles(REDIS_SECRETS),
            self._child,
        )
        self.host_aliases = self._services(pods)
        budget = args.settings.disruption
        disruption_budget(name, self._metadata(name), budget, COMPONENT, self._child)
        pod = RedisPod(
            settings=args.settings,
            image=args.image,
            namespace=args.namespace,
            hosts=self.hosts.apply(",".join),
            secret=secret,
            host_aliases=self.host_aliases,
        )
        self.stateful_set = self._stateful_set(name, pod, protect=args.protect)
        self.register_outputs({"hosts": self.hosts})

    def _services(self, pods: list[str]) -> pulumi.Output[list[HostAliasArgs]]:
        addresses: list[pulumi.Output[str]] = []
        ports_of_pod = [
            ServicePortArgs(name="redis", port=ports.REDIS),
            ServicePortArgs(name="sentinel", port=ports.SENTINEL),
        ]
        for pod in pods:
            service = Service(
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
            addresses.append(service.spec.apply(lambda spec: spec.cluster_ip or ""))
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
        names = pulumi.Output.all(*self._names(pods))
        return pulumi.Output.all(names, pulumi.Output.all(*addresses)).apply(_aliases)

    def _names(self, pods: list[str]) -> list[pulumi.Output[str]]:
        def full(pod: str) -> pulumi.Output[str]:
            return pulumi.Output.concat(pod, ".", self._namespace, ".svc.cluster.local")

        return [full(pod) for pod in pods]

    def _stateful_set(self, name: str, pod: RedisPod, *, protect: bool) -> StatefulSet:
        keep = StatefulSetPersistentVolumeClaimRetentionPolicyArgs(
            when_deleted="Retain", when_scaled="Retain"
        )
        return StatefulSet(
            name,
            metadata=self._metadata(name),
            spec=StatefulSetSpecArgs(
                # All pods start at once, because the start rule needs its peers' answers.
                pod_management_policy="Parallel",
                replicas=pod.settings.replicas,
                persistent_volume_claim_retention_policy=keep,
                selector=LabelSelectorArgs(match_labels=selector_of(COMPONENT)),
                service_name=_GOVERNING_SERVICE,
                template=PodTemplateSpecArgs(
                    metadata=ObjectMetaArgs(labels=labels_of(COMPONENT)), spec=pod_spec(pod)
                ),
                volume_claim_templates=[_claim(pod.settings)],
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )

    def _metadata(self, name: str) -> ObjectMetaArgs:
        return ObjectMetaArgs(
            name=name,
            namespace=self._namespace,
            labels=labels_of(COMPONENT),
        )


def _aliases(found: list[list[str]]) -> list[HostAliasArgs]:
    """The aliases of Services with an address: in the preview of a new stack none has one yet."""
    names, addresses = found
    return [
        HostAliasArgs(ip=address, hostnames=[name])
        for name, address in zip(names, addresses, strict=True)
        if address
    ]


def _claim(settings: Redis) -> PersistentVolumeClaimArgs:
    return PersistentVolumeClaimArgs(
        metadata=ObjectMetaArgs(name=DATA_VOLUME, labels=labels_of(COMPONENT)),
        spec=PersistentVolumeClaimSpecArgs(
            access_modes=["ReadWriteOnce"],
            resources=VolumeResourceRequirementsArgs(requests={"storage": settings.storage}),
            storage_class_name=settings.storage_class,
        ),
    )
