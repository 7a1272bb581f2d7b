"""The names of all secrets: in the stack's configuration, in a secret store, and as files."""

from contract.paths import (
    API_KEY_PREFIX,
    BACKUP_ACCESS_KEY_FILE,
    BACKUP_SECRET_KEY_FILE,
    PROVIDER_KEY_PREFIX,
    REDIS_APP_PASSWORD_FILE,
    REDIS_EXPORTER_PASSWORD_FILE,
    REDIS_OPERATOR_PASSWORD_FILE,
    REDIS_REPLICA_PASSWORD_FILE,
    REDIS_SENTINEL_PASSWORD_FILE,
    SENTINEL_PASSWORD_FILE,
)
from infra.settings import Backup, Environment, Generated

__all__ = [
    "REDIS_SECRETS",
    "api_key_secret",
    "backup_secrets",
    "every_secret",
    "provider_secret",
    "secret_names",
]

REDIS_SECRETS = (
    REDIS_APP_PASSWORD_FILE,
    REDIS_EXPORTER_PASSWORD_FILE,
    REDIS_OPERATOR_PASSWORD_FILE,
    REDIS_REPLICA_PASSWORD_FILE,
    REDIS_SENTINEL_PASSWORD_FILE,
    SENTINEL_PASSWORD_FILE,
)
"""The passwords of Redis' users and of Sentinel's port."""


def api_key_secret(key_id: str) -> str:
    """The secret that is the client key `key_id`."""
    return f"{API_KEY_PREFIX}{key_id}"


def provider_secret(provider: str) -> str:
    """The secret, and the file, that holds a provider's own API key."""
    return f"{PROVIDER_KEY_PREFIX}{provider}"


def backup_secrets(backup: Backup) -> tuple[str, ...]:
    """The backup job's own secrets; none when a role gives it its credentials."""
    if backup.credentials == "role":
        return ()
    return (BACKUP_ACCESS_KEY_FILE, BACKUP_SECRET_KEY_FILE)


def secret_names(environment: Environment) -> tuple[str, ...]:
    """Every secret that the environment needs below seawall:secrets; none with a secret store."""
    if not isinstance(environment.secret_store, Generated):
        return ()
    return every_secret(environment)


def every_secret(environment: Environment) -> tuple[str, ...]:
    """Every secret that the pods need, wherever it is kept."""
    gateway = environment.gateway
    return (
        *(api_key_secret(name) for name in gateway.api_keys),
        *(provider_secret(name) for name in gateway.providers),
        *REDIS_SECRETS,
        *(backup_secrets(environment.backup) if environment.backup else ()),
    )
