"""The secrets of compose.yaml: a folder of files that is in no repository."""

import hashlib
import secrets
from pathlib import Path

from contract.paths import API_KEYS_FILE
from infra.components.gateway.files import api_keys_file
from infra.config import Gateway
from infra.docker_compose.atomic_write import swap_in
from infra.secret_names import REDIS_SECRETS, api_key_secret, provider_secrets

__all__ = ["GRAFANA", "write_secrets"]

GRAFANA = "grafana-admin-password"
_BYTES = 32
_READABLE = 0o444
"""Containers run as another user; the folder itself is closed to everybody else."""


def write_secrets(folder: Path, gateway: Gateway) -> list[str]:
    """Create the missing files and keep the existing ones; returns the names of the created files.

    A provider's key is random, too: replace it with the real one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    wanted = [
        GRAFANA,
        *REDIS_SECRETS,
        *(
            secret
            for name, provider in gateway.providers.items()
            for secret in provider_secrets(name, provider)
        ),
        *(api_key_secret(name) for name in gateway.api_keys),
    ]
    made = [name for name in wanted if not (folder / name).exists()]
    for name in made:
        swap_in(folder / name, secrets.token_urlsafe(_BYTES), _READABLE)
    hashes = {
        name: hashlib.sha256((folder / api_key_secret(name)).read_bytes().strip()).hexdigest()
        for name in gateway.api_keys
    }
    text = api_keys_file(gateway.api_keys, hashes, gateway.revoked_api_keys)
    file = folder / API_KEYS_FILE
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        swap_in(file, text, _READABLE)
        made.append(API_KEYS_FILE)
    return made
