"""Recovery from an interrupted operation: stale locks, damaged states, copies of the state.

A killed CLI leaves its lock behind. Pulumi then refuses every update with a message that names the
host and the process of the holder; this holds for every backend.
"""

import json
import re
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seawall.common.errors import HostError
from seawall.engine.errors import WorkspaceError
from seawall.engine.layout import Layout
from seawall.engine.snapshot import DamagedError, Snapshot

__all__ = ["Lock", "keep_copy", "locks_in", "may_be_deployed", "read_or_restore"]

_ROOM = 4 << 20
"""Bytes in addition to the copies of the state: history, locks, event log of one operation."""
_SPARE_COPIES = 8
"""Pulumi keeps the state, the previous one and a copy for each update, plus files in writing."""

_LOCK = re.compile(r"created by (?P<user>\S*?)@(?P<host>\S+) \(pid (?P<pid>\d+)\)")
"""The format in pkg/backend/diy/lock.go: one line for each lock."""


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock of a stack."""

    user: str
    hostname: str
    pid: int

    @property
    def is_here(self) -> bool:
        """Whether its holder was, or is, a process on this machine."""
        return self.hostname == socket.gethostname()

    @property
    def is_living_here(self) -> bool:
        """Whether its holder is a running process on this machine.

        The kernel may reuse a process id, so the process must also be a Pulumi process.
        """
        if not self.is_here:
            return False
        try:
            command = Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return False
        # Empty for a zombie: a dead process that its parent has not reaped yet.
        return b"pulumi" in command

    @property
    def is_stale(self) -> bool:
        """Whether its holder is known to have ended; never true for other machines."""
        return self.is_here and not self.is_living_here

    def __str__(self) -> str:
        return f"{self.user}@{self.hostname}, process {self.pid}"


def locks_in(message: str) -> list[Lock]:
    """The locks that the CLI's message lists."""
    return [
        Lock(report["user"], report["host"], int(report["pid"]))
        for report in _LOCK.finditer(message)
    ]


def read_or_restore(layout: Layout) -> tuple[Snapshot, str | None]:
    """The state in the file backend, and a line about its repair when it was damaged.

    A damaged file is kept next to the restored one. The copy lacks the objects that were created
    after it was made, so the caller refreshes and adopts.

    Raises:
        WorkspaceError: the state is damaged and there is no good copy.
    """
    path = layout.checkpoint
    _drop_damaged_sidecar(path)
    try:
        return Snapshot.of_file(path.read_bytes()), None
    except FileNotFoundError:
        return Snapshot(), None
    except DamagedError as damage:
        for copy in _copies(layout):
            try:
                snapshot = Snapshot.of_file(copy.read_bytes())
            except DamagedError:
                continue
            kept = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
            path.replace(kept)
            shutil.copyfile(copy, path)
            report = f"the state {path.name} was damaged ({damage}); restored from {copy.name}"
            return snapshot, f"{report}; the damaged file is kept as {kept}"
        raise WorkspaceError(
            f"the state {path} is damaged ({damage}) and there is no good copy next to it; "
            f"restore a backup with `seawall state restore {layout.env} FILE`"
        ) from damage


def _drop_damaged_sidecar(path: Path) -> None:
    """Remove an incomplete attributes file next to the state, left by a killed CLI.

    Only an older kit, or a CLI that the user ran on this folder, writes such a file. It holds a
    checksum that the CLI never compares. The CLI reads the state without the file, but not with an
    incomplete one.
    """
    sidecar = path.with_name(f"{path.name}.attrs")
    try:
        json.loads(sidecar.read_bytes())
    except FileNotFoundError:
        return
    except ValueError:
        sidecar.unlink(missing_ok=True)


def may_be_deployed(layout: Layout) -> bool:
    """Whether the state in the file backend has resources, or is damaged. Changes nothing."""
    try:
        return Snapshot.of_file(layout.checkpoint.read_bytes()).stack is not None
    except FileNotFoundError:
        return False
    except DamagedError:
        return True


def keep_copy(layout: Layout) -> None:
    """Keep a copy of the file backend's state, and make sure that a new one fits on its disk.

    Raises:
        HostError: the disk is full; nothing was touched.
    """
    try:
        text = layout.checkpoint.read_bytes()
    except FileNotFoundError:
        text = b""
    layout.files.mkdir(parents=True, exist_ok=True)
    need = _ROOM + _SPARE_COPIES * len(text)
    free = shutil.disk_usage(layout.files).free
    if free < need:
        raise HostError(
            f"{layout.files}: {free >> 20} MiB free, but saving the state needs {need >> 20} MiB: "
            "free some space and run this again; nothing was changed"
        )
    if not text:
        return
    layout.backups.mkdir(parents=True, exist_ok=True)
    fresh = layout.last_copy.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(text)
    fresh.replace(layout.last_copy)


def _copies(layout: Layout) -> Iterator[Path]:
    """The existing copies of the state, newest first."""
    backup = Path(f"{layout.checkpoint}.bak")
    older = sorted(
        layout.older_checkpoints.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    yield from (path for path in (backup, *older, layout.last_copy) if path.is_file())
