"""Who may reach whom: everything is denied both ways, and the edges that are needed are allowed.

Probes need no rule: the kubelet reaches the pods of its own node under every common network
plugin, so the health port is open to nobody but the monitoring. The rules are for IPv4; under
IPv6 only the edges between pods are open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs
from pulumi_kubernetes.networking.v1 import (
    NetworkPolicy,
    NetworkPolicyEgressRuleArgs,
    NetworkPolicyIngressRuleArgs,
    NetworkPolicySpecArgs,
)

from contract import ports
from infra.components.labels import IN_THE_KIT, identity_of, labels_of
from infra.components.network_edges import (
    block,
    clients,
    dns,
    egress,
    from_api_server,
    ingress,
    namespace,
    outside,
    pods,
    to_api_server,
)
from infra.settings import Backup, MetricsAdapter, Network

__all__ = ["NetworkPolicies", "NetworkPoliciesArgs"]

_HTTP = 80
_HTTPS = 443


@dataclass(frozen=True, slots=True)
class NetworkPoliciesArgs:
    """What NetworkPolicies needs."""

    namespace: pulumi.Input[str]
    settings: Network
    simulators: Sequence[str]
    """The component names of the provider simulators."""
    real_providers: bool
    """Whether the gateway asks anybody else."""
    backup: Backup | None = None
    """Where the backup job brings its copies; there is none when not given."""
    prometheus: bool = False
    """Whether there is a Prometheus of the kit's own."""
    adapter: MetricsAdapter | None = None
    """What the metrics adapter asks; there is none when not given."""


class NetworkPolicies(pulumi.ComponentResource):
    """The NetworkPolicies of the namespace. A cluster's network plugin must enforce them."""

    def __init__(
        self, name: str, args: NetworkPoliciesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:network:NetworkPolicies", name, None, opts)
        self._args = args
        self._policy("default-deny", {}, ingress=[], egress=[])
        self._policy("dns", IN_THE_KIT, egress=[dns(args.settings)])
        self._policy(
            "gateway",
            identity_of("gateway"),
            ingress=_to_gateway(args),
            egress=_from_gateway(args),
        )
        redis = [pods("redis")]
        asking = [pods("gateway"), *([pods("backup")] if args.backup else [])]
        self._policy(
            "redis",
            identity_of("redis"),
            ingress=[ingress([*asking, *redis], ports.REDIS, ports.SENTINEL)],
            egress=[egress(redis, ports.REDIS, ports.SENTINEL)],
        )
        if args.backup:
            self._policy(
                "backup",
                identity_of("backup"),
                egress=[
                    egress(redis, ports.REDIS, ports.SENTINEL),
                    _to_storage(args.settings, args.backup),
                ],
            )
        self._watching()
        for simulator in args.simulators:
            self._policy(
                simulator,
                identity_of(simulator),
                ingress=[
                    ingress([pods("gateway")], ports.SIMULATOR_HTTP),
                    # Whoever may ask the gateway may make its simulated provider fail.
                    ingress(clients(args.settings), ports.SIMULATOR_ADMIN),
                ],
            )
        self.register_outputs({})

    def _watching(self) -> None:
        args = self._args
        if args.prometheus:
            asking = [pods("metrics-adapter")] if args.adapter else []
            if args.settings.monitoring:
                asking.append(namespace(args.settings.monitoring))
            self._policy(
                "prometheus",
                identity_of("prometheus"),
                ingress=[ingress(asking, ports.PROMETHEUS)] if asking else [],
                egress=[
                    egress([pods("gateway")], ports.GATEWAY_HEALTH),
                    # It asks there which pods there are.
                    to_api_server(args.settings),
                ],
            )
        if args.adapter:
            self._policy(
                "metrics-adapter",
                identity_of("metrics-adapter"),
                ingress=[from_api_server(args.settings, ports.METRICS_ADAPTER)],
                egress=[
                    _to_prometheus(args.adapter),
                    to_api_server(args.settings),
                ],
            )

    def _policy(
        self,
        name: str,
        selected: dict[str, str],
        *,
        ingress: Sequence[NetworkPolicyIngressRuleArgs] | None = None,
        egress: Sequence[NetworkPolicyEgressRuleArgs] | None = None,
    ) -> None:
        """One policy; a direction that is None is left to the others."""
        directions = {"Ingress": ingress, "Egress": egress}
        NetworkPolicy(
            name,
            metadata=ObjectMetaArgs(
                name=name, namespace=self._args.namespace, labels=labels_of("network")
            ),
            spec=NetworkPolicySpecArgs(
                pod_selector=LabelSelectorArgs(match_labels=selected or None),
                policy_types=[name for name, rules in directions.items() if rules is not None],
                ingress=list(ingress) if ingress else None,
                egress=list(egress) if egress else None,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _to_gateway(args: NetworkPoliciesArgs) -> list[NetworkPolicyIngressRuleArgs]:
    rules = [ingress(clients(args.settings), ports.GATEWAY_HTTP)]
    watching = [pods("prometheus")] if args.prometheus else []
    if args.settings.monitoring:
        watching.append(namespace(args.settings.monitoring))
    if watching:
        rules.append(ingress(watching, ports.GATEWAY_HEALTH))
    return rules


def _from_gateway(args: NetworkPoliciesArgs) -> list[NetworkPolicyEgressRuleArgs]:
    rules = [egress([pods("redis")], ports.REDIS, ports.SENTINEL)]
    if args.simulators:
        rules.append(egress([pods(name) for name in args.simulators], ports.SIMULATOR_HTTP))
    if args.real_providers:
        rules.append(outside(args.settings, _HTTPS))
    return rules


def _to_storage(settings: Network, backup: Backup) -> NetworkPolicyEgressRuleArgs:
    port = _port_of(backup.endpoint or "https:")
    if backup.block:
        return egress([block(backup.block)], port)
    return outside(settings, port)


def _to_prometheus(adapter: MetricsAdapter) -> NetworkPolicyEgressRuleArgs:
    there = adapter.prometheus
    if there is None:
        return egress([pods("prometheus")], ports.PROMETHEUS)
    peer = namespace(there.namespace) if there.namespace else block(str(there.block))
    return egress([peer], there.port)


def _port_of(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (_HTTPS if parts.scheme == "https" else _HTTP)
