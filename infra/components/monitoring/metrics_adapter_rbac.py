"""Permissions of prometheus-adapter: list the namespace's pods, and authenticate its callers."""

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.rbac.v1 import (
    ClusterRoleBinding,
    RoleBinding,
    RoleRefArgs,
    SubjectArgs,
)

from infra.components.monitoring.pod_lister import RBAC, pod_lister

__all__ = ["rights_of"]

_SYSTEM = "kube-system"


def rights_of(
    name: str, metadata: ObjectMetaArgs, namespace: str, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """The name of the service account that has the permissions.

    An aggregated API asks the API server for the identity and the permissions of a caller:
    https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
    """
    account = pod_lister(name, metadata, opts)
    subject = SubjectArgs(kind="ServiceAccount", name=name, namespace=namespace)
    ClusterRoleBinding(
        f"{name}-delegates",
        metadata=ObjectMetaArgs(name=f"{namespace}-{name}", labels=metadata.labels),
        role_ref=RoleRefArgs(api_group=RBAC, kind="ClusterRole", name="system:auth-delegator"),
        subjects=[subject],
        opts=opts,
    )
    RoleBinding(
        f"{name}-reads-authorities",
        metadata=ObjectMetaArgs(
            name=f"{namespace}-{name}", namespace=_SYSTEM, labels=metadata.labels
        ),
        role_ref=RoleRefArgs(
            api_group=RBAC, kind="Role", name="extension-apiserver-authentication-reader"
        ),
        subjects=[subject],
        opts=opts,
    )
    return account
