"""Generated secrets of an environment, kept encrypted in its generated stack configuration.

Each secret is generated once; values that a user has set are kept. No secret is ever an argument of
a process: the CLI reads each from standard input.
"""

import secrets
from collections.abc import Iterable
from typing import Protocol

from seawall.engine.layout import Layout
from seawall.engine.workspace import SECRETS, kept_secrets

__all__ = ["SetSecret", "ensure_secrets"]

_TOKEN_BYTES = 32
"""256 bits: as many as the SHA-256 digests in which the gateway stores API keys."""


class SetSecret(Protocol):
    """Store one encrypted value in the stack's configuration."""

    def __call__(self, path: str, value: str) -> None:
        """Store `value` at the configuration path."""
        ...


def ensure_secrets(layout: Layout, names: Iterable[str], store: SetSecret) -> list[str]:
    """Generate the secrets of `names` that have no value yet; returns the generated names."""
    have = kept_secrets(layout, SECRETS)
    missing = [name for name in names if name not in have]
    for name in missing:
        store(f"{SECRETS}.{name}", secrets.token_urlsafe(_TOKEN_BYTES))
    return missing
