"""Rules about the resources and probes of every container, and about the pod's token."""

from collections.abc import Iterator, Mapping, Sequence

from infra.policies.inputs import at, mapping, sequence, text
from infra.policies.pods import Container, is_kubernetes, namespace_of, pod_of
from infra.policies.rule import ResourceRule, Rule, StackRule
from infra.resources import Resource

__all__ = ["RULES"]


def containers_have_requests_and_limits(resource: Resource) -> Iterator[str]:
    """CPU and memory have requests and limits, so that one pod cannot starve its neighbours."""
    pod = pod_of(resource)
    for container in pod.containers if pod else ():
        if container.ephemeral:
            continue
        for what in ("requests", "limits"):
            given = mapping(container.values, "resources", what)
            for name in ("cpu", "memory"):
                if not given.get(name):
                    yield f"container {container.name}: resources.{what}.{name} is missing; set it"


def containers_have_probes(resource: Resource) -> Iterator[str]:
    """Readiness and liveness probes; also a startup probe for a container with data on a volume."""
    pod = pod_of(resource)
    if pod is None:
        return
    claims = _claims(resource, pod.spec)
    for container in pod.containers:
        if not container.lasting:
            continue
        wanted = ["readinessProbe", "livenessProbe"]
        if claims & _mounts(container):
            # Loading takes longer with more data, and must not fail the liveness probe.
            wanted.append("startupProbe")
        for probe in wanted:
            if not mapping(container.values, probe):
                yield f"container {container.name}: {probe} is missing; add it"


def tokens_only_where_needed(resource: Resource, stack: Sequence[Resource]) -> Iterator[str]:
    """A token for the API server is mounted only if its account has rights there."""
    pod = pod_of(resource)
    if pod is None or at(pod.spec, "automountServiceAccountToken") is False:
        return
    account = text(pod.spec, "serviceAccountName") or "default"
    if not any(_binds(item, account, namespace_of(resource)) for item in stack):
        yield (
            f"service account {account} has no role in this stack, but its token is mounted;"
            " set automountServiceAccountToken: false, or bind a role to the account"
        )


def _claims(resource: Resource, spec: Mapping[str, object]) -> set[str]:
    """The names of the pod's volumes that outlive the pod."""
    templates = sequence(resource.inputs, "spec", "volumeClaimTemplates")
    volumes = sequence(spec, "volumes")
    return {text(template, "metadata", "name") for template in templates} | {
        text(volume, "name") for volume in volumes if at(volume, "persistentVolumeClaim")
    }


def _mounts(container: Container) -> set[str]:
    return {text(mount, "name") for mount in sequence(container.values, "volumeMounts")}


def _binds(binding: Resource, account: str, namespace: str) -> bool:
    if not is_kubernetes(binding, "RoleBinding", "ClusterRoleBinding"):
        return False
    return any(
        text(subject, "kind") == "ServiceAccount"
        and text(subject, "name") == account
        and (text(subject, "namespace") or namespace_of(binding)) == namespace
        for subject in sequence(binding.inputs, "subjects")
    )


RULES: tuple[Rule, ...] = (
    ResourceRule(
        "containers-have-requests-and-limits",
        "Every container, init containers too, has requests and limits for CPU and memory.",
        containers_have_requests_and_limits,
    ),
    ResourceRule(
        "containers-have-probes",
        "Long-running containers have readiness and liveness probes, and with data startup probes.",
        containers_have_probes,
    ),
    StackRule(
        "tokens-only-where-needed",
        "Pods mount a service account token only when the account has a role.",
        tokens_only_where_needed,
    ),
)
