"""Rules of NetworkPolicies: the pods or addresses at the other end, and the open ports."""

from collections.abc import Sequence

from pulumi_kubernetes.meta.v1 import LabelSelectorArgs
from pulumi_kubernetes.networking.v1 import (
    IPBlockArgs,
    NetworkPolicyEgressRuleArgs,
    NetworkPolicyIngressRuleArgs,
    NetworkPolicyPeerArgs,
    NetworkPolicyPortArgs,
)

from infra.components.base.labels import identity_of
from infra.config import Inside, Network

__all__ = [
    "block",
    "clients",
    "dns",
    "egress",
    "from_api_server",
    "ingress",
    "inside",
    "namespace",
    "outside",
    "pods",
    "to_api_server",
]

_DNS = 53
_HTTPS = 443
_EVERYWHERE = "0.0.0.0/0"
_METADATA = "169.254.169.254/32"
"""The address from which clouds serve a node's credentials."""


def ingress(peers: list[NetworkPolicyPeerArgs], *ports: int) -> NetworkPolicyIngressRuleArgs:
    """From `peers` to TCP ports; from everybody when there are no peers."""
    return NetworkPolicyIngressRuleArgs(from_=peers or None, ports=_tcp(ports))


def egress(peers: list[NetworkPolicyPeerArgs], *ports: int) -> NetworkPolicyEgressRuleArgs:
    """To TCP ports of `peers`."""
    return NetworkPolicyEgressRuleArgs(to=peers, ports=_tcp(ports))


def pods(component: str) -> NetworkPolicyPeerArgs:
    """The pods of a component in the same namespace."""
    return NetworkPolicyPeerArgs(
        pod_selector=LabelSelectorArgs(match_labels=identity_of(component))
    )


def namespace(labels: dict[str, str]) -> NetworkPolicyPeerArgs:
    """All pods of the namespaces with these labels."""
    return NetworkPolicyPeerArgs(namespace_selector=LabelSelectorArgs(match_labels=labels))


def block(cidr: str, never: Sequence[str] = ()) -> NetworkPolicyPeerArgs:
    """The addresses of a block, except those in the blocks `never`."""
    return NetworkPolicyPeerArgs(ip_block=IPBlockArgs(cidr=cidr, except_=list(never) or None))


def clients(settings: Network) -> list[NetworkPolicyPeerArgs]:
    """The configured clients. An empty list allows everybody, as in NetworkPolicy itself."""
    return [namespace(labels) for labels in settings.clients.namespaces]


def outside(settings: Network, port: int) -> NetworkPolicyEgressRuleArgs:
    """To the internet, or to the egress proxy if there is one."""
    proxy = settings.egress_proxy
    if proxy:
        return egress([block(proxy.block)], proxy.port)
    return egress([block(_EVERYWHERE, sorted({*settings.never, _METADATA}))], port)


def inside(place: Inside) -> NetworkPolicyEgressRuleArgs:
    """To a place in the cluster or in the private network."""
    peer = namespace(place.namespace) if place.namespace else block(str(place.block))
    return egress([peer], place.port)


def dns(settings: Network) -> NetworkPolicyEgressRuleArgs:
    """To the cluster's name servers, by UDP and TCP."""
    peers = [namespace(settings.dns.namespace)]
    if settings.dns.node_local:
        peers.append(block(settings.dns.node_local))
    both = [NetworkPolicyPortArgs(port=_DNS, protocol=protocol) for protocol in ("UDP", "TCP")]
    return NetworkPolicyEgressRuleArgs(to=peers, ports=both)


def to_api_server(settings: Network) -> NetworkPolicyEgressRuleArgs:
    """To the API server, by its own address and port or by those of its Service."""
    there = settings.api_server
    peer = block(there.block) if there.block else block(_EVERYWHERE, [_METADATA])
    return egress([peer], *sorted({_HTTPS, there.port}))


def from_api_server(settings: Network, port: int) -> NetworkPolicyIngressRuleArgs:
    """From the API server, which is not a pod: by its addresses, where they are known."""
    there = settings.api_server
    return ingress([block(there.block)] if there.block else [], port)


def _tcp(numbers: Sequence[int]) -> list[NetworkPolicyPortArgs]:
    return [NetworkPolicyPortArgs(port=number, protocol="TCP") for number in numbers]
