"""Rules that keep a workload serving while nodes are drained."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.policies.inputs import at, number, text
from infra.policies.pods import is_kubernetes, namespace_of, pod_of, selects
from infra.policies.rule import Rule, StackRule
from infra.resources import Resource

__all__ = ["RULES", "Replicas", "replicas_of"]

_WORKLOADS = ("Deployment", "StatefulSet")


@dataclass(frozen=True, slots=True)
class Replicas:
    """The range of the number of pods that a workload may have."""

    least: int
    most: int


def replicas_of(workload: Resource, stack: Sequence[Resource]) -> Replicas:
    """The range of its autoscaler if it has one; Kubernetes' default is one pod."""
    for item in stack:
        if is_kubernetes(item, "HorizontalPodAutoscaler") and _scales(item, workload):
            least = number(item.inputs, "spec", "minReplicas")
            most = number(item.inputs, "spec", "maxReplicas")
            return Replicas(1 if least is None else int(least), 1 if most is None else int(most))
    fixed = number(workload.inputs, "spec", "replicas")
    count = 1 if fixed is None else int(fixed)
    return Replicas(count, count)


def replicated_workloads_have_a_disruption_budget(
    resource: Resource, stack: Sequence[Resource]
) -> Iterator[str]:
    """A node drain may evict a few of the pods, never all at once."""
    if not is_kubernetes(resource, *_WORKLOADS) or replicas_of(resource, stack).most < 2:  # noqa: PLR2004 - more than one
        return
    budgets = [item for item in stack if is_kubernetes(item, "PodDisruptionBudget")]
    if not any(_covers(budget, resource) for budget in budgets):
        yield "no PodDisruptionBudget selects its pods; add one with maxUnavailable: 1"


def disruption_budgets_leave_room_for_a_drain(
    resource: Resource, stack: Sequence[Resource]
) -> Iterator[str]:
    """A budget that allows no eviction makes node maintenance impossible."""
    if not is_kubernetes(resource, "PodDisruptionBudget"):
        return
    unavailable = at(resource.inputs, "spec", "maxUnavailable")
    if unavailable is not None and _pods(unavailable, 100) == 0:
        yield f"maxUnavailable {_shown(unavailable)} allows no eviction; use 1"
    available = at(resource.inputs, "spec", "minAvailable")
    if available is None:
        return
    for workload in stack:
        if is_kubernetes(workload, *_WORKLOADS) and _covers(resource, workload):
            least = replicas_of(workload, stack).least
            if _pods(available, least) >= least:
                yield (
                    f"minAvailable {_shown(available)} allows no eviction of the {least} pods of"
                    f" {workload.title}; use maxUnavailable: 1"
                )


def _scales(autoscaler: Resource, workload: Resource) -> bool:
    target = at(autoscaler.inputs, "spec", "scaleTargetRef")
    return (
        text(target, "kind") == workload.kind
        and text(target, "name") == text(workload.inputs, "metadata", "name")
        and namespace_of(autoscaler) == namespace_of(workload)
    )


def _covers(budget: Resource, workload: Resource) -> bool:
    pod = pod_of(workload)
    if pod is None or namespace_of(budget) != namespace_of(workload):
        return False
    selector = at(budget.inputs, "spec", "selector")
    return selector is not None and selects(selector, pod.labels)


def _shown(amount: object) -> str:
    """The amount as text. Pulumi's numbers are floats, so 0.0 becomes 0."""
    return f"{amount:g}" if isinstance(amount, int | float) else str(amount)


def _pods(amount: object, of: int) -> int:
    """A number of pods, or a percentage of them rounded up, as Kubernetes does."""
    if isinstance(amount, str) and amount.endswith("%"):
        return math.ceil(float(amount.removesuffix("%")) * of / 100)
    return int(amount) if isinstance(amount, int | float | str) else 0


RULES: tuple[Rule, ...] = (
    StackRule(
        "replicated-workloads-have-a-disruption-budget",
        "Every workload with more than one pod has a PodDisruptionBudget.",
        replicated_workloads_have_a_disruption_budget,
        wanted=lambda policies: policies.disruption_budgets,
    ),
    StackRule(
        "disruption-budgets-leave-room-for-a-drain",
        "A PodDisruptionBudget always allows the eviction of at least one pod.",
        disruption_budgets_leave_room_for_a_drain,
    ),
)
