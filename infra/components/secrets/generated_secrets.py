"""Secrets whose values come from the stack's encrypted configuration."""

import hashlib
import json
from collections.abc import Mapping
from typing import Protocol

import pulumi
from pulumi_kubernetes.core.v1 import Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from contract.paths import API_KEYS_FILE, REDIS_EXPORTER_PASSWORD_FILE, REDIS_URLS_FILE
from infra.components.gateway.files import api_keys_file
from infra.secret_names import api_key_secret
from infra.workloads.workload import SecretFiles

__all__ = ["GeneratedSecrets", "Values"]


class Values(Protocol):
    """Secret values by name."""

    def __getitem__(self, name: str, /) -> pulumi.Output[str]:
        """The value, marked as a secret."""
        ...


class GeneratedSecrets:
    """Fills Secrets with `values`, which are also, encrypted, in the stack's state."""

    def __init__(self, values: Values) -> None:
        self._values = values

    def fill(
        self,
        name: str,
        metadata: ObjectMetaArgs,
        files: SecretFiles,
        opts: pulumi.ResourceOptions,
    ) -> pulumi.Output[str]:
        """Declare the Secret; see SecretSource."""
        content = {file: self._values[file] for file in files.copied}
        if files.api_keys:
            content[API_KEYS_FILE] = self._api_keys(files)
        if files.redis_urls is not None:
            password = self._values[REDIS_EXPORTER_PASSWORD_FILE]
            content[REDIS_URLS_FILE] = pulumi.Output.all(files.redis_urls, password).apply(
                lambda found: json.dumps(dict.fromkeys(found[0], found[1]))
            )
        secret = Secret(name, metadata=metadata, string_data=content, opts=opts)
        return secret.metadata.apply(lambda made: made.name or "")

    def _api_keys(self, files: SecretFiles) -> pulumi.Output[str]:
        keys = {key_id: self._values[api_key_secret(key_id)] for key_id in files.api_keys}

        def hashed(values: Mapping[str, str]) -> str:
            hashes = {
                key_id: hashlib.sha256(value.encode()).hexdigest()
                for key_id, value in values.items()
            }
            return api_keys_file(files.api_keys, hashes, files.revoked)

        return pulumi.Output.all(**keys).apply(hashed)
