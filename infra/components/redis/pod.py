"""The pod of Redis and Sentinel: its three containers, their environment, probes and volumes."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import (
    AffinityArgs,
    ContainerArgs,
    ContainerPortArgs,
    EnvVarArgs,
    ExecActionArgs,
    HostAliasArgs,
    LifecycleArgs,
    LifecycleHandlerArgs,
    PodSpecArgs,
    ProbeArgs,
    VolumeMountArgs,
)

from contract import paths, ports
from infra.components.base.placement import ZONES, apart_on_hosts, spread_over
from infra.components.base.pods import (
    env,
    exec_probe,
    http_probe,
    requirements,
    restricted,
    scratch_volume,
    secret_volume,
    tcp_probe,
)
from infra.config import Redis, Resources
from infra.config.compute import Amount
from infra.quantities import memory_bytes

__all__ = ["COMPONENT", "DATA_VOLUME", "MASTER_NAME", "RedisPod", "pod_spec"]

COMPONENT = "redis"
DATA_VOLUME = "data"
MASTER_NAME = "seawall"
"""The name under which the Sentinels know the master."""

_TERMINATION_GRACE_S = 60
"""The stop rule hands the master role over in some 1.3 s; the rest is for a node under load."""
_MEMORY_SHARE = 0.6
"""Share of the memory limit. The rest is for copy-on-write during a snapshot, and for replicas'
buffers."""
_PROBE_TIMEOUT_S = 10
"""A probe waits three seconds for its answer; throttling or a busy node delays its start."""
_LIVENESS_PERIOD_S = 60
_LIVENESS_FAILURES = 3
"""Three minutes. Sentinel replaces a master that hangs within seconds, so clients do not wait for
the restart. A node that is starved of CPU must not restart every Redis at once."""
_HEALTH = Resources(
    requests=Amount(cpu="10m", memory="40Mi"), limits=Amount(cpu="500m", memory="96Mi")
)
"""The container `health` runs Python, whose start needs half a second of a core."""
_STARTUP_PERIOD_S = 2
_STARTUP_FAILURES = 1800
"""One hour: the start rule waits for its peers as long as it takes, and the kubelet must not kill
it."""


@dataclass(frozen=True, slots=True)
class RedisPod:
    """The settings that the pod template depends on."""

    settings: Redis
    image: pulumi.Input[str]
    namespace: pulumi.Input[str]
    hosts: pulumi.Input[str]
    """The stable names of all pods, separated by commas."""
    secret: pulumi.Input[str]
    host_aliases: pulumi.Output[list[HostAliasArgs]]
    """The names of all pods with their addresses."""


def pod_spec(pod: RedisPod) -> PodSpecArgs:
    """The pod: Redis and Sentinel on one volume, started and stopped by Seawall's agents."""
    variables = _environment(pod)
    spread = pod.settings.spread
    apart = apart_on_hosts(spread.hosts, COMPONENT)
    return restricted(
        PodSpecArgs(
            affinity=AffinityArgs(pod_anti_affinity=apart) if apart else None,
            containers=[
                _container(
                    *("redis", pod, variables, pod.settings.resources),
                    stop="stop",
                ),
                _container(
                    *("sentinel", pod, variables, pod.settings.sentinel_resources),
                    stop="stop-wait",
                ),
                _health(pod, variables),
            ],
            host_aliases=pod.host_aliases,
            termination_grace_period_seconds=_TERMINATION_GRACE_S,
            topology_spread_constraints=spread_over(ZONES, spread.zones, COMPONENT) or None,
            volumes=[
                secret_volume("secrets", pod.secret),
                # Generated configuration contains passwords, so it is kept in memory only.
                scratch_volume("run", "16Mi", memory=True),
                scratch_volume("tmp", "64Mi", memory=False),
            ],
        )
    )


def _environment(pod: RedisPod) -> list[EnvVarArgs]:
    settings = pod.settings
    maxmemory = int(memory_bytes(settings.resources.limits.memory) * _MEMORY_SHARE)
    values: dict[str, pulumi.Input[str]] = {
        "SEAWALL_NAMESPACE": pod.namespace,
        "SEAWALL_REDIS_HOSTS": pod.hosts,
        "SEAWALL_MASTER_NAME": MASTER_NAME,
        "SEAWALL_QUORUM": str(settings.agreeing),
        "SEAWALL_DOWN_AFTER_MS": str(settings.down_after.milliseconds),
        "SEAWALL_FAILOVER_TIMEOUT_MS": str(settings.failover_timeout.milliseconds),
        "SEAWALL_MAX_LAG_S": str(settings.max_lag.whole_seconds),
        "SEAWALL_MAXMEMORY": str(maxmemory),
    }
    return env(values, pod_name_as="SEAWALL_POD_NAME")


def _container(
    name: str,
    pod: RedisPod,
    variables: list[EnvVarArgs],
    resources: Resources,
    *,
    stop: str,
) -> ContainerArgs:
    stopping = ExecActionArgs(command=_agent(stop))
    port = ports.REDIS if name == "redis" else ports.SENTINEL
    return ContainerArgs(
        name=name,
        image=pod.image,
        command=_agent(name),
        env=variables,
        lifecycle=LifecycleArgs(pre_stop=LifecycleHandlerArgs(exec_=stopping)),
        liveness_probe=_probe(
            f"{name}-live", port, period_s=_LIVENESS_PERIOD_S, failures=_LIVENESS_FAILURES
        ),
        ports=[ContainerPortArgs(name=name, container_port=port)],
        # The container `health` reports whether the pod is ready.
        readiness_probe=tcp_probe(name, period_s=5, failures=2),
        resources=requirements(resources),
        startup_probe=_probe(
            f"{name}-live", port, period_s=_STARTUP_PERIOD_S, failures=_STARTUP_FAILURES
        ),
        volume_mounts=[
            VolumeMountArgs(name=DATA_VOLUME, mount_path="/data"),
            VolumeMountArgs(name="secrets", mount_path=paths.SECRETS_DIR, read_only=True),
            VolumeMountArgs(name="run", mount_path="/run/seawall"),
            VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108 - a volume of the pod
        ],
    )


def _health(pod: RedisPod, variables: list[EnvVarArgs]) -> ContainerArgs:
    """The container that reports whether the pod is ready.

    A probe that starts a command would cost its node more CPU.
    """
    return ContainerArgs(
        name="health",
        image=pod.image,
        command=_agent("health"),
        env=variables,
        liveness_probe=http_probe(paths.HEALTH_LIVE, "health", period_s=10, failures=6),
        ports=[ContainerPortArgs(name="health", container_port=ports.REDIS_HEALTH)],
        # It queries two servers, and waits one second for each reply.
        readiness_probe=http_probe(
            paths.HEALTH_READY, "health", period_s=5, failures=2, timeout_s=5
        ),
        resources=requirements(_HEALTH),
        # The kubelet probes readiness only after this probe succeeds, and then at once.
        startup_probe=http_probe(paths.HEALTH_LIVE, "health", period_s=1, failures=120),
        volume_mounts=[
            VolumeMountArgs(name="secrets", mount_path=paths.SECRETS_DIR, read_only=True)
        ],
    )


def _probe(which: str, port: int, *, period_s: int, failures: int) -> ProbeArgs:
    command = ["sh", "agents/redis/probe.sh", which, str(port)]
    return exec_probe(command, period_s=period_s, timeout_s=_PROBE_TIMEOUT_S, failures=failures)


def _agent(*words: str) -> list[str]:
    return ["python3", "-m", "agents", *words]
