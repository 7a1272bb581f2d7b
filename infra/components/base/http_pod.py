"""One pod with one container that answers HTTP, and its Service, for what only watches."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import (
    ContainerArgs,
    ContainerPortArgs,
    HostAliasArgs,
    PodSpecArgs,
    Service,
    ServicePortArgs,
    ServiceSpecArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.components.base.labels import labels_of, selector_of
from infra.components.base.pods import (
    container_security,
    http_probe,
    pod_security,
    quick_names,
    requirements,
)
from infra.components.base.single_pod import SinglePod, single_pod
from infra.config import Resources

__all__ = ["HttpPod", "http_pod"]

_GRACE_S = 5
"""None of them has anything to lose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPod:
    """What differs from one to the next.

    Attributes:
        namespace: where it runs.
        image: whose entry point is the program, unless there is a `command`.
        arguments: of the program.
        port: where it listens; the Service has the same.
        health: the path that answers while it is well.
        resources: of the container.
        replace_after_s: how long its node may be lost until another pod is made.
        command: in place of the image's entry point.
        volumes: each with the folder at which it is mounted.
        writable: names of those volumes that may be written to.
        host_aliases: addresses that it knows without a name server.
    """

    namespace: pulumi.Input[str]
    image: str
    arguments: Sequence[pulumi.Input[str]]
    port: int
    health: str
    resources: Resources
    replace_after_s: int
    command: Sequence[str] | None = None
    volumes: Sequence[tuple[VolumeArgs, str]] = ()
    writable: frozenset[str] = frozenset()
    host_aliases: pulumi.Output[list[HostAliasArgs]] | None = None


def http_pod(name: str, pod: HttpPod, opts: pulumi.ResourceOptions) -> Service:
    """The Deployment and the Service `name`; the latter is returned."""
    single_pod(name, SinglePod(pod.namespace, _spec(name, pod), pod.replace_after_s), opts)
    return Service(
        name,
        metadata=ObjectMetaArgs(name=name, namespace=pod.namespace, labels=labels_of(name)),
        spec=ServiceSpecArgs(
            ports=[ServicePortArgs(name="http", port=pod.port, target_port="http")],
            selector=selector_of(name),
        ),
        opts=opts,
    )


def _spec(name: str, pod: HttpPod) -> PodSpecArgs:
    mounts = [
        VolumeMountArgs(
            name=volume.name, mount_path=path, read_only=volume.name not in pod.writable
        )
        for volume, path in pod.volumes
    ]
    container = ContainerArgs(
        name=name,
        image=pod.image,
        image_pull_policy="IfNotPresent",
        command=list(pod.command) if pod.command else None,
        args=list(pod.arguments),
        ports=[ContainerPortArgs(name="http", container_port=pod.port)],
        liveness_probe=http_probe(pod.health, "http", period_s=10, failures=6),
        readiness_probe=http_probe(pod.health, "http", period_s=2, failures=3),
        resources=requirements(pod.resources),
        security_context=container_security(),
        volume_mounts=mounts,
    )
    return PodSpecArgs(
        automount_service_account_token=False,
        containers=[container],
        dns_config=quick_names(),
        enable_service_links=False,
        host_aliases=pod.host_aliases,
        security_context=pod_security(),
        termination_grace_period_seconds=_GRACE_S,
        volumes=[volume for volume, _ in pod.volumes],
    )
