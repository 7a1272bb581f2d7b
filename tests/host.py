"""A picture of this host: everything that a cluster might leave behind.

Other clusters of this kit may come and go on the same machine while a test runs; what carries the
name of another instance is left out.
"""

import os
import re
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path

__all__ = ["Picture", "take_picture"]

_OURS = re.compile(r"seawall/sw[0-9a-f]{6}|seawall-store|kube-|containerd|etcd|pulumi-resource")
_INSTANCE = re.compile(r"sw[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Picture:
    """Each a set of names; equal pictures mean that nothing was left."""

    processes: frozenset[str]
    mounts: frozenset[str]
    namespaces: frozenset[str]
    links: frozenset[str]
    routes: frozenset[str]
    rules: frozenset[str]
    cgroups: frozenset[str]
    files: frozenset[str]
    listening: frozenset[str]

    def left_since(self, before: "Picture") -> dict[str, list[str]]:
        """What is there now and was not before, by kind; empty kinds are left out."""
        grown = {
            field.name: sorted(getattr(self, field.name) - getattr(before, field.name))
            for field in fields(self)
        }
        return {kind: names for kind, names in grown.items() if names}


def take_picture(instance: str) -> Picture:
    """Look at everything once; `instance` is the name of the cluster in question."""

    def kept(lines: list[str]) -> frozenset[str]:
        return frozenset(x for x in lines if set(_INSTANCE.findall(x)) <= {instance})

    processes = [p for p in _processes() if not p.belongs_to_another(instance)]
    other_spaces = {n for p in _processes() if p.names() - {instance} for n in p.namespaces}
    own_spaces = _Process.of(Path("/proc/self")).namespaces
    ours = [p for p in processes if not (p.namespaces & other_spaces) - own_spaces]
    return Picture(
        processes=frozenset(f"{p.pid} {p.command}" for p in ours if _OURS.search(p.command)),
        namespaces=frozenset(n for p in ours for n in p.namespaces - own_spaces),
        mounts=kept([line.split()[1] for line in _read("/proc/mounts")]),
        links=kept([line.split(":")[1].strip() for line in _lines("ip", "-o", "link")]),
        routes=kept(_lines("ip", "route", "show", "table", "all")),
        rules=frozenset(_rules()),
        listening=frozenset(_listening()),
        cgroups=kept([str(d) for d in Path("/sys/fs/cgroup").glob("*/*/") if d.is_dir()]),
        files=kept(
            [
                str(path)
                for where in ("run/*", "run/netns/*", "run/seawall/*", "var/lib/*", "opt/*")
                for path in Path("/").glob(where)
            ]
            + [str(path) for where in ("var/log/*", "etc/cni/*") for path in Path("/").glob(where)]
        ),
    )


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    command: str
    cgroups: str
    namespaces: frozenset[str]

    @classmethod
    def of(cls, entry: Path) -> "_Process":
        """Raises OSError when it has ended."""
        return cls(
            pid=int(entry.resolve().name),
            command=(entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " "),
            cgroups=(entry / "cgroup").read_text(),
            namespaces=frozenset(
                str((entry / "ns" / kind).readlink()) for kind in ("pid", "net", "mnt")
            ),
        )

    def names(self) -> set[str]:
        """The instances that it speaks of, or whose control groups it is in."""
        return set(_INSTANCE.findall(self.command + self.cgroups))

    def belongs_to_another(self, instance: str) -> bool:
        return bool(self.names() - {instance})


def _processes() -> list[_Process]:
    found: list[_Process] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found.append(_Process.of(entry))
        except OSError:
            continue
    return found


def _listening() -> list[str]:
    """Listening sockets of this network, but for the tests' own servers and others' on loopback."""
    found: list[str] = []
    for line in _lines("ss", "-Hltunp"):
        address = line.split()[4]
        pids = [int(pid) for pid in re.findall(r"pid=(\d+)", line)]
        ours = bool(_OURS.search(line))
        loopback = address.startswith(("127.", "[::1]"))
        if not any(_is_below_us(pid) for pid in pids) and (ours or not loopback):
            found.append(f"{line.split()[0]} {address}")
    return found


def _is_below_us(pid: int) -> bool:
    """Whether a process is this one, or was started by it."""
    while pid > 1:
        if pid == os.getpid():
            return True
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            return False
    return False


def _rules() -> list[str]:
    """Packet filter rules without their counters."""
    rules = [line for line in _lines("iptables-save") if line.startswith("-A")]
    return rules + _lines("ip", "rule")


def _lines(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def _read(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
