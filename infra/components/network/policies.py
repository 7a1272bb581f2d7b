"""Network policies: all traffic is denied both ways, except for the connections of workloads.

Probes need no rule: under every common network plugin the kubelet reaches the pods of its own node.
The rules are for IPv4; under IPv6 only connections between pods are allowed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs
from pulumi_kubernetes.networking.v1 import (
    NetworkPolicy,
    NetworkPolicyEgressRuleArgs,
    NetworkPolicyIngressRuleArgs,
    NetworkPolicySpecArgs,
)

from infra.components.network.rules import dns, egress, ingress
from infra.config import Environment, Ingress
from infra.labels import IN_THE_KIT, identity_of, labels_of
from infra.workloads.connections import connections
from infra.workloads.edge import reverse_proxies
from infra.workloads.peers import Opening
from infra.workloads.workload import Workload

__all__ = ["NetworkPolicies", "NetworkPoliciesArgs"]

_SOLVER = {"acme.cert-manager.io/http01-solver": "true"}
"""https://cert-manager.io/docs/configuration/acme/http01/"""
_SOLVER_PORT = 8089


@dataclass(frozen=True, slots=True)
class NetworkPoliciesArgs:
    """What NetworkPolicies needs."""

    namespace: pulumi.Input[str]
    environment: Environment
    workloads: Mapping[str, Workload]
    """All workloads of the environment, by name."""


class NetworkPolicies(pulumi.ComponentResource):
    """The NetworkPolicies of the namespace. A cluster's network plugin must enforce them."""

    def __init__(
        self, name: str, args: NetworkPoliciesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:network:NetworkPolicies", name, None, opts)
        self._namespace = args.namespace
        environment = args.environment
        self._policy("default-deny", {}, ingress=[], egress=[])
        self._policy("dns", IN_THE_KIT, egress=[dns(environment.network)])
        for workload, ends in connections(environment, args.workloads).items():
            self._policy(
                workload,
                identity_of(workload),
                ingress=[ingress(opening) for opening in ends.incoming],
                egress=[egress(opening) for opening in ends.outgoing],
            )
        edge = environment.edge
        if isinstance(edge, Ingress) and edge.tls and edge.tls.issuer:
            # When the issuer verifies names by HTTP, cert-manager creates a pod in the namespace.
            solved = Opening((reverse_proxies(edge.proxies),), (_SOLVER_PORT,))
            self._policy("acme-solver", _SOLVER, ingress=[ingress(solved)], egress=[])
        self.register_outputs({})

    def _policy(
        self,
        name: str,
        selected: dict[str, str],
        *,
        ingress: Sequence[NetworkPolicyIngressRuleArgs] | None = None,
        egress: Sequence[NetworkPolicyEgressRuleArgs] | None = None,
    ) -> None:
        """One policy; a direction that is None is left to the other policies."""
        directions = {"Ingress": ingress, "Egress": egress}
        NetworkPolicy(
            name,
            metadata=ObjectMetaArgs(
                name=name, namespace=self._namespace, labels=labels_of("network")
            ),
            spec=NetworkPolicySpecArgs(
                pod_selector=LabelSelectorArgs(match_labels=selected or None),
                policy_types=[name for name, rules in directions.items() if rules is not None],
                ingress=list(ingress) if ingress else None,
                egress=list(egress) if egress else None,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
