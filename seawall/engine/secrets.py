"""Generated secrets of an environment, kept encrypted in its generated stack configuration.

A secret is made once and stays; values that a person set are left alone. None is ever an
argument of a process: the CLI reads each from standard input.
"""

import secrets
from collections.abc import Iterable
from typing import Protocol

from seawall.engine.layout import Layout
from seawall.engine.workspace import kept_secrets

__all__ = ["CONFIG_KEY", "SetSecret", "ensure_secrets"]

CONFIG_KEY = "seawall:secrets"
"""The object in a stack's configuration below which every secret has its name."""

_TOKEN_BYTES = 32
"""256 bits: as much as the SHA-256 under which the gateway keeps API keys."""


class SetSecret(Protocol):
    """Store one encrypted value in the stack's configuration."""

    def __call__(self, path: str, value: str) -> None:
        """Store `value` at the configuration path."""
        ...


def ensure_secrets(layout: Layout, names: Iterable[str], store: SetSecret) -> list[str]:
    """Generate those of `names` that have no value yet; the names that were generated."""
    have = kept_secrets(layout, CONFIG_KEY)
    missing = [name for name in names if name not in have]
    for name in missing:
        store(f"{CONFIG_KEY}.{name}", secrets.token_urlsafe(_TOKEN_BYTES))
    return missing
