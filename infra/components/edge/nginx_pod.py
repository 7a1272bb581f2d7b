"""The pod of the bundled edge proxy: nginx, and a sidecar that resolves the gateway's pods."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import (
    ContainerArgs,
    ContainerPortArgs,
    ExecActionArgs,
    LifecycleArgs,
    LifecycleHandlerArgs,
    PodSpecArgs,
    VolumeArgs,
    VolumeMountArgs,
)

from contract import ports
from contract.components import EDGE
from infra.components.base.placement import HOSTS, ZONES, spread_over, tolerations_of_lost_nodes
from infra.components.base.pods import (
    http_probe,
    requirements,
    restricted,
    scratch_volume,
    secret_volume,
)
from infra.components.edge.nginx_conf import LEAVING_FILE
from infra.config import Amount, BundledEdge, Resources, Shutdown

__all__ = ["COMPONENT", "CONFIG_DIR", "CONFIG_FILE", "PODS_HOST", "TLS_DIR", "NginxPod", "pod_spec"]

COMPONENT = EDGE
CONFIG_DIR = "/etc/seawall/edge"
CONFIG_FILE = "nginx.conf"
TLS_DIR = "/etc/seawall/edge-tls"
PODS_HOST = "gateway-pods"
"""The headless Service of the gateway's pods, which lists only the ready ones."""

_SPARE_S = 5
"""Seconds between the end of nginx's own shutdown and the kubelet's SIGKILL."""
_NAMES = Resources(
    requests=Amount(cpu="10m", memory="32Mi"), limits=Amount(cpu="200m", memory="64Mi")
)
_DEAD_PEERS = {
    "net.ipv4.tcp_keepalive_time": "5",
    "net.ipv4.tcp_keepalive_intvl": "2",
    "net.ipv4.tcp_keepalive_probes": "3",
}
"""TCP keepalive detects a pod that is gone without notice after 11 s, not at the end of a deadline.
Clients that wait for its answer then receive an error."""

_NGINX = f"nginx -e stderr -g 'daemon off;' -c {CONFIG_DIR}/{CONFIG_FILE}"


@dataclass(frozen=True, slots=True)
class NginxPod:
    """The settings that the pod template depends on."""

    settings: BundledEdge
    image: str
    config: VolumeArgs
    """The volume with nginx.conf."""
    shutdown: Shutdown
    """The gateway's shutdown settings: a stream gets the same time in nginx."""
    replace_after_s: int


def pod_spec(pod: NginxPod) -> PodSpecArgs:
    """The pod; it writes only to one volume."""
    spread, shutdown = pod.settings.spread, pod.shutdown
    apart = [
        *spread_over(HOSTS, spread.hosts, COMPONENT),
        *spread_over(ZONES, spread.zones, COMPONENT),
    ]
    volumes = [pod.config, scratch_volume("tmp", "64Mi", memory=False)]
    if pod.settings.tls:
        volumes.append(secret_volume("tls", pod.settings.tls.secret))
    return restricted(
        PodSpecArgs(
            containers=[_nginx(pod)],
            # A sidecar, in Kubernetes' terms: it starts before nginx and ends after it.
            init_containers=[_names(pod.image)],
            termination_grace_period_seconds=(
                shutdown.pre_stop.whole_seconds + shutdown.grace.whole_seconds + _SPARE_S
            ),
            tolerations=tolerations_of_lost_nodes(pod.replace_after_s),
            topology_spread_constraints=apart or None,
            volumes=volumes,
        ),
        sysctls=_DEAD_PEERS,
    )


def _nginx(pod: NginxPod) -> ContainerArgs:
    seconds = pod.shutdown.pre_stop.whole_seconds
    # For this time each answer closes its client's connection, until no new clients arrive. Then
    # comes SIGQUIT, after which nginx finishes its open answers.
    leave = ExecActionArgs(command=["sh", "-c", f"touch {LEAVING_FILE}; sleep {seconds}"])
    mounts = [
        VolumeMountArgs(name="config", mount_path=CONFIG_DIR, read_only=True),
        VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108 - a volume of the pod
    ]
    if pod.settings.tls:
        mounts.append(VolumeMountArgs(name="tls", mount_path=TLS_DIR, read_only=True))
    return ContainerArgs(
        name="nginx",
        image=pod.image,
        # preStop runs before a restart of the container, too, and its file outlives the container.
        command=["sh", "-c", f"rm -f {LEAVING_FILE}; exec {_NGINX}"],
        lifecycle=LifecycleArgs(pre_stop=LifecycleHandlerArgs(exec_=leave)),
        liveness_probe=http_probe("/health", "health", period_s=10, failures=6),
        ports=[
            ContainerPortArgs(
                name="http",
                container_port=ports.EDGE_HTTPS if pod.settings.tls else ports.EDGE_HTTP,
            ),
            ContainerPortArgs(name="health", container_port=ports.EDGE_HEALTH),
        ],
        readiness_probe=http_probe("/health", "health", period_s=2, failures=2),
        resources=requirements(pod.settings.resources),
        volume_mounts=mounts,
    )


def _names(image: pulumi.Input[str]) -> ContainerArgs:
    health = ports.EDGE_NAMES_HEALTH
    return ContainerArgs(
        name="names",
        image=image,
        command=["python3", "-m", "agents", "names", PODS_HOST],
        liveness_probe=http_probe("/", "names-health", period_s=10, failures=6),
        ports=[ContainerPortArgs(name="names-health", container_port=health)],
        readiness_probe=http_probe("/", "names-health", period_s=2, failures=3),
        resources=requirements(_NAMES),
        restart_policy="Always",
        # The first pod of the gateway may take a while.
        startup_probe=http_probe("/", "names-health", period_s=1, failures=120),
    )
