"""HTTP paths of the gateway, and files that its pod mounts."""

__all__ = [
    "ADMIN_KEYS",
    "ALERT_WEBHOOK_PREFIX",
    "API_KEYS_FILE",
    "API_KEY_PREFIX",
    "BACKUP_ACCESS_KEY_FILE",
    "BACKUP_SECRET_KEY_FILE",
    "CONFIG_FILE",
    "HEALTH_DETAIL",
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
    "REDIS_URLS_FILE",
    "SECRETS_DIR",
    "SENTINEL_PASSWORD_FILE",
    "TRACING_HEADERS_FILE",
    "UI",
]

HEALTH_DETAIL = "/health"
"""On the API's port, for clients with a key. The other health paths are for probes, on another
port."""
ADMIN_KEYS = "/admin/keys"
"""On the API's port, for keys with admin: true: creates and deletes runtime keys."""
UI = "/ui"
"""The web page for people, on the probes' port."""
HEALTH_LIVE = "/health/live"
HEALTH_READY = "/health/ready"
HEALTH_STARTUP = "/health/startup"
METRICS = "/metrics"

CONFIG_FILE = "/etc/seawall/config/gateway.yaml"
"""The gateway's settings. Their directory is mounted, so that a change arrives without a
restart."""
SECRETS_DIR = "/etc/seawall/secrets"
"""One file per secret; the settings refer to it by file name."""
API_KEYS_FILE = "api-keys.json"
"""The API keys as hashes, inside SECRETS_DIR."""
REDIS_APP_PASSWORD_FILE = "redis-app-password"  # noqa: S105 - a file's name
SENTINEL_PASSWORD_FILE = "sentinel-password"  # noqa: S105 - a file's name
REDIS_REPLICA_PASSWORD_FILE = "redis-replica-password"  # noqa: S105 - a file's name
REDIS_SENTINEL_PASSWORD_FILE = "redis-sentinel-password"  # noqa: S105 - a file's name
"""The password with which Sentinel logs in to Redis; SENTINEL_PASSWORD_FILE protects Sentinel's
port."""
REDIS_OPERATOR_PASSWORD_FILE = "redis-operator-password"  # noqa: S105 - a file's name
REDIS_EXPORTER_PASSWORD_FILE = "redis-exporter-password"  # noqa: S105 - a file's name
REDIS_URLS_FILE = "redis-urls.json"
"""The exporter's password by the URLs for which it is valid: the format that the exporter reads."""
BACKUP_ACCESS_KEY_FILE = "backup-access-key"
BACKUP_SECRET_KEY_FILE = "backup-secret-key"  # noqa: S105 - a file's name
"""The backup job's credentials for the object storage, where no role provides them."""
API_KEY_PREFIX = "api-key-"
"""api-key-<id> is one API key in the stack's configuration; pods receive only its hash."""
ALERT_WEBHOOK_PREFIX = "alert-webhook-"
"""alert-webhook-<severity> is the webhook URL for alerts of a severity."""
TRACING_HEADERS_FILE = "tracing-headers"
"""The headers of every export of traces, one `name: value` per line."""
PROVIDER_KEY_PREFIX = "provider-"
"""provider-<name> is the file with a provider's API key."""
