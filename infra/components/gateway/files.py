"""The files that the gateway's pod mounts: its settings, and its API keys as hashes.

The functions take plain data and return text. The settings name secrets by file and never contain
one.
"""

import json
from collections.abc import Mapping, Sequence

from contract import paths, ports
from contract.gateway_config.earlier_form import to_earlier_form
from infra.config import ApiKey, Gateway, Provider, Tracing
from infra.secret_names import provider_secrets

__all__ = ["api_keys_file", "settings_file"]


def settings_file(
    gateway: Gateway, *, redis_hosts: Sequence[str], master: str, reload: bool
) -> str:
    """The gateway's settings as JSON, which is also YAML, in the earlier form.

    `reload`: whether the gateway reads the file again when it changes.
    """
    document = {
        "listen": {"host": "0.0.0.0", "port": ports.GATEWAY_HTTP},  # noqa: S104 - in a pod
        "health": {"host": "0.0.0.0", "port": ports.GATEWAY_HEALTH},  # noqa: S104 - in a pod
        "shutdown": gateway.shutdown.model_dump(mode="json", include={"serve", "grace"}),
        **gateway.model_dump(
            mode="json", include={"admission", "timeouts", "degradation"}, exclude_none=True
        ),
        # Limits are divided by this number while Redis is unavailable: a lower one allows too much.
        "replicas": gateway.replicas.min,
        "state": {
            "kind": "redis",
            "sentinels": [f"{host}:{ports.SENTINEL}" for host in redis_hosts],
            "master": master,
            "user": "app",
            "password_file": paths.REDIS_APP_PASSWORD_FILE,
            "sentinel_password_file": paths.SENTINEL_PASSWORD_FILE,
        },
        "tracing": gateway.tracing and _tracing(gateway.tracing),
        "reload": reload,
        "secrets_dir": paths.SECRETS_DIR,
        "api_keys_file": paths.API_KEYS_FILE,
        "providers": {
            name: _provider(name, provider) for name, provider in gateway.providers.items()
        },
        # Without defaults: pods of the previous release refuse keys that they do not know.
        "models": {
            name: model.model_dump(mode="json", exclude_defaults=True)
            for name, model in gateway.models.items()
        },
    }
    return json.dumps(to_earlier_form(document), indent=1)


def api_keys_file(
    keys: Mapping[str, ApiKey], hashes: Mapping[str, str], revoked: Sequence[str] = ()
) -> str:
    """The API keys' limits, each with the SHA-256 of its secret, which `hashes` has by ID.

    `revoked` has the IDs of runtime keys that are refused.
    """
    entries = [
        {"id": name, "sha256": hashes[name], **key.model_dump(exclude_none=True)}
        for name, key in keys.items()
    ]
    # Only when there are some: an older gateway, which does not know this key, reads the file, too.
    refused = {"revoked": list(revoked)} if revoked else {}
    return json.dumps({"keys": entries, **refused}, indent=1)


def _tracing(tracing: Tracing) -> Mapping[str, object]:
    return {
        "endpoint": tracing.endpoint,
        "sample_ratio": tracing.sample_ratio,
        "headers_file": paths.TRACING_HEADERS_FILE if tracing.headers else None,
    }


def _provider(name: str, provider: Provider) -> Mapping[str, object]:
    first, *spare = provider_secrets(name, provider)
    return {
        **provider.model_dump(mode="json", exclude={"keys"}, exclude_none=True),
        "api_key_file": first,
        "spare_api_key_files": spare,
    }
