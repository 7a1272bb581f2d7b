"""The files that the gateway's pod mounts: its settings, and its API keys as hashes.

The functions take plain data and return text. The settings name secrets by file and never contain
one.
"""

import json
from collections.abc import Mapping, Sequence

from contract import paths, ports
from infra.config import Admission, ApiKey, Gateway, Model, Provider, Timeouts, Tracing
from infra.secret_names import provider_secrets

__all__ = ["api_keys_file", "settings_file"]


def settings_file(
    gateway: Gateway, *, redis_hosts: Sequence[str], master: str, reload: bool
) -> str:
    """The gateway's settings as JSON, which is also YAML.

    `reload`: whether the gateway reads the file again when it changes.
    """
    document = {
        "listen": {"host": "0.0.0.0", "port": ports.GATEWAY_HTTP},  # noqa: S104 - in a pod
        "health": {"host": "0.0.0.0", "port": ports.GATEWAY_HEALTH},  # noqa: S104 - in a pod
        "drain": {
            "serve_seconds": gateway.shutdown.serve.seconds,
            "grace_seconds": gateway.shutdown.grace.whole_seconds,
        },
        "admission": _admission(gateway.admission),
        "timeouts": _timeouts(gateway.timeouts),
        "degradation": {
            "stale_seconds": gateway.degradation.stale_answers.seconds,
            "stale_bytes": gateway.degradation.stale_bytes,
        },
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
        "models": {name: _model(model) for name, model in gateway.models.items()},
    }
    return json.dumps(document, indent=1)


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


def _admission(admission: Admission) -> Mapping[str, float]:
    return {
        "max_in_flight": admission.max_in_flight,
        "queue": admission.queue,
        "max_body_bytes": admission.max_body_bytes,
        "max_buffered_bytes": admission.max_buffered_bytes,
        "deadline_seconds": admission.deadline.seconds,
        "adaptive": admission.adaptive,
    }


def _timeouts(timeouts: Timeouts) -> Mapping[str, float]:
    return {
        "connect_seconds": timeouts.connect.seconds,
        "headers_seconds": timeouts.headers.seconds,
        "first_content_seconds": timeouts.first_content.seconds,
        "gap_seconds": timeouts.gap.seconds,
        "quiet_seconds": timeouts.quiet.seconds,
        "answer_seconds": timeouts.answer.seconds,
    }


def _tracing(tracing: Tracing) -> Mapping[str, object]:
    return {
        "endpoint": tracing.endpoint,
        "sample_ratio": tracing.sample_ratio,
        "headers_file": paths.TRACING_HEADERS_FILE if tracing.headers else None,
    }


def _provider(name: str, provider: Provider) -> Mapping[str, object]:
    first, *spare = provider_secrets(name, provider)
    return {
        "kind": provider.kind,
        "base_url": provider.base_url,
        "api_key_file": first,
        "spare_api_key_files": spare,
        "prices": {
            model: prices.model_dump(exclude_none=True) for model, prices in provider.prices.items()
        },
        "limits": provider.limits.model_dump(exclude_none=True),
        # Left out when not configured: pods of the previous release read this file, too.
        **provider.model_dump(include={"ask_for_streams"}, exclude_none=True),
    }


def _model(model: Model) -> Mapping[str, object]:
    own = model.timeouts
    timeouts = {
        "headers_seconds": own.headers,
        "first_content_seconds": own.first_content,
        "gap_seconds": own.gap,
        "answer_seconds": own.answer,
    }
    return {
        "targets": [target.model_dump(exclude_defaults=True) for target in model.targets],
        "fallbacks": list(model.fallbacks),
        "timeouts": {name: given.seconds for name, given in timeouts.items() if given is not None},
    }
