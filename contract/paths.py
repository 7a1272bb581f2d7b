"""HTTP paths of the gateway, and files that its pod mounts."""

__all__ = [
    "API_KEYS_FILE",
    "API_KEY_PREFIX",
    "BACKUP_ACCESS_KEY_FILE",
    "BACKUP_SECRET_KEY_FILE",
    "CONFIG_FILE",
    "HEALTH_LIVE",
    "HEALTH_READY",
    "HEALTH_STARTUP",
    "METRICS",
    "PROVIDER_KEY_PREFIX",
    "REDIS_APP_PASSWORD_FILE",
    "REDIS_EXPORTER_PASSWORD_FILE",
    "REDIS_OPERATOR_PASSWORD_FILE",
    "REDIS_REPLICA_PASSWORD_FILE",
    "REDIS_SENTINEL_PASSWORD_FILE",
    "SECRETS_DIR",
    "SENTINEL_PASSWORD_FILE",
]

HEALTH_LIVE = "/health/live"
HEALTH_READY = "/health/ready"
HEALTH_STARTUP = "/health/startup"
METRICS = "/metrics"

CONFIG_FILE = "/etc/seawall/config/gateway.yaml"
"""The gateway's settings: a mounted directory, so that a change arrives without a restart."""
SECRETS_DIR = "/etc/seawall/secrets"
"""One file per secret, named in the settings by file name."""
API_KEYS_FILE = "api-keys.json"
"""The hashed API keys, inside SECRETS_DIR."""
REDIS_APP_PASSWORD_FILE = "redis-app-password"  # noqa: S105 - a file's name
SENTINEL_PASSWORD_FILE = "sentinel-password"  # noqa: S105 - a file's name
REDIS_REPLICA_PASSWORD_FILE = "redis-replica-password"  # noqa: S105 - a file's name
REDIS_SENTINEL_PASSWORD_FILE = "redis-sentinel-password"  # noqa: S105 - a file's name
"""What Sentinel uses to log in to Redis; SENTINEL_PASSWORD_FILE protects Sentinel's own port."""
REDIS_OPERATOR_PASSWORD_FILE = "redis-operator-password"  # noqa: S105 - a file's name
REDIS_EXPORTER_PASSWORD_FILE = "redis-exporter-password"  # noqa: S105 - a file's name
BACKUP_ACCESS_KEY_FILE = "backup-access-key"
BACKUP_SECRET_KEY_FILE = "backup-secret-key"  # noqa: S105 - a file's name
"""The backup job's credentials of the object storage, where no role gives them."""
API_KEY_PREFIX = "api-key-"
"""api-key-<id> is one API key in the stack's configuration; pods get its hash only."""
PROVIDER_KEY_PREFIX = "provider-"
"""provider-<name> is the file of a provider's own API key."""
