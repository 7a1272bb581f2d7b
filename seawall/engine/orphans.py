"""Providers that outlive a killed CLI: they never end, and may still be changing objects.

The CLI is the parent process of a provider in use; the parent of an orphan is another process. Only
orphans with this checkout's PULUMI_HOME are killed.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from seawall.engine.layout import Layout
from seawall.engine.programs import PROVIDER

__all__ = ["end_orphaned_providers"]


def end_orphaned_providers(layout: Layout) -> None:
    """Kill the orphans with SIGKILL; processes of other users are left alone."""
    for pid in _orphans(f"PULUMI_HOME={layout.pulumi_home}"):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _orphans(variable: str) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if not _is(entry, PROVIDER):
                continue
            variables = (entry / "environ").read_bytes().split(b"\0")
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            if variable.encode() in variables and not _is(Path("/proc", parent), "pulumi"):
                yield int(entry.name)


def _is(process: Path, name: str) -> bool:
    """Whether the process runs the program; false for a process that has ended."""
    program = (process / "cmdline").read_bytes().split(b"\0", 1)[0]
    return Path(os.fsdecode(program)).name == name
