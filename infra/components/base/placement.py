"""Where pods run, and how many of them a node drain may evict."""

import pulumi
from pulumi_kubernetes.core.v1 import (
    PodAffinityTermArgs,
    PodAntiAffinityArgs,
    TolerationArgs,
    TopologySpreadConstraintArgs,
    WeightedPodAffinityTermArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget, PodDisruptionBudgetSpecArgs

from infra.config import Apart, Disruption
from infra.labels import selector_of

__all__ = [
    "HOSTS",
    "ZONES",
    "apart_on_hosts",
    "disruption_budget",
    "spread_over",
    "tolerations_of_lost_nodes",
]

HOSTS = "kubernetes.io/hostname"
ZONES = "topology.kubernetes.io/zone"


def spread_over(topology: str, apart: Apart, component: str) -> list[TopologySpreadConstraintArgs]:
    """The constraint that spreads pods evenly over the places of one topology, if configured."""
    if apart == "off":
        return []
    constraint = TopologySpreadConstraintArgs(
        label_selector=LabelSelectorArgs(match_labels=selector_of(component)),
        # Only among pods of one release: else pods that are about to leave affect the placement.
        # (The pods of a StatefulSet, which are replaced in place, have no such label.)
        match_label_keys=["pod-template-hash"],
        max_skew=1,
        # A node that is being drained does not count: else "required" could schedule nothing.
        node_taints_policy="Honor",
        topology_key=topology,
        when_unsatisfiable="DoNotSchedule" if apart == "required" else "ScheduleAnyway",
    )
    return [constraint]


def tolerations_of_lost_nodes(seconds: int) -> list[TolerationArgs]:
    """Seconds to stay on a node that is unreachable or not ready; Kubernetes' default is 300 s."""
    return [
        TolerationArgs(
            effect="NoExecute",
            key=f"node.kubernetes.io/{state}",
            operator="Exists",
            toleration_seconds=seconds,
        )
        for state in ("not-ready", "unreachable")
    ]


def apart_on_hosts(apart: Apart, component: str) -> PodAntiAffinityArgs | None:
    """At most one pod of the component on a host, if configured; it is stricter than a spread."""
    term = PodAffinityTermArgs(
        label_selector=LabelSelectorArgs(match_labels=selector_of(component)),
        topology_key=HOSTS,
    )
    if apart == "off":
        return None
    if apart == "required":
        return PodAntiAffinityArgs(required_during_scheduling_ignored_during_execution=[term])
    weighted = WeightedPodAffinityTermArgs(weight=100, pod_affinity_term=term)
    return PodAntiAffinityArgs(preferred_during_scheduling_ignored_during_execution=[weighted])


def disruption_budget(
    name: str,
    metadata: ObjectMetaArgs,
    disruption: Disruption,
    component: str,
    opts: pulumi.ResourceOptions,
) -> None:
    """The disruption budget of the component's pods."""
    PodDisruptionBudget(
        name,
        metadata=metadata,
        spec=PodDisruptionBudgetSpecArgs(
            max_unavailable=disruption.max_unavailable,
            min_available=disruption.min_available,
            selector=LabelSelectorArgs(match_labels=selector_of(component)),
        ),
        opts=opts,
    )
