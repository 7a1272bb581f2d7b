"""Find the processes of machines on this host, even when the files about them are lost."""

import re
from collections.abc import Iterator
from pathlib import Path

from seawall.testbed.cluster.instance import Instance

__all__ = ["processes_naming", "running_machines", "when_started"]


def processes_naming(file: Path) -> list[int]:
    """Every process with `file` on its command line."""
    needle = str(file).encode()
    return [pid for pid, command in _commands() if needle in command]


def running_machines(instance: Instance) -> set[str]:
    """The names of an instance's running machines."""
    pattern = re.compile(re.escape(f"{instance.data}/".encode()) + rb"(\w+)/machine\.json")
    return {name.decode() for _, command in _commands() for name in pattern.findall(command)}


def when_started(pid: int) -> str:
    """The start time of a process, in clock ticks since boot; with the pid it is unique.

    Raises:
        OSError, ValueError: the process has ended, or it is a zombie.
    """
    # The name in field 2 may contain spaces and parentheses; the fields after it do not.
    state, *fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    if state == "Z":
        raise ValueError(f"process {pid} is dead")
    return fields[18]


def _commands() -> Iterator[tuple[int, bytes]]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            yield int(entry.name), (entry / "cmdline").read_bytes()
        except OSError:
            continue
