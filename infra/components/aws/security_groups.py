"""A security group in which every rule names the other end of the connection."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws.ec2 import SecurityGroup
from pulumi_aws.vpc import SecurityGroupEgressRule, SecurityGroupIngressRule

from infra.config.aws import Peers

__all__ = ["GuardedGroup", "GuardedGroupArgs", "Opening"]


@dataclass(frozen=True, slots=True)
class Opening:
    """One TCP port, open between the group and `peers`."""

    port: int
    peers: Peers


@dataclass(frozen=True, slots=True)
class GuardedGroupArgs:
    """What a GuardedGroup needs."""

    vpc_id: str
    description: str
    """AWS replaces the group when this changes."""
    ingress: Sequence[Opening]
    egress: Sequence[Opening] = ()
    """Empty for a server that only answers: replies need no rule."""


class GuardedGroup(pulumi.ComponentResource):
    """A security group for a managed Redis or a load balancer.

    Each rule is a separate resource, so that it can change without the others. AWS gives each new
    group a rule that allows all egress; the provider removes it.
    """

    id_of_group: pulumi.Output[str]

    def __init__(
        self, name: str, args: GuardedGroupArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:aws:GuardedGroup", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = SecurityGroup(name, description=args.description, vpc_id=args.vpc_id, opts=child)
        self.id_of_group = group.id
        for way, rule, rules in (
            ("in", SecurityGroupIngressRule, args.ingress),
            ("out", SecurityGroupEgressRule, args.egress),
        ):
            for end in _ends(rules):
                rule(
                    f"{name}-{way}-{end.port}-{end.label}",
                    security_group_id=group.id,
                    ip_protocol="tcp",
                    from_port=end.port,
                    to_port=end.port,
                    referenced_security_group_id=end.group,
                    cidr_ipv4=end.block,
                    opts=child,
                )
        self.register_outputs({"id": self.id_of_group})


@dataclass(frozen=True, slots=True)
class _End:
    """The other end of one rule: a group or a block."""

    port: int
    group: str | None = None
    block: str | None = None

    @property
    def label(self) -> str:
        return self.group or (self.block or "").replace("/", "-")


def _ends(openings: Sequence[Opening]) -> Iterator[_End]:
    for opening in openings:
        for group in opening.peers.security_groups:
            yield _End(opening.port, group=group)
        for block in opening.peers.blocks:
            yield _End(opening.port, block=block)
