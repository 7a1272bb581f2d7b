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
"""On the API's port, for whoever has a key; the others are for probes, on a port of their own."""
ADMIN_KEYS = "/admin/keys"
"""On the API's port, for keys with admin: true: keys that are made at run time."""
UI = "/ui"
"""The page for people, on the probes' port."""
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
REDIS_URLS_FILE = "redis-urls.json"
"""The exporter's password again, by the URLs that it is good for: the form that it reads."""
BACKUP_ACCESS_KEY_FILE = "backup-access-key"
BACKUP_SECRET_KEY_FILE = "backup-secret-key"  # noqa: S105 - a file's name
"""The backup job's credentials of the object storage, where no role gives them."""
API_KEY_PREFIX = "api-key-"
"""api-key-<id> is one API key in the stack's configuration; pods get its hash only."""
ALERT_WEBHOOK_PREFIX = "alert-webhook-"
"""alert-webhook-<severity> is the URL to which alerts of a severity are sent."""
TRACING_HEADERS_FILE = "tracing-headers"
"""The headers of every export of traces, one `name: value` a line."""
PROVIDER_KEY_PREFIX = "provider-"
"""provider-<name> is the file of a provider's own API key."""
