"""Files that containers read while they are written anew."""

import os
from pathlib import Path

__all__ = ["swap_in"]


def swap_in(file: Path, text: str, mode: int) -> None:
    """Write the file whole or not at all, with this mode whatever the umask: it is renamed in."""
    fresh = file.with_name(f".{file.name}.new")
    # Of a run that was cut off, and perhaps not to be written to.
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as writer:
        # Containers read it as a user of their own.
        os.fchmod(descriptor, mode)
        writer.write(text)
    fresh.replace(file)
