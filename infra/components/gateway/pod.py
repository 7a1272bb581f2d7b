"""The gateway's pod: one container that drains before it terminates."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import pulumi
from pulumi_kubernetes.core.v1 import (
    ContainerArgs,
    ContainerPortArgs,
    HostAliasArgs,
    LifecycleArgs,
    LifecycleHandlerArgs,
    PodSpecArgs,
    SleepActionArgs,
    VolumeArgs,
    VolumeMountArgs,
)

from contract import paths, ports
from infra.components.base.placement import HOSTS, ZONES, spread_over, tolerations_of_lost_nodes
from infra.components.base.pods import (
    http_probe,
    requirements,
    restricted,
    scratch_volume,
    secret_volume,
)
from infra.config import Gateway, Shutdown

__all__ = ["COMPONENT", "GatewayPod", "grace_seconds", "pod_spec"]

COMPONENT = "gateway"
_SPARE_S = 5
"""Seconds between the end of the gateway's own grace and the kubelet's SIGKILL."""


@dataclass(frozen=True, slots=True)
class GatewayPod:
    """The settings that the pod template depends on."""

    settings: Gateway
    image: pulumi.Input[str]
    config: VolumeArgs
    """The volume with the settings."""
    secret: pulumi.Input[str]
    host_aliases: pulumi.Output[list[HostAliasArgs]]
    """The names of the Redis pods with their addresses."""


def grace_seconds(shutdown: Shutdown) -> int:
    """The pod's termination grace period in seconds, which starts with preStop."""
    return shutdown.pre_stop.whole_seconds + shutdown.grace.whole_seconds + _SPARE_S


def pod_spec(pod: GatewayPod) -> PodSpecArgs:
    """The pod. Its secrets are mounted as directories, so that keys change without a restart."""
    spread = pod.settings.spread
    apart = [
        *spread_over(HOSTS, spread.hosts, COMPONENT),
        *spread_over(ZONES, spread.zones, COMPONENT),
    ]
    return restricted(
        PodSpecArgs(
            containers=[_container(pod)],
            host_aliases=pod.host_aliases,
            termination_grace_period_seconds=grace_seconds(pod.settings.shutdown),
            tolerations=tolerations_of_lost_nodes(pod.settings.replace_after.whole_seconds),
            topology_spread_constraints=apart or None,
            volumes=[
                pod.config,
                secret_volume("secrets", pod.secret),
                scratch_volume("tmp", "64Mi", memory=False),
            ],
        )
    )


def _container(pod: GatewayPod) -> ContainerArgs:
    # New connections arrive for some seconds after the pod is marked for deletion.
    sleep = SleepActionArgs(seconds=pod.settings.shutdown.pre_stop.whole_seconds)
    config_dir = str(PurePosixPath(paths.CONFIG_FILE).parent)
    return ContainerArgs(
        name=COMPONENT,
        image=pod.image,
        lifecycle=LifecycleArgs(pre_stop=LifecycleHandlerArgs(sleep=sleep)),
        liveness_probe=http_probe(paths.HEALTH_LIVE, "health", period_s=10, failures=3),
        ports=[
            ContainerPortArgs(name="http", container_port=ports.GATEWAY_HTTP),
            ContainerPortArgs(name="health", container_port=ports.GATEWAY_HEALTH),
        ],
        readiness_probe=http_probe(paths.HEALTH_READY, "health", period_s=2, failures=2),
        resources=requirements(pod.settings.resources),
        # Two minutes are enough for a cold node with a throttled CPU.
        startup_probe=http_probe(paths.HEALTH_STARTUP, "health", period_s=1, failures=120),
        volume_mounts=[
            VolumeMountArgs(name="config", mount_path=config_dir, read_only=True),
            VolumeMountArgs(name="secrets", mount_path=paths.SECRETS_DIR, read_only=True),
            VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108 - a volume of the pod
        ],
    )
