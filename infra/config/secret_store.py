"""Where passwords and keys come from."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from contract.values.strict import Strict
from infra.config.scalars import (
    Between,
    Duration,
    KeyPath,
    Name,
    Prefix,
    Region,
    RoleArn,
    Url,
)

__all__ = ["AwsSecretsManager", "Generated", "SecretStore", "Vault"]

_Refresh = Annotated[Duration, Between("10s", "1d", whole=True)]
_REFRESH = Duration.parse("1m")


class Generated(Strict):
    """Secrets that Seawall generates and keeps, encrypted, in the stack's configuration.

    They are encrypted in the stack's state, too.
    """

    kind: Literal["generated"]
    """For an environment that is deployed from one machine only."""


class Vault(Strict):
    """Vault's KV engine, version 2, read by the External Secrets Operator.

    One entry holds all secrets, each in one field: provider-<name>, api-key-<id>, and the
    passwords.
    """

    kind: Literal["vault"]
    """Vault's KV engine, version 2."""
    server: Url
    """URL of Vault, as seen from the cluster."""
    ca_config_map: Name | None = None
    """Name of a ConfigMap in the namespace whose file ca.crt signs Vault's certificate. The public
    authorities when not given."""
    mount: KeyPath
    """Mount path of Vault's KV engine, version 2."""
    path: KeyPath
    """Path of the entry in the KV engine. The entry holds all secrets, each in one field:
    provider-<name>, api-key-<id>, and the passwords."""
    auth_mount: KeyPath = "kubernetes"
    """Mount path of Vault's Kubernetes login."""
    role: KeyPath
    """Role of Vault's Kubernetes login. It must admit the service account seawall-secrets."""
    refresh: _Refresh = _REFRESH
    """Time between two reads of the secrets."""


class AwsSecretsManager(Strict):
    """AWS Secrets Manager, read by the External Secrets Operator.

    Every secret is a separate entry, which is named by the prefix and the secret's name.
    """

    kind: Literal["aws-secrets-manager"]
    """AWS Secrets Manager."""
    region: Region
    """AWS region that keeps the secrets."""
    prefix: Prefix
    """Beginning of the names in AWS Secrets Manager. The secret's own name follows without a
    slash."""
    role_arn: RoleArn | None = None
    """ARN of the AWS role that the service account seawall-secrets assumes. When not given, the
    role that seawall:aws creates, or else the operator's own role."""
    refresh: _Refresh = _REFRESH
    """Time between two reads of the secrets. AWS charges for each read of each secret."""


SecretStore: TypeAlias = Annotated[
    Generated | Vault | AwsSecretsManager, Field(discriminator="kind")
]
