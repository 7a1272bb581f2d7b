"""A picture of this host: everything that a cluster might leave behind."""

import re
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path

__all__ = ["Picture", "take_picture"]

_OURS = re.compile(rb"seawall/sw[0-9a-f]{6}|kube-|containerd|etcd|pulumi-")


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
    sockets: frozenset[str]
    files: frozenset[str]

    def left_since(self, before: "Picture") -> dict[str, list[str]]:
        """What is there now and was not before, by kind; empty kinds are left out."""
        grown = {
            field.name: sorted(getattr(self, field.name) - getattr(before, field.name))
            for field in fields(self)
        }
        return {kind: names for kind, names in grown.items() if names}


def take_picture() -> Picture:
    """Look at everything once."""
    return Picture(
        processes=frozenset(_processes()),
        mounts=frozenset(line.split()[1] for line in _read("/proc/mounts")),
        namespaces=frozenset(_namespaces()),
        links=frozenset(line.split(":")[1].strip() for line in _lines("ip", "-o", "link")),
        routes=frozenset(_lines("ip", "route", "show", "table", "all")),
        rules=frozenset(_rules()),
        cgroups=frozenset(str(d) for d in Path("/sys/fs/cgroup").glob("*/*/") if d.is_dir()),
        sockets=frozenset(line.split()[3] for line in _lines("ss", "-Hltn")),
        files=frozenset(
            str(path)
            for pattern in ("run/*", "run/netns/*", "var/lib/*", "var/log/*", "opt/*", "etc/cni/*")
            for path in Path("/").glob(pattern)
        ),
    )


def _processes() -> list[str]:
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if _OURS.search(command):
            words = command.decode(errors="replace").replace("\0", " ")
            found.append(f"{entry.name} {words}")
    return found


def _namespaces() -> set[str]:
    """Of every process: pid and network namespaces other than this one's."""
    found: set[str] = set()
    for kind in ("pid", "net"):
        own = Path(f"/proc/self/ns/{kind}").readlink()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                namespace = (entry / "ns" / kind).readlink()
            except OSError:
                continue
            if namespace != own:
                found.add(str(namespace))
    return found


def _rules() -> list[str]:
    """Packet filter rules without their counters."""
    rules = [line for line in _lines("iptables-save") if line.startswith("-A")]
    return rules + _lines("ip", "rule")


def _lines(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def _read(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
