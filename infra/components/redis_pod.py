"""The pod of RedisSentinel: its two containers, their environment, probes and volumes."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import (
    AffinityArgs,
    ContainerArgs,
    ContainerPortArgs,
    EnvVarArgs,
    ExecActionArgs,
    LifecycleArgs,
    LifecycleHandlerArgs,
    PodAffinityTermArgs,
    PodAntiAffinityArgs,
    PodSpecArgs,
    ProbeArgs,
    VolumeMountArgs,
    WeightedPodAffinityTermArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs

from contract import paths, ports
from infra.components.labels import selector_of
from infra.components.pods import (
    HOSTNAME_TOPOLOGY,
    container_security,
    env,
    exec_probe,
    pod_security,
    requirements,
    scratch_volume,
    secret_volume,
)
from infra.quantities import memory_bytes
from infra.settings import Redis, Resources

__all__ = ["COMPONENT", "DATA_VOLUME", "MASTER_NAME", "REPLICAS", "RedisPod", "pod_spec"]

COMPONENT = "redis"
DATA_VOLUME = "data"
MASTER_NAME = "seawall"
"""The name under which sentinels know the master."""
REPLICAS = 3
QUORUM = 2
"""The majority of REPLICAS."""

_TERMINATION_GRACE_S = 60
"""The stop rule hands the master over in some 1.3 s; the rest is for a node under load."""
_MEMORY_SHARE = 0.6
"""Of the limit: the rest is for the copy-on-write of a snapshot and for replicas' buffers."""
_PROBE_TIMEOUT_S = 5
"""A probe starts a Python, some 0.1 s of CPU, which a throttled container may stretch."""
_STARTUP_PERIOD_S = 2
_STARTUP_FAILURES = 1800
"""An hour: the start rule waits for its peers as long as it takes, and is not killed for it."""


@dataclass(frozen=True, slots=True)
class RedisPod:
    """What the pod template depends on."""

    settings: Redis
    image: pulumi.Input[str]
    namespace: pulumi.Input[str]
    hosts: pulumi.Input[str]
    """The stable names of all pods, separated by commas."""
    secret: pulumi.Input[str]


def pod_spec(pod: RedisPod) -> PodSpecArgs:
    """The pod: Redis and Sentinel on one volume, started and stopped by the kit's agents."""
    variables = _environment(pod)
    return PodSpecArgs(
        affinity=_affinity(pod.settings),
        automount_service_account_token=False,
        containers=[
            _container("redis", pod, variables, pod.settings.resources, stop="stop"),
            _container(
                "sentinel", pod, variables, pod.settings.sentinel_resources, stop="stop-wait"
            ),
        ],
        enable_service_links=False,
        security_context=pod_security(),
        termination_grace_period_seconds=_TERMINATION_GRACE_S,
        volumes=[
            secret_volume("secrets", pod.secret),
            # Generated configuration holds passwords: it never touches a disk.
            scratch_volume("run", "16Mi", memory=True),
            scratch_volume("tmp", "64Mi", memory=False),
        ],
    )


def _environment(pod: RedisPod) -> list[EnvVarArgs]:
    settings = pod.settings
    maxmemory = int(memory_bytes(settings.resources.limits.memory) * _MEMORY_SHARE)
    values: dict[str, pulumi.Input[str]] = {
        "SEAWALL_NAMESPACE": pod.namespace,
        "SEAWALL_REDIS_HOSTS": pod.hosts,
        "SEAWALL_MASTER_NAME": MASTER_NAME,
        "SEAWALL_QUORUM": str(QUORUM),
        "SEAWALL_DOWN_AFTER_MS": str(settings.down_after_ms),
        "SEAWALL_FAILOVER_TIMEOUT_MS": str(settings.failover_timeout_ms),
        "SEAWALL_MAX_LAG_S": str(settings.max_lag_s),
        "SEAWALL_MAXMEMORY": str(maxmemory),
    }
    return env(values, pod_name_as="SEAWALL_POD_NAME")


def _container(
    name: str, pod: RedisPod, variables: list[EnvVarArgs], resources: Resources, *, stop: str
) -> ContainerArgs:
    stopping = ExecActionArgs(command=_agent(stop))
    port = ports.REDIS if name == "redis" else ports.SENTINEL
    return ContainerArgs(
        name=name,
        image=pod.image,
        image_pull_policy="IfNotPresent",
        command=_agent(name),
        env=variables,
        lifecycle=LifecycleArgs(pre_stop=LifecycleHandlerArgs(exec_=stopping)),
        liveness_probe=_probe(f"{name}-live", period_s=10, failures=6),
        ports=[ContainerPortArgs(name=name, container_port=port)],
        readiness_probe=_probe(f"{name}-ready", period_s=5, failures=2),
        resources=requirements(resources),
        security_context=container_security(),
        startup_probe=_probe(
            f"{name}-live", period_s=_STARTUP_PERIOD_S, failures=_STARTUP_FAILURES
        ),
        volume_mounts=[
            VolumeMountArgs(name=DATA_VOLUME, mount_path="/data"),
            VolumeMountArgs(name="secrets", mount_path=paths.SECRETS_DIR, read_only=True),
            VolumeMountArgs(name="run", mount_path="/run/seawall"),
            VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108 - a volume of the pod
        ],
    )


def _probe(which: str, *, period_s: int, failures: int) -> ProbeArgs:
    return exec_probe(
        _agent("probe", which), period_s=period_s, timeout_s=_PROBE_TIMEOUT_S, failures=failures
    )


def _agent(*words: str) -> list[str]:
    return ["python3", "-m", "agents", *words]


def _affinity(settings: Redis) -> AffinityArgs:
    term = PodAffinityTermArgs(
        label_selector=LabelSelectorArgs(match_labels=selector_of(COMPONENT)),
        topology_key=HOSTNAME_TOPOLOGY,
    )
    if settings.host_spread == "required":
        apart = PodAntiAffinityArgs(required_during_scheduling_ignored_during_execution=[term])
    else:
        weighted = WeightedPodAffinityTermArgs(weight=100, pod_affinity_term=term)
        apart = PodAntiAffinityArgs(preferred_during_scheduling_ignored_during_execution=[weighted])
    return AffinityArgs(pod_anti_affinity=apart)
