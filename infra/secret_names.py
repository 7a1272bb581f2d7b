"""The names of all secrets: in the stack's configuration, in a secret store, and as files."""

from contract.paths import (
    ALERT_WEBHOOK_PREFIX,
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
    TRACING_HEADERS_FILE,
)
from infra.config import Backup, BundledMonitoring, Environment, Gateway, Generated, Provider

__all__ = [
    "REDIS_SECRETS",
    "alert_webhook_secret",
    "api_key_secret",
    "backup_secrets",
    "every_secret",
    "provider_secrets",
    "secret_names",
    "tracing_secrets",
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
    """The name of the secret that holds the API key `key_id`."""
    return f"{API_KEY_PREFIX}{key_id}"


def provider_secrets(name: str, provider: Provider) -> tuple[str, ...]:
    """The names of the secrets, and of the files, that hold a provider's API keys."""
    first = f"{PROVIDER_KEY_PREFIX}{name}"
    return (first, *(f"{first}-{number}" for number in range(2, provider.keys + 1)))


def alert_webhook_secret(severity: str) -> str:
    """The name of the secret, and of the file, with the webhook URL for alerts of a severity."""
    return f"{ALERT_WEBHOOK_PREFIX}{severity}"


def tracing_secrets(gateway: Gateway) -> tuple[str, ...]:
    """The name of the secret, and of the file, with the headers of exported traces; may be none."""
    tracing = gateway.tracing
    return (TRACING_HEADERS_FILE,) if tracing is not None and tracing.headers else ()


def backup_secrets(backup: Backup) -> tuple[str, ...]:
    """The names of the backup job's own secrets; empty when a role provides its credentials."""
    if backup.credentials == "role":
        return ()
    return (BACKUP_ACCESS_KEY_FILE, BACKUP_SECRET_KEY_FILE)


def secret_names(environment: Environment) -> tuple[str, ...]:
    """Every secret that the environment needs below seawall:secrets; empty with a secret store."""
    if not isinstance(environment.secret_store, Generated):
        return ()
    return every_secret(environment)


def every_secret(environment: Environment) -> tuple[str, ...]:
    """Every secret that the pods need, wherever it is stored."""
    gateway = environment.gateway
    return (
        *(api_key_secret(name) for name in gateway.api_keys),
        *(
            secret
            for name, provider in gateway.providers.items()
            for secret in provider_secrets(name, provider)
        ),
        *tracing_secrets(gateway),
        *REDIS_SECRETS,
        *(backup_secrets(environment.backup) if environment.backup else ()),
        *_alert_webhooks(environment),
    )


def _alert_webhooks(environment: Environment) -> tuple[str, ...]:
    monitoring = environment.monitoring
    if not isinstance(monitoring, BundledMonitoring) or monitoring.alertmanager is None:
        return ()
    return tuple(alert_webhook_secret(name) for name in monitoring.alertmanager.webhooks)
