"""The control groups of an instance, for cgroup v1 (one tree per controller) and v2 (one tree)."""

import os
from pathlib import Path

from seawall.common.errors import ClusterError
from seawall.common.wait import TimedOutError, wait_until
from seawall.testbed.cluster.instance import Instance

__all__ = ["cgroup_root", "make_cgroups", "missing_controllers", "remove_cgroups", "version"]

_ROOT = Path("/sys/fs/cgroup")
_NEEDED = {
    1: {"cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids"},
    2: {"cpu", "cpuset", "memory", "pids"},
}
"""Without them a kubelet refuses to start, or runc refuses to start a container."""
_WEIGHTS = {"cpu.shares": (1024, 262_144), "cpu.weight": (100, 10_000)}
"""CPU weights of version 1 and 2: the default of a group, used once per processor; the maximum."""
_V2_CONTROLLERS = ("cpu", "cpuset", "io", "memory", "pids")


def version(root: Path = _ROOT) -> int:
    """The version, 1 or 2, that this machine mounts at /sys/fs/cgroup."""
    return 2 if (root / "cgroup.controllers").exists() else 1


def missing_controllers(root: Path = _ROOT, listed: Path = Path("/proc/cgroups")) -> list[str]:
    """The controllers that containers need and that this machine lacks.

    Args:
        root: the mount point of the control groups.
        listed: the kernel's list of controllers; used for version 1 only.
    """
    found = version(root)
    if found == 2:  # noqa: PLR2004 - cgroup v2
        offered = set((root / "cgroup.controllers").read_text().split())
    else:
        rows = [line.split() for line in listed.read_text().splitlines()[1:]]
        enabled = {name for name, _, _, state in rows if state == "1"}
        offered = {name for name in enabled if (root / name).is_dir()}
    return sorted(_NEEDED[found] - offered)


def cgroup_root(instance: Instance, machine: str) -> str:
    """The kubelet's `cgroupRoot`, which contains all pods of a node."""
    return f"/{instance.name}/{machine}"


def make_cgroups(instance: Instance, machine: str) -> None:
    """Create the groups of one machine in every controller; existing groups are kept.

    The CPU weight of the instance is that of its nodes as separate machines. With the default
    weight, all pods together would get no more time of a busy host than one of its processes.
    """
    for tree in _managed_trees():
        group = tree
        for part in (instance.name, machine):
            parent, group = group, group / part
            if version() == 2:  # noqa: PLR2004 - cgroup v2
                _delegate(parent)
            group.mkdir(exist_ok=True)
            for setting in ("cpuset.cpus", "cpuset.mems"):
                if version() == 1 and (group / setting).exists():
                    # v1 cpusets start empty, and no process can run in an empty one
                    (group / setting).write_text((parent / setting).read_text())
        for setting, (usual, most) in _WEIGHTS.items():
            weight = tree / instance.name / setting
            if weight.exists():
                weight.write_text(str(min(most, usual * instance.nodes * (os.cpu_count() or 1))))


def remove_cgroups(instance: Instance, machine: str = "") -> None:
    """Remove the (already empty) groups of a machine, or of the whole instance.

    Raises:
        ClusterError: a group still has processes after 10 s.
    """
    # runc creates groups in the unified tree as well as in the v1 trees
    roots = [tree / instance.name / machine for tree in [_ROOT / "unified", *_managed_trees()]]
    try:
        wait_until(
            lambda: [_removed(root) for root in roots].count(False) == 0,
            deadline_s=10,
            what=f"the control groups of {instance.name} to be empty",
            interval_s=0.1,
        )
    except TimedOutError as late:
        raise ClusterError(str(late)) from late


def _managed_trees() -> list[Path]:
    if version() == 2:  # noqa: PLR2004 - cgroup v2
        return [_ROOT]
    return [t for t in _ROOT.iterdir() if t.is_dir() and not t.is_symlink() and t.name != "unified"]


def _delegate(group: Path) -> None:
    offered = (group / "cgroup.controllers").read_text().split()
    wanted = " ".join(f"+{c}" for c in _V2_CONTROLLERS if c in offered)
    (group / "cgroup.subtree_control").write_text(wanted)


def _removed(root: Path) -> bool:
    if not root.is_dir():
        return True
    groups = [root, *(d for d in root.rglob("*") if d.is_dir())]
    for group in sorted(groups, key=lambda d: len(d.parts), reverse=True):
        try:
            group.rmdir()
        except OSError:
            return False  # its last processes are still ending
    return True
