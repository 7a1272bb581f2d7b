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
    IPBlockArgs,
    NetworkPolicy,
    NetworkPolicyEgressRuleArgs,
    NetworkPolicyIngressRuleArgs,
    NetworkPolicyPeerArgs,
    NetworkPolicyPortArgs,
    NetworkPolicySpecArgs,
)

from contract import ports
from infra.components.labels import IN_THE_KIT, identity_of, labels_of
from infra.settings import Backup, Network

__all__ = ["NetworkPolicies", "NetworkPoliciesArgs"]

_DNS = 53
_HTTP = 80
_HTTPS = 443
_METADATA = "169.254.169.254/32"
"""Where clouds hand out a node's credentials."""


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


class NetworkPolicies(pulumi.ComponentResource):
    """The NetworkPolicies of the namespace. A cluster's network plugin must enforce them."""

    def __init__(
        self, name: str, args: NetworkPoliciesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:network:NetworkPolicies", name, None, opts)
        self._args = args
        self._policy("default-deny", {}, ingress=[], egress=[])
        self._policy("dns", IN_THE_KIT, egress=[_dns(args.settings)])
        self._policy(
            "gateway",
            identity_of("gateway"),
            ingress=_to_gateway(args.settings),
            egress=_from_gateway(args),
        )
        redis = [_pods("redis")]
        clients = [_pods("gateway"), *([_pods("backup")] if args.backup else [])]
        self._policy(
            "redis",
            identity_of("redis"),
            ingress=[_ingress([*clients, *redis], ports.REDIS, ports.SENTINEL)],
            egress=[_egress(redis, ports.REDIS, ports.SENTINEL)],
        )
        if args.backup:
            self._policy(
                "backup",
                identity_of("backup"),
                egress=[
                    _egress(redis, ports.REDIS, ports.SENTINEL),
                    _to_storage(args.settings, args.backup),
                ],
            )
        for simulator in args.simulators:
            self._policy(
                simulator,
                identity_of(simulator),
                ingress=[
                    _ingress([_pods("gateway")], ports.SIMULATOR_HTTP),
                    # Whoever may ask the gateway may make its simulated provider fail.
                    _ingress(_clients(args.settings), ports.SIMULATOR_ADMIN),
                ],
            )
        self.register_outputs({})

    def _policy(
        self,
        name: str,
        pods: dict[str, str],
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
                pod_selector=LabelSelectorArgs(match_labels=pods or None),
                policy_types=[name for name, rules in directions.items() if rules is not None],
                ingress=list(ingress) if ingress else None,
                egress=list(egress) if egress else None,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _to_gateway(settings: Network) -> list[NetworkPolicyIngressRuleArgs]:
    rules = [_ingress(_clients(settings), ports.GATEWAY_HTTP)]
    if settings.monitoring:
        rules.append(_ingress([_namespace(settings.monitoring)], ports.GATEWAY_HEALTH))
    return rules


def _from_gateway(args: NetworkPoliciesArgs) -> list[NetworkPolicyEgressRuleArgs]:
    rules = [_egress([_pods("redis")], ports.REDIS, ports.SENTINEL)]
    if args.simulators:
        simulators = [_pods(simulator) for simulator in args.simulators]
        rules.append(_egress(simulators, ports.SIMULATOR_HTTP))
    if args.real_providers:
        rules.append(_to_providers(args.settings))
    return rules


def _to_providers(settings: Network) -> NetworkPolicyEgressRuleArgs:
    return _to_outside(settings, _HTTPS)


def _to_storage(settings: Network, backup: Backup) -> NetworkPolicyEgressRuleArgs:
    url = urlsplit(backup.endpoint or "https:")
    port = url.port or (_HTTPS if url.scheme == "https" else _HTTP)
    if backup.block:
        return _egress([_block(backup.block)], port)
    return _to_outside(settings, port)


def _to_outside(settings: Network, port: int) -> NetworkPolicyEgressRuleArgs:
    proxy = settings.egress_proxy
    if proxy:
        return _egress([_block(proxy.block)], proxy.port)
    never = sorted({*settings.never, _METADATA})
    return _egress([_block("0.0.0.0/0", never)], port)


def _dns(settings: Network) -> NetworkPolicyEgressRuleArgs:
    peers = [_namespace(settings.dns.namespace)]
    if settings.dns.node_local:
        peers.append(_block(settings.dns.node_local))
    both = [NetworkPolicyPortArgs(port=_DNS, protocol=protocol) for protocol in ("UDP", "TCP")]
    return NetworkPolicyEgressRuleArgs(to=peers, ports=both)


def _clients(settings: Network) -> list[NetworkPolicyPeerArgs]:
    """Nobody in the list means everybody, as in NetworkPolicy itself."""
    return [_namespace(labels) for labels in settings.clients.namespaces]


def _pods(component: str) -> NetworkPolicyPeerArgs:
    """The pods of a component, in the namespace itself."""
    return NetworkPolicyPeerArgs(
        pod_selector=LabelSelectorArgs(match_labels=identity_of(component))
    )


def _namespace(labels: dict[str, str]) -> NetworkPolicyPeerArgs:
    return NetworkPolicyPeerArgs(namespace_selector=LabelSelectorArgs(match_labels=labels))


def _block(cidr: str, never: Sequence[str] = ()) -> NetworkPolicyPeerArgs:
    return NetworkPolicyPeerArgs(ip_block=IPBlockArgs(cidr=cidr, except_=list(never) or None))


def _ingress(peers: list[NetworkPolicyPeerArgs], *numbers: int) -> NetworkPolicyIngressRuleArgs:
    return NetworkPolicyIngressRuleArgs(from_=peers or None, ports=_tcp(numbers))


def _egress(peers: list[NetworkPolicyPeerArgs], *numbers: int) -> NetworkPolicyEgressRuleArgs:
    return NetworkPolicyEgressRuleArgs(to=peers, ports=_tcp(numbers))


def _tcp(numbers: Sequence[int]) -> list[NetworkPolicyPortArgs]:
    return [NetworkPolicyPortArgs(port=number, protocol="TCP") for number in numbers]
