"""Common parts of all pods: the restricted security context, volumes, resources."""

from collections.abc import Mapping, Sequence
from typing import cast

import pulumi
from pulumi_kubernetes.core.v1 import (
    CapabilitiesArgs,
    ContainerArgs,
    EmptyDirVolumeSourceArgs,
    EnvVarArgs,
    EnvVarSourceArgs,
    ExecActionArgs,
    HTTPGetActionArgs,
    KeyToPathArgs,
    ObjectFieldSelectorArgs,
    PodDNSConfigArgs,
    PodDNSConfigOptionArgs,
    PodSecurityContextArgs,
    PodSpecArgs,
    ProbeArgs,
    ResourceRequirementsArgs,
    SeccompProfileArgs,
    SecretVolumeSourceArgs,
    SecurityContextArgs,
    SysctlArgs,
    TCPSocketActionArgs,
    VolumeArgs,
)

from infra.config import Resources

__all__ = [
    "env",
    "exec_probe",
    "http_probe",
    "requirements",
    "restricted",
    "scratch_volume",
    "secret_volume",
    "tcp_probe",
]

_USER = 10001
"""The user of Seawall's images; also the group that may read mounted secrets."""
_SECRET_MODE = 0o440


def restricted(pod: PodSpecArgs, *, sysctls: Mapping[str, str] | None = None) -> PodSpecArgs:
    """Complete a pod with what all pods of the kit have in common.

    - The restricted Pod Security standard, and read-only root file systems.
    - An image is pulled only when its node lacks it, so that a pod starts while the registry does
      not answer.
    - No variables for every Service of the namespace, and no token of a service account unless the
      pod asks for it.
    - A DNS query is repeated after one second instead of five, because a name server may be
      leaving.

    Args:
        pod: the pod, whose containers are plain arguments.
        sysctls: kernel parameters of the pod's network.
    """
    containers = (*_plain(pod.containers), *_plain(pod.init_containers))
    for container in containers:
        container.image_pull_policy = "IfNotPresent"
        container.security_context = SecurityContextArgs(
            allow_privilege_escalation=False,
            capabilities=CapabilitiesArgs(drop=["ALL"]),
            read_only_root_filesystem=True,
            run_as_non_root=True,
            seccomp_profile=SeccompProfileArgs(type="RuntimeDefault"),
        )
    pod.security_context = PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=_USER,
        run_as_group=_USER,
        fs_group=_USER,
        # When the owner of a volume is right already, Kubernetes does not visit each of its files.
        fs_group_change_policy="OnRootMismatch",
        seccomp_profile=SeccompProfileArgs(type="RuntimeDefault"),
        sysctls=[SysctlArgs(name=name, value=value) for name, value in sysctls.items()]
        if sysctls
        else None,
    )
    if pod.automount_service_account_token is None:
        pod.automount_service_account_token = False
    pod.enable_service_links = False
    pod.dns_config = PodDNSConfigArgs(
        options=[
            PodDNSConfigOptionArgs(name=name, value=value)
            for name, value in {"timeout": "1", "attempts": "3"}.items()
        ]
    )
    return pod


def _plain(containers: object) -> Sequence[ContainerArgs]:
    return cast("Sequence[ContainerArgs] | None", containers) or ()


def requirements(resources: Resources) -> ResourceRequirementsArgs:
    """Requests and limits as Kubernetes' type."""
    return ResourceRequirementsArgs(
        requests=resources.requests.model_dump(), limits=resources.limits.model_dump()
    )


def secret_volume(name: str, secret: pulumi.Input[str], *files: str) -> VolumeArgs:
    """A Secret as a directory, or only its `files`; changes arrive without a restart."""
    items = [KeyToPathArgs(key=file, path=file) for file in files]
    return VolumeArgs(
        name=name,
        secret=SecretVolumeSourceArgs(
            secret_name=secret, default_mode=_SECRET_MODE, items=items or None
        ),
    )


def scratch_volume(name: str, size: str, *, memory: bool) -> VolumeArgs:
    """A volume for files that need not outlive the pod."""
    source = EmptyDirVolumeSourceArgs(size_limit=size, medium="Memory" if memory else None)
    return VolumeArgs(name=name, empty_dir=source)


def env(
    values: Mapping[str, pulumi.Input[str]], *, pod_name_as: str | None = None
) -> list[EnvVarArgs]:
    """Environment variables; the variable `pod_name_as` holds the pod's own name."""
    given = [EnvVarArgs(name=name, value=value) for name, value in values.items()]
    if pod_name_as is None:
        return given
    source = EnvVarSourceArgs(field_ref=ObjectFieldSelectorArgs(field_path="metadata.name"))
    return [EnvVarArgs(name=pod_name_as, value_from=source), *given]


def http_probe(
    path: str,
    port: str,
    *,
    period_s: int,
    failures: int,
    scheme: str | None = None,
    timeout_s: int = 2,
) -> ProbeArgs:
    """A probe that asks a container port, by its name; plain HTTP when no scheme is given."""
    return ProbeArgs(
        http_get=HTTPGetActionArgs(path=path, port=port, scheme=scheme),
        period_seconds=period_s,
        timeout_seconds=timeout_s,
        failure_threshold=failures,
    )


def tcp_probe(port: str, *, period_s: int, failures: int) -> ProbeArgs:
    """A probe that connects to a container port, by its name."""
    return ProbeArgs(
        tcp_socket=TCPSocketActionArgs(port=port),
        period_seconds=period_s,
        timeout_seconds=2,
        failure_threshold=failures,
    )


def exec_probe(
    command: Sequence[str], *, period_s: int, timeout_s: int, failures: int
) -> ProbeArgs:
    """A probe that runs a command in the container."""
    return ProbeArgs(
        exec_=ExecActionArgs(command=list(command)),
        period_seconds=period_s,
        timeout_seconds=timeout_s,
        failure_threshold=failures,
    )
