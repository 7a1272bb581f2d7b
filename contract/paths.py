"""HTTP paths of the gateway, and files that its pod mounts."""

__all__ = [
    "API_KEYS_FILE",
    "CONFIG_FILE",
    "HEALTH_LIVE",
    "HEALTH_READY",
    "HEALTH_STARTUP",
    "METRICS",
    "REDIS_APP_PASSWORD_FILE",
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
