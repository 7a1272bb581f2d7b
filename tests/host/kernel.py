"""Kernel state of a host: mounts, network, packet filters, control groups, settings."""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

__all__ = ["cgroups", "devices", "lines", "links", "mounts", "routes", "rules", "settings"]

_FILTERS = (
    ("iptables-legacy-save",),
    ("iptables-nft-save",),
    ("ip6tables-legacy-save",),
    ("ip6tables-nft-save",),
    ("arptables-nft-save",),
    ("ebtables-nft-save",),
    ("nft", "--stateless", "list", "ruleset"),
    ("ipset", "save"),
    ("ip", "rule"),
    ("ip", "-6", "rule"),
)
"""Each command may show rules that the others miss. A missing program cannot have set rules."""
_COUNTERS = re.compile(r"\[\d+:\d+\]|^#.*$")
_FRAME = re.compile(
    r"\*\w+|:[A-Z]+ ACCEPT|COMMIT"
    r"|table \w+ \w+ \{|chain [A-Z]+ \{|type \w+ hook \w+ priority .*; policy accept;|\}"
)
"""Lines of an empty table and its built-in chains, which stay after their first use. A table
without rules does nothing."""
_CGROUPS = Path("/sys/fs/cgroup")
_OUR_CGROUPS = re.compile(r"sw[0-9a-f]{6}|seawall|kube|containerd|buildah|runc")
_SETTINGS = Path("/proc/sys")
_RESTLESS = re.compile(
    r"^fs/(dentry-state|.*-nr$|inode-state|quota|aio-nr)"
    r"|^kernel/(random|ns_last_pid|pty/nr|sched_domain|perf_event_max_sample_rate)"
    r"|^net/ipv[46]/(conf|neigh)/(?!all/|default/|lo/)|^net/ipv6/conf/[^/]+/stable_secret"
    r"|^net/netfilter/nf_conntrack_count|^net/ipv4/route/|^vm/(stat_refresh|compact_memory)"
)
"""Settings that count or measure, or that belong to one interface and vanish with it."""


def mounts() -> Iterator[str]:
    """Mounts as target, type and source; numbered, because one mount may cover another."""
    seen: Counter[str] = Counter()
    for line in Path("/proc/self/mounts").read_text().splitlines():
        source, target, kind = line.split()[:3]
        mount = f"{target} {kind} {source}"
        seen[mount] += 1
        yield f"{mount} #{seen[mount]}"


def links() -> Iterator[str]:
    """Network interfaces with their addresses."""
    yield from (line.split(":")[1].strip() for line in lines("ip", "-o", "link"))
    yield from (" ".join(line.split()[1:4]) for line in lines("ip", "-o", "address"))


def routes() -> Iterator[str]:
    """Routes of both address families, in all tables."""
    for family in ("-4", "-6"):
        for line in lines("ip", family, "route", "show", "table", "all"):
            yield re.sub(r" expires \d+sec", "", line)


def rules() -> Iterator[str]:
    """Packet filter rules with their chains, address sets, and routing rules."""
    for command in _FILTERS:
        if shutil.which(command[0]):
            for line in lines(*command):
                rule = _COUNTERS.sub("", line).strip()
                if rule and not _FRAME.fullmatch(rule):
                    yield f"{' '.join(command)}: {rule}"


def cgroups() -> Iterator[str]:
    """Top-level control groups, and deeper ones of the kit: other services come and go there."""
    unified = (_CGROUPS / "cgroup.controllers").exists()
    trees = [_CGROUPS] if unified else [d for d in _CGROUPS.iterdir() if not d.is_symlink()]
    for tree in trees:
        for folder, groups, _ in os.walk(tree):
            for group in groups:
                name = f"{folder}/{group}"
                if folder == str(tree) or _OUR_CGROUPS.search(name):
                    yield name


def settings() -> Iterator[str]:
    """Every sysctl with its value."""
    files = [Path(folder, name) for folder, _, found in os.walk(_SETTINGS) for name in found]
    for file in files:
        name = str(file.relative_to(_SETTINGS))
        if _RESTLESS.search(name):
            continue
        try:
            value = file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            continue
        yield f"{name} = {value}"


def devices() -> Iterator[str]:
    """Loop devices in use, and device-mapper devices."""
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        yield f"{backing.parts[3]} {backing.read_text().strip()}"
    for name in Path("/sys/block").glob("dm-*/dm/name"):
        yield f"{name.parts[3]} {name.read_text().strip()}"


def lines(*command: str) -> list[str]:
    """The output lines of a command."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()
