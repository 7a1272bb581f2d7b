"""Rules about network access: traffic is denied unless a policy or a security group allows it."""

import ipaddress
from collections.abc import Iterator, Sequence

from infra.policies.inputs import at, mapping, sequence, text
from infra.policies.pods import is_kubernetes, namespace_of, pod_of
from infra.policies.rule import ResourceRule, Rule, StackRule
from infra.resources import Resource

__all__ = ["RULES"]

_SHORTEST_PREFIX = {4: 8, 6: 16}
"""By IP version. The widest private range is 10.0.0.0/8. In IPv6 a registry gets at most a /12 and
a provider at most a /16, so a wider range such as 2000::/8 includes other parties."""


def namespaces_deny_traffic_by_default(
    resource: Resource, stack: Sequence[Resource]
) -> Iterator[str]:
    """A NetworkPolicy without rules selects all pods, both ways; one report for a namespace."""
    if pod_of(resource) is None:
        return
    namespace = namespace_of(resource)
    neighbours = [item for item in stack if pod_of(item) and namespace_of(item) == namespace]
    if neighbours[0] != resource:
        return
    denied = {
        direction
        for item in stack
        if is_kubernetes(item, "NetworkPolicy") and namespace_of(item) == namespace
        for direction in _denies(item)
    }
    for direction in ("Ingress", "Egress"):
        if direction not in denied:
            yield (
                f"namespace {namespace} has no NetworkPolicy that denies {direction} to all pods;"
                f" add one with an empty podSelector, policyTypes [{direction}] and no rules"
            )


def security_groups_are_closed_to_the_world(resource: Resource) -> Iterator[str]:
    """Ingress comes from named security groups and address ranges."""
    for range_ in _ingress_ranges(resource):
        limit = _exceeded(range_)
        if limit is not None:
            yield (
                f"ingress from {range_} is open to the world, wider than /{limit};"
                " name security groups or ranges"
            )


def _denies(policy: Resource) -> Iterator[str]:
    spec = mapping(policy.inputs, "spec")
    selector = mapping(spec, "podSelector")
    if at(selector, "matchLabels") or at(selector, "matchExpressions"):
        return
    for direction in sequence(spec, "policyTypes") or ("Ingress",):
        if isinstance(direction, str) and not sequence(spec, direction.lower()):
            yield direction


def _exceeded(range_: str) -> int | None:
    """The shortest allowed prefix length, if the range has a shorter one; else None."""
    try:
        network = ipaddress.ip_network(range_, strict=False)
    except ValueError:
        # Not a range: AWS refuses it.
        return None
    limit = _SHORTEST_PREFIX[network.version]
    return limit if network.prefixlen < limit else None


def _ingress_ranges(resource: Resource) -> Iterator[str]:
    inputs = resource.inputs
    match resource.type:
        case (
            "aws:ec2/securityGroup:SecurityGroup"
            | "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
        ):
            for rule in sequence(inputs, "ingress"):
                yield from _ranges(rule)
        case "aws:ec2/securityGroupRule:SecurityGroupRule":
            if text(inputs, "type") == "ingress":
                yield from _ranges(inputs)
        case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
            yield from (text(inputs, key) for key in ("cidrIpv4", "cidrIpv6") if at(inputs, key))
        case _:
            return


def _ranges(rule: object) -> Iterator[str]:
    for key in ("cidrBlocks", "ipv6CidrBlocks"):
        yield from (item for item in sequence(rule, key) if isinstance(item, str))


RULES: tuple[Rule, ...] = (
    StackRule(
        "namespaces-deny-traffic-by-default",
        "A namespace with workloads denies traffic in both directions unless a policy allows it.",
        namespaces_deny_traffic_by_default,
    ),
    ResourceRule(
        "security-groups-are-closed-to-the-world",
        "No security group takes traffic from IPv4 wider than /8 or IPv6 wider than /16.",
        security_groups_are_closed_to_the_world,
    ),
)
