"""Processes of this host, their namespaces and their listening sockets."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.host.kernel import lines

__all__ = ["Process", "daemons", "listening", "namespaces", "pss_kib", "running"]

_KIND = re.compile(
    r"seawall/sw[0-9a-f]{6}|seawall-store|kube-|kubelet|containerd|etcd|pulumi-resource"
)
"""Command lines of the kit's programs that cannot be attributed to an instance otherwise."""
_INSTANCE = re.compile(r"sw[0-9a-f]{6}")
_HOME = re.compile(r"(?:^|\0)SEAWALL_HOME=([^\0]+)")
_NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `instances` are the cluster instances that it names or belongs to."""

    pid: int
    parent: int
    command: str
    instances: frozenset[str]
    namespaces: frozenset[str]

    @classmethod
    def of(cls, entry: Path) -> "Process":
        """Read a process; raises OSError if the process has ended."""
        pid = int(entry.name)
        command = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        searched_text = command + (entry / "cgroup").read_text()
        return cls(
            pid=pid,
            parent=int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]),
            command=command,
            instances=frozenset(_INSTANCE.findall(searched_text)) | _by_environment(entry),
            namespaces=frozenset(str((entry / "ns" / kind).readlink()) for kind in _NAMESPACES),
        )


def _by_environment(entry: Path) -> frozenset[str]:
    """The instance of the process' state folder, see `seawall.testbed.cluster`."""
    environment = (entry / "environ").read_bytes().decode(errors="replace")
    homes = [str(Path(home).resolve()) for home in _HOME.findall(environment)]
    return frozenset(f"sw{hashlib.sha256(home.encode()).hexdigest()[:6]}" for home in homes)


def running() -> Mapping[int, Process]:
    """All processes except this one and its descendants, which belong to the tests."""
    found: dict[int, Process] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found[int(entry.name)] = Process.of(entry)
        except OSError:
            continue
    return {pid: process for pid, process in found.items() if not _is_descendant(process, found)}


def _is_descendant(process: Process, found: Mapping[int, Process]) -> bool:
    while process.pid != os.getpid():
        if process.parent not in found:
            return False
        process = found[process.parent]
    return True


def _was_started_by_another_program(process: Process, found: Mapping[int, Process]) -> bool:
    """Whether a running program that is not part of the kit has started the process.

    A process that `down` forgot has lost its parent: its topmost ancestor is a program of the kit,
    or a program in its own namespaces.
    """
    while process.parent in found and process.parent != 1:
        process = found[process.parent]
    return not _KIND.search(process.command) and process.namespaces <= _own_namespaces()


def _instances_suffix(instances: frozenset[str]) -> str:
    return "".join(f" ({name})" for name in sorted(instances))


def daemons(found: Mapping[int, Process], instance: str) -> Iterator[str]:
    """Processes of the instance, and processes of the kit without an owner."""
    foreign = _namespaces_of_others(found.values(), instance)
    for process in found.values():
        ours = instance in process.instances
        ours_perhaps = _KIND.search(process.command) and not process.namespaces & foreign
        if ours or (ours_perhaps and not _was_started_by_another_program(process, found)):
            yield f"{process.pid} {process.command}{_instances_suffix(process.instances)}"


def namespaces(found: Mapping[int, Process], instance: str) -> Iterator[str]:
    """Namespaces of the instance's and of ownerless processes, except this process' own."""
    foreign = _namespaces_of_others(found.values(), instance)
    own = _own_namespaces()
    for process in found.values():
        ours = process.instances & {instance}
        if ours or not _was_started_by_another_program(process, found):
            yield from (
                f"{name}{_instances_suffix(ours)}" for name in process.namespaces - own - foreign
            )


def listening(found: Mapping[int, Process], instance: str) -> Iterator[str]:
    """Listening sockets of this network namespace, Unix sockets included.

    Other programs may listen on loopback and on Unix sockets: there, only the kit's count.
    """
    for line in [*lines("ss", "-Hltunp"), *lines("ss", "-Hlxp")]:
        pids = [int(pid) for pid in re.findall(r"pid=(\d+)", line)]
        holders = [found[pid] for pid in pids if pid in found]
        if pids and not holders:
            continue  # a process of the tests
        if holders and all(
            instance not in holder.instances and _was_started_by_another_program(holder, found)
            for holder in holders
        ):
            continue
        kind, address = line.split()[0], line.split()[4]
        marked = frozenset(name for holder in holders for name in holder.instances)
        ours = instance in marked or _KIND.search(line + " ".join(h.command for h in holders))
        private = kind.startswith("u_") or address.startswith(("127.", "[::1]"))
        if ours or not private:
            yield f"{kind} {address}{_instances_suffix(marked)}"


def _own_namespaces() -> frozenset[str]:
    return Process.of(Path(f"/proc/{os.getpid()}")).namespaces


def _namespaces_of_others(found: Iterable[Process], instance: str) -> set[str]:
    """Namespaces that contain a process of another instance."""
    own = _own_namespaces()
    return {n for p in found if p.instances - {instance} for n in p.namespaces - own}


def pss_kib(pid: int) -> int:
    """Proportional set size in KiB: private memory plus the process' share of shared memory."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has ended
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(found[1]) if found else 0
