"""File locks that the kernel drops when their holder dies, so a kill -9 never leaves one behind."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from seawall.common.errors import BusyError

__all__ = ["exclusive", "try_exclusive"]


@contextmanager
def exclusive(path: Path) -> Generator[None]:
    """Hold the lock on `path`, waiting for whoever has it."""
    with _opened(path) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def try_exclusive(path: Path, *, what: str) -> Generator[None]:
    """Hold the lock on `path`, or say at once who has it.

    Args:
        path: the lock file; it names its holder while held.
        what: what the holder is doing, for the message.

    Raises:
        BusyError: another process holds it.
    """
    with _opened(path) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 100, 0).decode(errors="replace").strip() or "unknown"
            raise BusyError(
                f"{what} is already running for this checkout (process {holder}, lock {path}):"
                " wait for it to end, or end it, and run this again"
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)  # while it is held: nobody waits for this kind of lock


@contextmanager
def _opened(path: Path) -> Generator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)
