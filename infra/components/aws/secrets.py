"""Secrets in AWS Secrets Manager, without their values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws.secretsmanager import Secret

__all__ = ["Secrets", "SecretsArgs"]


@dataclass(frozen=True, slots=True)
class SecretsArgs:
    """What Secrets needs."""

    prefix: str
    names: Sequence[str]
    """Names without the prefix."""
    kms_key_arn: str | None
    """When None, the account's key aws/secretsmanager."""
    recovery_days: int
    """Days during which a deleted secret can be restored: 7 to 30."""
    protect: bool
    """Whether Pulumi refuses to delete the secrets."""


class Secrets(pulumi.ComponentResource):
    """Secrets by name, without a SecretVersion, so that no value enters the state.

    A person or a rotation writes the values. Until then, reading a secret fails.
    """

    arns: Mapping[str, pulumi.Output[str]]
    """By name without the prefix."""

    def __init__(
        self, name: str, args: SecretsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:aws:Secrets", name, None, opts)
        self.arns = {
            secret: Secret(
                f"{name}-{secret}",
                name=f"{args.prefix}{secret}",
                kms_key_id=args.kms_key_arn,
                recovery_window_in_days=args.recovery_days,
                opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
            ).arn
            for secret in args.names
        }
        self.register_outputs({"arns": self.arns})
