"""Writing files that containers read at the same time."""

import os
from pathlib import Path

__all__ = ["swap_in"]


def swap_in(file: Path, text: str, mode: int) -> None:
    """Write the whole file or nothing, by a rename, and with this mode whatever the umask."""
    fresh = file.with_name(f".{file.name}.new")
    # Left by an interrupted run, and perhaps not writable.
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as writer:
        # Containers read it as another user.
        os.fchmod(descriptor, mode)
        writer.write(text)
    fresh.replace(file)
