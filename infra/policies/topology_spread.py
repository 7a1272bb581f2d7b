"""Rules that the loss of one host or one zone does not take all pods of a workload."""

from collections.abc import Iterator, Sequence
from functools import partial

from infra.policies.availability import replicas_of
from infra.policies.inputs import at, sequence, text
from infra.policies.pods import Pod, is_kubernetes, pod_of, selects
from infra.policies.rule import Rule, StackRule
from infra.resources import Resource

__all__ = ["RULES"]

_HOST = "kubernetes.io/hostname"
_ZONE = "topology.kubernetes.io/zone"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def spread_over(topology: str, resource: Resource, stack: Sequence[Resource]) -> Iterator[str]:
    """Pods are spread over the places of `topology`.

    A StatefulSet must be spread, because a majority in one place is lost with it. A Deployment may
    only prefer it, because the replacements of its lost pods need a place in what is left.
    """
    if not is_kubernetes(resource, "Deployment", "StatefulSet"):
        return
    pod = pod_of(resource)
    if pod is None or replicas_of(resource, stack).most < 2:  # noqa: PLR2004 - more than one
        return
    if _must(pod, topology):
        return
    if resource.kind == "StatefulSet":
        yield (
            f"its pods may share one {topology}; add a required podAntiAffinity, or a"
            " topologySpreadConstraint with DoNotSchedule, that selects them"
        )
    elif not _prefers(pod, topology):
        yield f"its pods are not spread over {topology}; add a topologySpreadConstraint"


def _must(pod: Pod, topology: str) -> bool:
    apart = at(pod.spec, "affinity", "podAntiAffinity")
    terms = sequence(apart, _REQUIRED)
    return any(_separates(term, pod, topology) for term in terms) or any(
        _separates(constraint, pod, topology)
        # Kubernetes' default is DoNotSchedule.
        and text(constraint, "whenUnsatisfiable") != "ScheduleAnyway"
        for constraint in sequence(pod.spec, "topologySpreadConstraints")
    )


def _prefers(pod: Pod, topology: str) -> bool:
    weighted = sequence(pod.spec, "affinity", "podAntiAffinity", _PREFERRED)
    terms = [at(term, "podAffinityTerm") for term in weighted]
    terms += sequence(pod.spec, "topologySpreadConstraints")
    return any(_separates(term, pod, topology) for term in terms)


def _separates(term: object, pod: Pod, topology: str) -> bool:
    selector = at(term, "labelSelector")
    # A term without a selector matches no pod.
    return (
        text(term, "topologyKey") == topology
        and selector is not None
        and selects(selector, pod.labels)
    )


RULES: tuple[Rule, ...] = (
    StackRule(
        "pods-are-spread-over-hosts",
        "No host holds all pods of a workload that has several.",
        partial(spread_over, _HOST),
        wanted=lambda policies: policies.spread == "hosts",
    ),
    StackRule(
        "pods-are-spread-over-zones",
        "No zone holds all pods of a workload that has several.",
        partial(spread_over, _ZONE),
        wanted=lambda policies: policies.spread == "zones",
    ),
)
