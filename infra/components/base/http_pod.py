"""One pod with one container that answers HTTP, and its Service, for monitoring components."""

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
"""These pods have no data to save."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPod:
    """The settings that differ between these pods.

    Attributes:
        namespace: where the pod runs.
        image: the image, whose entry point is the program unless there is a `command`.
        arguments: arguments of the program.
        port: the container's port; the Service has the same.
        health: the path that answers while the pod is healthy.
        resources: resources of the container.
        replace_after_s: seconds for which its node may be lost before the pod is recreated.
        command: replaces the image's entry point.
        volumes: each with the folder at which it is mounted.
        writable: names of the volumes that are mounted writable.
        host_aliases: addresses that the pod knows without a name server.
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
    """The Deployment and the Service `name`; returns the Service."""
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
