"""The environment of a pod: environment variables and mounted secret files."""

import os
from pathlib import Path

__all__ = ["SettingsError", "number", "secret", "text"]


class SettingsError(Exception):
    """A variable or a secret file is missing or malformed; the message says what it should be."""


def text(name: str) -> str:
    """An environment variable; raises SettingsError when it is not set or empty."""
    value = os.environ.get(name, "")
    if not value:
        raise SettingsError(f"environment variable {name} is not set")
    return value


def number(name: str, default: int | None = None) -> int:
    """A whole number from an environment variable.

    Raises:
        SettingsError: it is not a whole number, or it is not set and there is no default.
    """
    if default is not None and name not in os.environ:
        return default
    value = text(name)
    if not value.isdecimal():
        raise SettingsError(f"environment variable {name}={value!r} is not a whole number")
    return int(value)


def secret(folder: Path, name: str) -> str:
    """A mounted secret, without the white space around it.

    Raises:
        SettingsError: the file is missing, empty or not text.
    """
    file = folder / name
    try:
        value = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as failed:
        raise SettingsError(f"secret file {file} cannot be read: mount it") from failed
    if not value:
        raise SettingsError(f"secret file {file} is empty: fill it")
    return value
