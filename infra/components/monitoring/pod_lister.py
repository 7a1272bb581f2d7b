"""A service account that may list the pods of its namespace."""

import pulumi
from pulumi_kubernetes.core.v1 import ServiceAccount
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.rbac.v1 import (
    PolicyRuleArgs,
    Role,
    RoleBinding,
    RoleRefArgs,
    SubjectArgs,
)

__all__ = ["RBAC", "pod_lister"]

RBAC = "rbac.authorization.k8s.io"


def pod_lister(
    name: str, metadata: ObjectMetaArgs, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """The name of the account; its token is mounted only where a pod requests it."""
    account = ServiceAccount(
        name, metadata=metadata, automount_service_account_token=False, opts=opts
    )
    look = PolicyRuleArgs(api_groups=[""], resources=["pods"], verbs=["get", "list", "watch"])
    Role(name, metadata=metadata, rules=[look], opts=opts)
    RoleBinding(
        name,
        metadata=metadata,
        role_ref=RoleRefArgs(api_group=RBAC, kind="Role", name=name),
        subjects=[SubjectArgs(kind="ServiceAccount", name=name, namespace=metadata.namespace)],
        opts=opts,
    )
    return account.metadata.apply(lambda made: made.name or name)
