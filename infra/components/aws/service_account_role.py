"""An IAM role for one Kubernetes service account, through the cluster's OIDC provider."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws.iam import Role, RolePolicy

from infra.components.aws.documents import Statement, document

__all__ = ["ServiceAccountRole", "ServiceAccountRoleArgs"]

_AUDIENCE = "sts.amazonaws.com"
_PROVIDER = ":oidc-provider/"


@dataclass(frozen=True, slots=True)
class ServiceAccountRoleArgs:
    """What a ServiceAccountRole needs."""

    oidc_provider_arn: str
    namespace: str
    service_account: str
    rights: Sequence[Statement]


class ServiceAccountRole(pulumi.ComponentResource):
    """A role that one service account of one namespace can assume, with the configured rights only.

    The account has the annotation eks.amazonaws.com/role-arn with the role's ARN.
    """

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: ServiceAccountRoleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:aws:ServiceAccountRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = Role(
            name,
            description=f"Service account {args.namespace}/{args.service_account}",
            assume_role_policy=document([_trust(args)]),
            opts=child,
        )
        RolePolicy(name, role=role.name, policy=document(args.rights), opts=child)
        self.arn = role.arn
        self.register_outputs({"arn": self.arn})


def _trust(args: ServiceAccountRoleArgs) -> Statement:
    issuer = args.oidc_provider_arn.split(_PROVIDER, 1)[1]
    subject = f"system:serviceaccount:{args.namespace}:{args.service_account}"
    return Statement(
        "OneServiceAccount",
        ("sts:AssumeRoleWithWebIdentity",),
        principals={"Federated": args.oidc_provider_arn},
        conditions={"StringEquals": {f"{issuer}:aud": _AUDIENCE, f"{issuer}:sub": subject}},
    )
