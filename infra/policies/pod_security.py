"""Rules for the restricted Pod Security standard, and for a read-only root file system.

The standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

import re
from collections.abc import Iterator

from infra.policies.inputs import at, mapping, number, sequence, text
from infra.policies.pods import Container, Pod, is_kubernetes, labels_of, pod_of
from infra.policies.rule import ResourceRule, Rule
from infra.resources import Resource

__all__ = ["RULES"]

_ENFORCE = "pod-security.kubernetes.io/enforce"
_PINNED = re.compile(r"^v1\.[0-9]+$")
_SECCOMP = ("RuntimeDefault", "Localhost")
_ADDABLE = ("NET_BIND_SERVICE",)
_SELINUX_TYPES = (
    *("", "container_t", "container_init_t"),
    *("container_kvm_t", "container_engine_t"),
)
_SYSCTLS = (
    *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range"),
    *("net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start"),
    *("net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl"),
    *("net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_syncookies"),
)
"""The sysctls that affect only the pod itself."""
_VOLUMES = (
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
    *("persistentVolumeClaim", "projected", "secret"),
)


def pods_are_restricted(resource: Resource) -> Iterator[str]:
    """No root user, no new privileges, no capabilities, and the default seccomp filter."""
    pod = pod_of(resource)
    if pod is None:
        return
    of_pod = mapping(pod.spec, "securityContext")
    for complaint in _confinement(of_pod):
        yield f"pod: {complaint}"
    for sysctl in sequence(of_pod, "sysctls"):
        if text(sysctl, "name") not in _SYSCTLS:
            yield f"pod: sysctl {text(sysctl, 'name')!r} reaches beyond the pod; remove it"
    for container in pod.containers:
        for found in (
            _privileges(container),
            _confinement(mapping(container.values, "securityContext")),
            _identity(of_pod, container),
        ):
            for complaint in found:
                yield f"container {container.name}: {complaint}"


def pods_stay_off_the_host(resource: Resource) -> Iterator[str]:
    """The pod uses no namespace, path or port of the node."""
    pod = pod_of(resource)
    if pod is None:
        return
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if at(pod.spec, key):
            yield f"{key} is true; leave it out"
    yield from _volumes(pod)
    for container in pod.containers:
        for port in sequence(container.values, "ports"):
            host_port = number(port, "hostPort")
            if host_port:
                yield f"container {container.name}: hostPort {host_port:g}; use a Service"


def namespaces_enforce_restricted_pods(resource: Resource) -> Iterator[str]:
    """Admission refuses pods that these rules did not see."""
    if not is_kubernetes(resource, "Namespace"):
        return
    labels = labels_of(resource)
    level, version = text(labels, _ENFORCE), text(labels, f"{_ENFORCE}-version")
    if level != "restricted":
        yield f"label {_ENFORCE} is {level!r}; set it to 'restricted'"
    if not _PINNED.match(version):
        yield f"label {_ENFORCE}-version is {version!r}; pin it to a version such as v1.35"


def _privileges(container: Container) -> Iterator[str]:
    context = mapping(container.values, "securityContext")
    if at(context, "privileged"):
        yield "privileged is true; leave it out"
    if (text(context, "procMount") or "Default") != "Default":
        yield f"procMount is {text(context, 'procMount')!r}; leave it out"
    if at(context, "allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false; set it"
    if at(context, "readOnlyRootFilesystem") is not True:
        yield "readOnlyRootFilesystem is not true; set it and mount an emptyDir to write to"
    if "ALL" not in sequence(context, "capabilities", "drop"):
        yield "capabilities.drop lacks ALL; add it"
    for added in sequence(context, "capabilities", "add"):
        if added not in _ADDABLE:
            yield f"capabilities.add has {added!r}; remove it"


def _confinement(context: object) -> Iterator[str]:
    """Settings of the kernel's isolation that a pod and a container have in common."""
    options = mapping(context, "seLinuxOptions")
    if text(options, "type") not in _SELINUX_TYPES:
        yield f"seLinuxOptions.type is {text(options, 'type')!r}; use container_t"
    for key in ("user", "role"):
        if at(options, key):
            yield f"seLinuxOptions.{key} is {at(options, key)!r}; leave it out"
    if text(context, "appArmorProfile", "type") == "Unconfined":
        yield "appArmorProfile.type is 'Unconfined'; use RuntimeDefault"
    if at(context, "windowsOptions", "hostProcess"):
        yield "windowsOptions.hostProcess is true; leave it out"


def _identity(of_pod: object, container: Container) -> Iterator[str]:
    own = mapping(container.values, "securityContext")

    def effective(key: str) -> object:
        value = at(own, key)
        return at(of_pod, key) if value is None else value

    if effective("runAsNonRoot") is not True:
        yield "runAsNonRoot is not true; set it on the pod or the container"
    if number(effective("runAsUser")) == 0:
        yield "runAsUser is 0, which is root; use another user"
    seccomp = text(effective("seccompProfile"), "type")
    if seccomp not in _SECCOMP:
        yield f"seccompProfile.type is {seccomp!r}; use RuntimeDefault"


def _volumes(pod: Pod) -> Iterator[str]:
    for volume in sequence(pod.spec, "volumes"):
        name = text(volume, "name")
        for source in mapping(volume):
            if source == "name" or source in _VOLUMES:
                continue
            yield f"volume {name}: {source} is not allowed; use a claim, a file or an emptyDir"


RULES: tuple[Rule, ...] = (
    ResourceRule(
        "pods-are-restricted",
        "Containers run as a user with no privileges on a read-only root file system.",
        pods_are_restricted,
    ),
    ResourceRule(
        "pods-stay-off-the-host",
        "Pods use no namespace, path or port of their node.",
        pods_stay_off_the_host,
    ),
    ResourceRule(
        "namespaces-enforce-restricted-pods",
        "Namespaces enforce the restricted Pod Security standard of a pinned version.",
        namespaces_enforce_restricted_pods,
    ),
)
