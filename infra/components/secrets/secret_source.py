"""The contents of the pods' Secrets, independent of their source.

Pods mount the same names and keys in every environment; only the source differs.
"""

from typing import Protocol

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.workloads.workload import SecretFiles

__all__ = ["SecretSource"]


class SecretSource(Protocol):
    """Fills Secrets."""

    def fill(
        self,
        name: str,
        metadata: ObjectMetaArgs,
        files: SecretFiles,
        opts: pulumi.ResourceOptions,
    ) -> pulumi.Output[str]:
        """Declare the resource that creates the Secret `name`, and return its name as an output."""
        ...
