"""What the pods' Secrets hold, whoever fills them.

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
        copied: secrets that are files under their own names, as they are.
        api_keys: the client keys whose hashes become API_KEYS_FILE; without any there is no file.
        revoked: ids of keys made at run time that API_KEYS_FILE refuses.
        redis_urls: where the exporter's password is good; with them there is REDIS_URLS_FILE.
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
        """Declare what makes the Secret `name`, and return its name as an output."""
        ...
