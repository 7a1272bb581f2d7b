"""AWS policy documents: statements as values, documents as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import pulumi

__all__ = ["Conditions", "Statement", "document", "read_secrets", "use_key", "use_prefix"]

_VERSION = "2012-10-17"
"""The current version of the policy language. AWS defines it; it is not a date of this program."""

Conditions: TypeAlias = Mapping[str, Mapping[str, pulumi.Input[str]]]
"""By operator and key."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a document.

    Attributes:
        sid: its name, of letters and digits.
        actions: the actions, such as s3:GetObject.
        resources: ARNs; empty where the document belongs to a resource, as a trust policy does.
        principals: by kind, such as Federated; None where the document belongs to a principal.
        conditions: all of them must hold.
        effect: whether the statement allows or denies.
    """

    sid: str
    actions: Sequence[str]
    resources: Sequence[pulumi.Input[str]] = ()
    principals: Mapping[str, pulumi.Input[str]] | None = None
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, pulumi.Input[str]]])
    effect: Literal["Allow", "Deny"] = "Allow"


def document(statements: Sequence[Statement]) -> pulumi.Output[str]:
    """The document as JSON."""
    return pulumi.Output.json_dumps(
        {"Version": _VERSION, "Statement": [_plain(statement) for statement in statements]}
    )


def read_secrets(arns: Sequence[pulumi.Input[str]]) -> Statement:
    """The permission to read these secrets."""
    actions = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")
    return Statement("ReadSecrets", actions, arns)


def use_prefix(bucket_arn: pulumi.Output[str], prefix: str) -> Sequence[Statement]:
    """The permission to write, read and list objects below `prefix`, but not to delete them."""
    objects = bucket_arn.apply(lambda arn: f"{arn}/{prefix}/*")
    # A large upload has several parts; an incomplete one is aborted.
    actions = ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject")
    return (
        Statement("UseObjects", actions, [objects]),
        Statement(
            "ListObjects",
            ("s3:ListBucket",),
            [bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{prefix}/*"}},
        ),
    )


def use_key(arn: str, *actions: Literal["Decrypt", "GenerateDataKey"]) -> Statement:
    """The permission to use a KMS key for `actions`."""
    return Statement("UseKey", [f"kms:{action}" for action in actions], [arn])


def _plain(statement: Statement) -> Mapping[str, Any]:
    parts = {
        "Sid": statement.sid,
        "Effect": statement.effect,
        "Principal": statement.principals,
        "Action": list(statement.actions),
        "Resource": list(statement.resources),
        "Condition": statement.conditions,
    }
    return {key: value for key, value in parts.items() if value}
