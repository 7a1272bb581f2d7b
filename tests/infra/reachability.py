"""Evaluates which connections NetworkPolicies allow, as Kubernetes defines them.

If no policy selects a pod for a direction, all traffic in that direction is allowed. Otherwise a
rule must allow it. A connection between pods needs the source's egress and the target's ingress.
https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Any

__all__ = ["Destination", "Place", "reaches"]

Policy = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """A pod, or, without a namespace, an address outside the cluster."""

    address: str
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    namespace_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    ports: Mapping[str, int] = field(default_factory=dict[str, int])
    """Container ports by name."""


@dataclass(frozen=True)
class Destination:
    """The target of a connection."""

    place: Place
    port: int
    protocol: str = "TCP"


def reaches(policies: Sequence[Policy], source: Place, to: Destination) -> bool:
    """Whether `source` may open the connection."""
    leaves = _allowed(policies, "Egress", pod=source, peer=to.place, to=to)
    return leaves and _allowed(policies, "Ingress", pod=to.place, peer=source, to=to)


def _allowed(
    policies: Sequence[Policy], direction: str, *, pod: Place, peer: Place, to: Destination
) -> bool:
    if pod.namespace is None:
        return True
    selecting = [
        policy
        for policy in policies
        if policy["metadata"]["namespace"] == pod.namespace
        and direction in _directions(policy["spec"])
        and _selects(policy["spec"].get("podSelector", {}), pod.labels)
    ]
    if not selecting:
        return True
    key, side = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    return any(
        _rule_allows(rule, side, peer=peer, to=to, home=policy["metadata"]["namespace"])
        for policy in selecting
        for rule in policy["spec"].get(key, [])
    )


def _directions(spec: Mapping[str, Any]) -> Sequence[str]:
    """The directions of the policy, with Kubernetes' defaults without `policyTypes`."""
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]


def _rule_allows(
    rule: Mapping[str, Any], side: str, *, peer: Place, to: Destination, home: str
) -> bool:
    peers, ports = rule.get(side), rule.get("ports")
    from_here = not peers or any(_is_peer(item, peer, home) for item in peers)
    return from_here and (not ports or any(_is_port(item, to) for item in ports))


def _is_peer(item: Mapping[str, Any], peer: Place, home: str) -> bool:
    block = item.get("ipBlock")
    if block is not None:
        address = IPv4Address(peer.address)
        apart = any(address in IPv4Network(part) for part in block.get("except", []))
        return address in IPv4Network(block["cidr"]) and not apart
    if peer.namespace is None:
        return False
    selector = item.get("namespaceSelector")
    if selector is None:
        there = peer.namespace == home
    else:
        there = _selects(selector, peer.namespace_labels)
    return there and _selects(item.get("podSelector", {}), peer.labels)


def _is_port(item: Mapping[str, Any], to: Destination) -> bool:
    if item.get("protocol", "TCP") != to.protocol:
        return False
    port = item.get("port")
    if port is None:
        return True
    if isinstance(port, str):
        return to.place.ports.get(port) == to.port
    return port <= to.port <= item.get("endPort", port)


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether the selector matches; an empty one matches everything."""
    wanted: Mapping[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items() and all(
        _holds(expression, labels) for expression in selector.get("matchExpressions", [])
    )


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values", [])
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case unknown:
            raise AssertionError(f"no such operator: {unknown}")
