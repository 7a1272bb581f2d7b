"""The contents of the pods' Secrets, independent of their source.

Pods mount the same names and keys in every environment; only the source differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.config import ApiKey

__all__ = ["SecretFiles", "SecretSource"]


@dataclass(frozen=True, slots=True)
class SecretFiles:
    """The files of one Secret.

    Attributes:
        copied: secrets that become files with the same names and contents.
        api_keys: the client keys whose hashes become API_KEYS_FILE; there is no file without any.
        revoked: IDs of runtime keys that API_KEYS_FILE refuses.
        redis_urls: the URLs for which the exporter's password is valid; they become
            REDIS_URLS_FILE.
    """

    copied: tuple[str, ...]
    api_keys: Mapping[str, ApiKey] = field(default_factory=dict[str, ApiKey])
    revoked: tuple[str, ...] = ()
    redis_urls: pulumi.Input[Sequence[str]] | None = None


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
