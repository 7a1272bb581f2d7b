"""Finding out that the last update was cut off: a lock whose process is dead, or unfinished work.

The file backend locks a stack with a file that names host and process. A CLI that was killed
leaves it behind, and Pulumi then refuses every update.
"""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from seawall.engine.layout import Layout

__all__ = ["Lock", "has_pending_operations", "locks"]


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock of a stack."""

    path: Path
    pid: int
    hostname: str

    @property
    def is_stale(self) -> bool:
        """Its holder was on this machine and is gone.

        A process id may have been given away again, so it must also be a Pulumi process. A lock of
        another machine is never called stale.
        """
        if self.hostname != socket.gethostname():
            return False
        try:
            command = Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return True
        # Empty for a zombie: dead, and not yet waited for.
        return b"pulumi" not in command


def locks(layout: Layout, project: str) -> list[Lock]:
    """The locks of the environment's stack."""
    folder = layout.backend / ".pulumi" / "locks" / "organization" / project / layout.env
    found: list[Lock] = []
    for path in sorted(folder.glob("*.json")):
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))
            found.append(Lock(path, int(entry["pid"]), str(entry["hostname"])))
        except (KeyError, OSError, TypeError, ValueError):
            # Torn by the crash, or just released: of no known holder, so never stale.
            continue
    return found


def has_pending_operations(layout: Layout, project: str) -> bool:
    """Whether the state says that an operation began and never ended."""
    path = layout.backend / ".pulumi" / "stacks" / project / f"{layout.env}.json"
    try:
        document = cast("dict[str, dict[str, dict[str, object]]]", json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return False
    latest = document.get("checkpoint", {}).get("latest") or {}
    return bool(latest.get("pending_operations"))
