"""Files that change while the process runs: mounted secrets and key files.

Kubernetes swaps a symbolic link when a secret changes, so inode, size and mtime show the change.
"""

import time
from collections.abc import Callable
from pathlib import Path

from service.errors import SettingsError

__all__ = ["SecretFile", "Stamp", "stamp"]

CHECK_EVERY_S = 1.0

Stamp = tuple[int, int, int]


def stamp(path: Path) -> Stamp | None:
    """Inode, size and mtime, which change with the file; None when it does not exist."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


class SecretFile:
    """One secret in one file, read again when it changes; the last good value stays in use."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._stamp: Stamp | None = None
        self._checked_at = float("-inf")
        self._value: str | None = None

    def __repr__(self) -> str:
        return f"SecretFile({str(self._path)!r})"

    def value(self) -> str:
        """The secret, without surrounding white space; checks the file at most once a second.

        Raises:
            SettingsError: the file could never be read, or is empty.
        """
        now = self._clock()
        if now - self._checked_at >= CHECK_EVERY_S or self._value is None:
            self._checked_at = now
            self._refresh()
        if self._value is None:
            raise SettingsError(f"the secret file {self._path} is missing or empty")
        return self._value

    def _refresh(self) -> None:
        current = stamp(self._path)
        if current is None or current == self._stamp:
            return
        try:
            text = self._path.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError):
            return
        if text:
            self._stamp = current
            self._value = text
