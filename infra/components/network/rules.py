"""Rules of NetworkPolicies, made of the connections that workloads declare."""

from collections.abc import Sequence

from pulumi_kubernetes.meta.v1 import LabelSelectorArgs
from pulumi_kubernetes.networking.v1 import (
    IPBlockArgs,
    NetworkPolicyEgressRuleArgs,
    NetworkPolicyIngressRuleArgs,
    NetworkPolicyPeerArgs,
    NetworkPolicyPortArgs,
)

from infra.config import Network
from infra.labels import identity_of
from infra.workloads.peers import Block, Namespaces, Opening, Peer, Pods

__all__ = ["dns", "egress", "ingress"]

_DNS = 53


def ingress(opening: Opening) -> NetworkPolicyIngressRuleArgs:
    """From the peers of `opening` to its TCP ports; from everybody when there are no peers."""
    return NetworkPolicyIngressRuleArgs(
        from_=_peers(opening.peers) or None, ports=_tcp(opening.ports)
    )


def egress(opening: Opening) -> NetworkPolicyEgressRuleArgs:
    """To the TCP ports of the peers of `opening`."""
    return NetworkPolicyEgressRuleArgs(to=_peers(opening.peers), ports=_tcp(opening.ports))


def dns(network: Network) -> NetworkPolicyEgressRuleArgs:
    """To the cluster's name servers, by UDP and TCP."""
    peers: list[Peer] = [Namespaces(network.dns.namespace)]
    if network.dns.node_local:
        peers.append(Block(network.dns.node_local))
    both = [NetworkPolicyPortArgs(port=_DNS, protocol=protocol) for protocol in ("UDP", "TCP")]
    return NetworkPolicyEgressRuleArgs(to=_peers(peers), ports=both)


def _peers(peers: Sequence[Peer]) -> list[NetworkPolicyPeerArgs]:
    return [_peer(peer) for peer in peers]


def _peer(peer: Peer) -> NetworkPolicyPeerArgs:
    match peer:
        case Pods(workload):
            labels = LabelSelectorArgs(match_labels=identity_of(workload))
            return NetworkPolicyPeerArgs(pod_selector=labels)
        case Namespaces(labels):
            selector = LabelSelectorArgs(match_labels=labels)
            return NetworkPolicyPeerArgs(namespace_selector=selector)
        case Block(cidr, never):
            block = IPBlockArgs(cidr=cidr, except_=list(never) or None)
            return NetworkPolicyPeerArgs(ip_block=block)


def _tcp(numbers: Sequence[int]) -> list[NetworkPolicyPortArgs]:
    return [NetworkPolicyPortArgs(port=number, protocol="TCP") for number in numbers]
