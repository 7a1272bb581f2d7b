"""What the program creates in an AWS account: every part is optional, and no name has a default.

ARNs, IDs and names come from the team. Their form is checked, their existence is not.
"""

from ipaddress import IPv4Network
from typing import Annotated, Self

from pydantic import Field, model_validator

from contract.values.strict import Strict
from contract.values.text_types import Form, matching
from infra.config.scalars import Bucket, Cidr, KeyPath, Prefix, Region

__all__ = [
    "Aws",
    "AwsBackupBucket",
    "AwsNetwork",
    "AwsRegistry",
    "AwsSecrets",
    "Edge",
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
    """The S3 bucket for backups of Redis."""

    name: Bucket
    """Name of the backup bucket. It must be unique in all of AWS."""
    prefix: KeyPath
    """Beginning of the object names, followed by a slash. The backup job has no rights to other
    objects."""
    days: Days = 7
    """Number of days after which a copy becomes a noncurrent version. After the same number of
    days again, that version is deleted. An incomplete upload is removed after this number of
    days, too."""


class AwsSecrets(Strict):
    """Secrets in AWS Secrets Manager without values: the values never pass through the program."""

    prefix: Prefix
    """Beginning of the names in AWS Secrets Manager. The secret's own name follows without a
    slash."""
    recovery_days: Annotated[int, Field(ge=7, le=30)] = 30
    """Number of days during which a deleted secret can be restored. AWS allows 7 to 30."""


class AwsRegistry(Strict):
    """Image repositories in Amazon ECR."""

    repositories: Annotated[tuple[Repository, ...], Field(min_length=1)]
    """Names of the ECR repositories to create."""
    untagged_days: Days = 14
    """Number of days after which an image without a tag is removed from its repository."""

    @model_validator(mode="after")
    def _repositories_differ(self) -> Self:
        resources = [name.replace("/", "-") for name in self.repositories]
        doubled = [
            name
            for name, resource in zip(self.repositories, resources, strict=True)
            if resources.count(resource) > 1
        ]
        if doubled:
            raise ValueError(
                f'repositories has "{doubled[0]}" and "{doubled[1]}", which would be one resource; '
                "rename or remove one of them"
            )
        return self


class Peers(Strict):
    """The other end of a connection: security groups, address blocks, or both."""

    security_groups: tuple[SecurityGroupId, ...] = ()
    """Security groups whose members are at the other end of the connection. Give `security_groups`,
    `blocks`, or both."""
    blocks: tuple[Cidr, ...] = ()
    """IPv4 address blocks at the other end of the connection. No block may be wider than /8. Give
    `security_groups`, `blocks`, or both."""

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not self.security_groups and not self.blocks:
            raise ValueError("security_groups and blocks are both empty; give one or both of them")
        for block in self.blocks:
            if IPv4Network(block).prefixlen < _WIDEST:
                raise ValueError(
                    f"blocks has {block}, which is wider than /8; give narrower address blocks"
                )
        return self


class Edge(Strict):
    """The security group of the load balancer in front of the gateway."""

    clients: Peers
    """Who may connect to the load balancer by HTTPS."""
    nodes: Peers
    """Where the gateway's pods run. The load balancer may connect only to their ports."""


class AwsNetwork(Strict):
    """Security groups."""

    vpc_id: VpcId
    """ID of the VPC in which the security groups are created."""
    redis_clients: Peers | None = None
    """Who may connect to a managed Redis. Its security group is not created when this is not
    given."""
    edge: Edge | None = None
    """Security group of the load balancer in front of the gateway. `clients` may connect to it by
    HTTPS; it may connect only to the ports of the gateway's pods on `nodes`. Not created when not
    given."""


class Aws(Strict):
    """What the program creates in an AWS account."""

    region: Region
    """AWS region in which everything is created."""
    kms_key_arn: KmsKeyArn | None = None
    """ARN of the KMS key that encrypts the backup bucket, the secrets and the image
    repositories. When not given, they are encrypted with keys of AWS, which the policy
    `customer_keys` refuses."""
    oidc_provider_arn: OidcProviderArn | None = None
    """ARN of the cluster's OIDC provider, through which service accounts assume IAM roles. No roles
    are created when not given."""
    backup_bucket: AwsBackupBucket | None = None
    """S3 bucket for backups of Redis. Not created when not given."""
    secrets: AwsSecrets | None = None
    """Secrets in AWS Secrets Manager, created without values. Not created when not given."""
    registry: AwsRegistry | None = None
    """Image repositories in Amazon ECR. Not created when not given."""
    network: AwsNetwork | None = None
    """Security groups. Not created when not given."""
