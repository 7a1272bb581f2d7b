"""The files that the gateway's pod mounts: its settings, and its API keys as hashes.

Plain data in, text out. The settings name secrets by file and never hold one.
"""

import json
from collections.abc import Mapping, Sequence

from contract import paths, ports
from infra.secret_names import provider_secret
from infra.settings import Admission, ApiKey, Gateway, Timeouts

__all__ = ["api_keys_file", "settings_file"]


def settings_file(gateway: Gateway, *, redis_hosts: Sequence[str], master: str) -> str:
    """The gateway's settings; JSON, which is YAML too."""
    document = {
        "listen": {"host": "0.0.0.0", "port": ports.GATEWAY_HTTP},  # noqa: S104 - in a pod
        "health": {"host": "0.0.0.0", "port": ports.GATEWAY_HEALTH},  # noqa: S104 - in a pod
        "drain": {
            "serve_seconds": gateway.shutdown.serve.seconds,
            "grace_seconds": gateway.shutdown.grace.whole_seconds,
        },
        "admission": _admission(gateway.admission),
        "timeouts": _timeouts(gateway.timeouts),
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
            name: {**provider.model_dump(), "api_key_file": provider_secret(name)}
            for name, provider in gateway.providers.items()
        },
        "models": {name: model.model_dump() for name, model in gateway.models.items()},
    }
    return json.dumps(document, indent=1)


def api_keys_file(keys: Mapping[str, ApiKey], hashes: Mapping[str, str]) -> str:
    """The API keys' limits, each beside the SHA-256 of its secret, which `hashes` has by id."""
    entries = [
        {"id": name, "sha256": hashes[name], **key.model_dump()} for name, key in keys.items()
    ]
    return json.dumps({"keys": entries}, indent=1)


def _admission(admission: Admission) -> Mapping[str, float]:
    return {
        "max_in_flight": admission.max_in_flight,
        "queue": admission.queue,
        "max_body_bytes": admission.max_body_bytes,
        "max_buffered_bytes": admission.max_buffered_bytes,
        "deadline_seconds": admission.deadline.seconds,
    }


def _timeouts(timeouts: Timeouts) -> Mapping[str, float]:
    return {
        "connect_seconds": timeouts.connect.seconds,
        "headers_seconds": timeouts.headers.seconds,
        "first_content_seconds": timeouts.first_content.seconds,
        "gap_seconds": timeouts.gap.seconds,
        "answer_seconds": timeouts.answer.seconds,
    }
