"""What the program makes in an AWS account: each part is optional, and nothing has a default name.

ARNs, identifiers and names are the team's own; their form is checked, their existence is not.
"""

from ipaddress import IPv4Network
from typing import Annotated, Self

from pydantic import Field, model_validator

from infra.config.base import Strict
from infra.config.scalars import Bucket, Cidr, KeyPath, Prefix, Region
from infra.config.text_types import Form, matching

__all__ = [
    "Aws",
    "AwsBackupBucket",
    "AwsNetwork",
    "AwsRegistry",
    "AwsSecrets",
    "Entrance",
    "Peers",
]

_ACCOUNT = r"[0-9]{12}"
_WIDEST = 8
"""The prefix length of 10.0.0.0/8, the widest private range."""

KmsKeyArn = Annotated[
    str,
    Form(
        "the ARN of a KMS key",
        "arn:aws:kms:<region>:<account>:key/<id>",
        matching(rf"arn:aws[a-z-]*:kms:[a-z0-9-]+:{_ACCOUNT}:key/[A-Za-z0-9-]+"),
    ),
]
OidcProviderArn = Annotated[
    str,
    Form(
        "the ARN of an OIDC provider",
        "arn:aws:iam::<account>:oidc-provider/<issuer>",
        matching(
            rf"arn:aws[a-z-]*:iam::{_ACCOUNT}:oidc-provider/[A-Za-z0-9.-]+(/[A-Za-z0-9._-]+)*"
        ),
    ),
]
VpcId = Annotated[str, Form("a VPC's id", "vpc-<hex digits>", matching(r"vpc-[0-9a-f]{8,17}"))]
SecurityGroupId = Annotated[
    str, Form("a security group's id", "sg-<hex digits>", matching(r"sg-[0-9a-f]{8,17}"))
]
Repository = Annotated[
    str,
    Form(
        "a repository's name",
        "seawall/gateway",
        matching(r"[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*"),
    ),
]
Days = Annotated[int, Field(ge=1, le=3650)]


class AwsBackupBucket(Strict):
    """The bucket that takes the copies of Redis' data."""

    name: Bucket
    """The bucket's name, which is unique in all of AWS."""
    prefix: KeyPath
    """What the objects' names begin with; a slash follows. The job has no right to others."""
    days: Days = 7
    """After so many days a copy becomes an old version, and so many days later it is gone; an
    upload that broke off is removed after as many."""


class AwsSecrets(Strict):
    """Places for secrets in Secrets Manager. Their values never pass through the program."""

    prefix: Prefix
    """What their names begin with; the secret's own name follows without a slash."""
    recovery_days: Annotated[int, Field(ge=7, le=30)] = 30
    """How long a deleted secret can be brought back: 7 to 30 days, by AWS."""


class AwsRegistry(Strict):
    """Repositories for images in ECR."""

    repositories: Annotated[tuple[Repository, ...], Field(min_length=1)]
    """Their names."""
    untagged_days: Days = 14
    """After so many days an image without a tag is removed."""


class Peers(Strict):
    """Who is at the other end of a connection: security groups, address blocks, or both."""

    security_groups: tuple[SecurityGroupId, ...] = ()
    """Whoever carries one of these groups."""
    blocks: tuple[Cidr, ...] = ()
    """Addresses; no block is wider than /8."""

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not self.security_groups and not self.blocks:
            raise ValueError("security_groups and blocks are both empty; name who may connect")
        for block in self.blocks:
            if IPv4Network(block).prefixlen < _WIDEST:
                raise ValueError(f"blocks has {block}, which is the world; name the ranges")
        return self


class Entrance(Strict):
    """The security group of the load balancer before the gateway."""

    clients: Peers
    """Who may connect, by HTTPS."""
    nodes: Peers
    """Where the gateway's pods are: the load balancer reaches their ports and nothing else."""


class AwsNetwork(Strict):
    """Security groups."""

    vpc_id: VpcId
    """The network in which they are made."""
    redis_clients: Peers | None = None
    """Who may reach a managed Redis; no group is made for it when not given."""
    entrance: Entrance | None = None
    """The load balancer's group; none is made when not given."""


class Aws(Strict):
    """What the program makes in an AWS account."""

    region: Region
    """Where everything is made."""
    kms_key_arn: KmsKeyArn | None = None
    """The key that encrypts the bucket, the secrets and the repositories; keys of AWS when not
    given, which the policy customer_keys refuses."""
    oidc_provider_arn: OidcProviderArn | None = None
    """The cluster's OIDC provider, through which service accounts take roles; no roles are made
    when not given."""
    backup_bucket: AwsBackupBucket | None = None
    """The bucket for backups; none is made when not given."""
    secrets: AwsSecrets | None = None
    """Places for secrets; none are made when not given."""
    registry: AwsRegistry | None = None
    """Repositories for images; none are made when not given."""
    network: AwsNetwork | None = None
    """Security groups; none are made when not given."""
