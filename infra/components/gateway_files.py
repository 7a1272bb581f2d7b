"""The files that the gateway's pod mounts: its settings, and its API keys as hashes.

Plain data in, text out. The settings name secrets by file and never hold one.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

from contract import paths, ports
from infra.settings import ApiKey, Gateway

__all__ = ["api_keys_file", "provider_key_file", "settings_file"]


def settings_file(gateway: Gateway, *, redis_hosts: Sequence[str], master: str) -> str:
    """The gateway's settings; JSON, which is YAML too."""
    document = {
        "listen": {"host": "0.0.0.0", "port": ports.GATEWAY_HTTP},  # noqa: S104 - in a pod
        "health": {"host": "0.0.0.0", "port": ports.GATEWAY_HEALTH},  # noqa: S104 - in a pod
        "drain": {
            "serve_seconds": gateway.shutdown.serve_seconds,
            "grace_seconds": gateway.shutdown.grace_seconds,
        },
        "admission": gateway.admission.model_dump(),
        "timeouts": gateway.timeouts.model_dump(),
        # What limits are divided by while Redis is gone: fewer pods would allow too much.
        "replicas": gateway.replicas.min,
        "state": {
            "kind": "redis",
            "sentinels": [f"{host}:{ports.SENTINEL}" for host in redis_hosts],
            "master": master,
            "user": "app",
            "password_file": paths.REDIS_APP_PASSWORD_FILE,
            "sentinel_password_file": paths.SENTINEL_PASSWORD_FILE,
        },
        "secrets_dir": paths.SECRETS_DIR,
        "api_keys_file": paths.API_KEYS_FILE,
        "providers": {
            name: {**provider.model_dump(), "api_key_file": provider_key_file(name)}
            for name, provider in gateway.providers.items()
        },
        "models": {name: model.model_dump() for name, model in gateway.models.items()},
    }
    return json.dumps(document, indent=1)


def api_keys_file(keys: Mapping[str, ApiKey], secrets: Mapping[str, str]) -> str:
    """The API keys' limits, each beside the SHA-256 of its secret in `secrets`."""
    entries = [
        {
            "id": name,
            "sha256": hashlib.sha256(secrets[name].encode()).hexdigest(),
            **key.model_dump(),
        }
        for name, key in keys.items()
    ]
    return json.dumps({"keys": entries}, indent=1)


def provider_key_file(provider: str) -> str:
    """The file, and the secret, that holds a provider's own API key."""
    return f"{paths.PROVIDER_KEY_PREFIX}{provider}"
