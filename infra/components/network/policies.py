"""Network policies: all traffic is denied both ways, except for the necessary connections.

Probes need no rule: under every common network plugin the kubelet reaches the pods of its own node.
So only the monitoring components may connect to the health port. The rules are for IPv4; under IPv6
only connections between pods are allowed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
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
from infra.components.base.labels import IN_THE_KIT, identity_of, labels_of
from infra.components.network.edge import from_entrance, to_entrance, to_gateway, to_solver
from infra.components.network.monitoring import watching_edges, who_scrapes
from infra.components.network.rules import (
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
from infra.config import (
    Backup,
    BundledEntrance,
    Entrance,
    Front,
    Ingress,
    MetricsAdapter,
    Monitoring,
    Network,
    NoEntrance,
    Tracing,
)

__all__ = ["NetworkPolicies", "NetworkPoliciesArgs"]

_HTTP = 80
_HTTPS = 443

_SOLVER = {"acme.cert-manager.io/http01-solver": "true"}
"""https://cert-manager.io/docs/configuration/acme/http01/"""


@dataclass(frozen=True, slots=True)
class NetworkPoliciesArgs:
    """What NetworkPolicies needs."""

    namespace: pulumi.Input[str]
    settings: Network
    simulators: Sequence[str]
    """The component names of the provider simulators."""
    real_providers: bool
    """Whether the gateway connects to providers that are not simulated."""
    front: Front
    """The target of the blackbox probe, where there is a probe."""
    tracing: Tracing | None = None
    """Where the gateway sends its traces; None when it sends none."""
    backup: Backup | None = None
    """Where the backup job uploads its copies; None without a backup job."""
    monitoring: Monitoring | None = None
    """The monitoring components; None without monitoring."""
    adapter: MetricsAdapter | None = None
    """The Prometheus that the metrics adapter queries; None without an adapter."""
    entrance: Entrance = field(default_factory=NoEntrance)
    """How clients outside the cluster reach the gateway."""


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
        if isinstance(args.entrance, BundledEntrance):
            self._policy(
                "entrance",
                identity_of("entrance"),
                ingress=[to_entrance(args.settings, args.entrance), *_from_probe(args, "entrance")],
                egress=[from_entrance()],
            )
        if isinstance(args.entrance, Ingress) and args.entrance.tls and args.entrance.tls.issuer:
            # When the issuer verifies names by HTTP, cert-manager creates a pod in the namespace.
            self._policy("acme-solver", _SOLVER, ingress=[to_solver(args.entrance)], egress=[])
        redis = [pods("redis")]
        asking = [pods("gateway"), *([pods("backup")] if args.backup else [])]
        if args.monitoring:
            asking.append(pods("redis-exporter"))
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
                    # Every client of the gateway may make its simulated provider fail.
                    ingress(clients(args.settings), ports.SIMULATOR_ADMIN),
                ],
            )
        self.register_outputs({})

    def _watching(self) -> None:
        args = self._args
        for policy in watching_edges(
            args.settings, args.monitoring, adapter=bool(args.adapter), front=args.front
        ):
            self._policy(
                policy.component,
                identity_of(policy.component),
                ingress=policy.ingress,
                egress=policy.egress,
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
        """One policy; a direction that is None is left to the other policies."""
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
    rules = [to_gateway(args.settings, args.entrance), *_from_probe(args, "gateway")]
    watching = who_scrapes(args.settings, args.monitoring)
    if watching:
        rules.append(ingress(watching, ports.GATEWAY_HEALTH))
    return rules


def _from_probe(args: NetworkPoliciesArgs, asked: str) -> list[NetworkPolicyIngressRuleArgs]:
    if args.front.component != asked or not args.monitoring or not args.monitoring.outside:
        return []
    return [ingress([pods("outside-probe")], args.front.port)]


def _from_gateway(args: NetworkPoliciesArgs) -> list[NetworkPolicyEgressRuleArgs]:
    rules = [egress([pods("redis")], ports.REDIS, ports.SENTINEL)]
    if args.simulators:
        rules.append(egress([pods(name) for name in args.simulators], ports.SIMULATOR_HTTP))
    if args.real_providers:
        rules.append(outside(args.settings, _HTTPS))
    if args.tracing:
        rules.append(_to_collector(args.settings, args.tracing))
    return rules


def _to_collector(settings: Network, tracing: Tracing) -> NetworkPolicyEgressRuleArgs:
    port = tracing.port or _port_of(tracing.endpoint)
    if tracing.namespace:
        return egress([namespace(tracing.namespace)], port)
    if tracing.block:
        return egress([block(tracing.block)], port)
    return outside(settings, port)


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
