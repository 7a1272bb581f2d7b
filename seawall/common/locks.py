"""File locks that the kernel releases when their holder dies, even after kill -9."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from seawall.common.errors import BusyError

__all__ = ["exclusive", "try_exclusive"]


@contextmanager
def exclusive(path: Path) -> Generator[None]:
    """Hold the lock on `path`; wait while another process holds it."""
    with _opened(path) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def try_exclusive(path: Path, *, what: str) -> Generator[None]:
    """Hold the lock on `path`, or fail at once and name the holder.

    Args:
        path: the lock file; while held, it contains the process id of its holder.
        what: the task of the holder, for the message.

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
            path.unlink(missing_ok=True)  # safe while held: no process waits for this kind of lock


@contextmanager
def _opened(path: Path) -> Generator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)
