"""What this machine has, what it lacks, and what to do about it. The checks change nothing."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from functools import partial
from pathlib import Path

from seawall.common.errors import BusyError, SeawallError
from seawall.engine.programs import installed_provider, provider_release
from seawall.testbed.cluster import cgroups
from seawall.testbed.cluster.instance import read_note
from seawall.testbed.cluster.kind import check_programs
from seawall.testbed.cluster.own_cluster import OwnCluster
from seawall.testbed.cluster.pki import check_keys
from seawall.testbed.kit import Kit
from seawall.testbed.local_environment import space_needed
from seawall.testbed.preflight import check_disk, check_kernel, check_root, free_gib
from seawall.testbed.toolchain.debian import CLUSTER_PACKAGES, TEST_PROGRAMS, missing_packages
from seawall.testbed.toolchain.engines import docker_runs
from seawall.testbed.toolchain.go import GO_TOOLS, OLDEST_GO, go_on_path

__all__ = ["Finding", "State", "examine"]

_VERIFIED_SYSTEM = ("debian", "12")
_VERIFIED_CGROUP = 1
_CORES = 2
_MEMORY_GIB = 4.0
"""Enough for three nodes with all their pods, and for a build at the same time."""
_GIB = 2**30


class State(Enum):
    """What a finding means."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; `make up` still works."""
    BAD = "bad"
    """`make up` would fail."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        what: the name of the check.
        state: how good or bad the result is.
        seen: what the check found.
        to_do: what to do about it; empty when there is nothing to do.
    """

    what: str
    state: State
    seen: str
    to_do: str = ""


def examine(kit: Kit, *, now: datetime | None = None) -> Iterator[Finding]:
    """Yield every finding as soon as it is known; `now` replaces the time of the machine."""
    yield _refused("user", check_root, f"uid {os.geteuid()}")
    yield _system()
    yield _refused("kernel", check_kernel, f"{platform.release()}, overlayfs and control groups")
    yield _control_groups()
    yield _cores()
    yield _memory()
    for folder, need_gib, what in space_needed(kit, kit.cluster()):
        seen = f"{free_gib(folder):.1f} GiB free at {folder}, {what} need {need_gib:g}"
        yield _refused("disk", partial(check_disk, folder, need_gib=need_gib, what=what), seen)
    yield _addresses(kit)
    yield _refused("clock", lambda: check_keys(kit.instance, now=now))
    yield _another_run(kit)
    yield from _other_clusters(kit)
    yield _cluster(kit)
    yield _packages()
    yield _go()
    yield _builds(kit)
    yield _images()
    yield _docker_and_kind()
    yield from _programs(kit)
    yield Finding("Python", State.OK, f"{platform.python_version()} at {sys.executable}")


def _refused(what: str, check: Callable[[], str | None], seen: str = "") -> Finding:
    """The finding of a check that `make up` runs too; the check may return what it saw."""
    try:
        seen = check() or seen
    except SeawallError as refusal:
        problem, _, to_do = str(refusal).partition(": ")
        return Finding(what, State.BAD, problem, to_do)
    return Finding(what, State.OK, seen)


def _system() -> Finding:
    release = _os_release()
    name = release.get("PRETTY_NAME", platform.platform())
    if (release.get("ID"), release.get("VERSION_ID")) == _VERIFIED_SYSTEM:
        return Finding("system", State.OK, name)
    return Finding("system", State.NOTE, name, "the tests run on Debian 12 only")


def _os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _control_groups() -> Finding:
    found = cgroups.version()
    if found == _VERIFIED_CGROUP:
        return Finding("cgroup", State.OK, f"version {found}")
    return Finding(
        "cgroup", State.NOTE, f"version {found}", "should work; the tests ran on version 1"
    )


def _cores() -> Finding:
    count = os.cpu_count() or 1
    if count >= _CORES:
        return Finding("processors", State.OK, str(count))
    return Finding("processors", State.NOTE, str(count), f"{_CORES} are needed for the time goals")


def _memory() -> Finding:
    free = _available_memory() / _GIB
    seen = f"{free:.1f} GiB available"
    if free >= _MEMORY_GIB:
        return Finding("memory", State.OK, seen)
    to_do = f"{_MEMORY_GIB:g} GiB are enough for three nodes; use NODES=1 with less"
    return Finding("memory", State.NOTE, seen, to_do)


def _available_memory() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return 0


def _addresses(kit: Kit) -> Finding:
    if not shutil.which("ip"):
        return Finding("addresses", State.NOTE, "ip is not installed", "`make up` installs it")
    return _refused("addresses", kit.check_addresses, f"{kit.instance.network} is free or ours")


def _another_run(kit: Kit) -> Finding:
    try:
        if kit.lock.exists():  # `alone` would create a missing file; a check changes nothing
            with kit.alone():
                pass
    except BusyError as busy:
        return Finding("lock", State.NOTE, str(busy), "wait for it to end")
    except PermissionError:
        return Finding("lock", State.NOTE, f"{kit.lock} is another user's", "run as that user")
    return Finding("lock", State.OK, "no other run of this checkout")


def _other_clusters(kit: Kit) -> Iterator[Finding]:
    parent = kit.instance.data.parent
    for data in sorted(parent.iterdir()) if parent.is_dir() else []:
        note = read_note(data)
        if note is not None and data != kit.instance.data:
            embedded = note.kind is OwnCluster.EMBEDDED
            yield Finding(
                "other cluster",
                State.NOTE,
                f"of {note.checkout}: {note.kind}, {note.nodes} nodes"
                f"{f', 10.{note.octet}.0.0/16' if embedded else ''}",
                "it takes memory and processor time; `make down` there",
            )


def _cluster(kit: Kit) -> Finding:
    if not kit.instance.data.is_dir():
        return Finding("cluster", State.OK, "not started")
    cluster = kit.cluster()
    try:
        broken = [part.name for part in cluster.status() if not part.ok]
    except SeawallError as error:
        return Finding("cluster", State.NOTE, str(error), "run `make up` when that is repaired")
    if broken:
        return Finding("cluster", State.NOTE, f"not running: {', '.join(broken)}", "run `make up`")
    return Finding("cluster", State.OK, f"{cluster.place}, {kit.instance.nodes} nodes, runs")


def _packages() -> Finding:
    missing = missing_packages((*CLUSTER_PACKAGES, *TEST_PROGRAMS))
    if not missing:
        return Finding("Debian packages", State.OK, "all are installed")
    if shutil.which("apt-get"):
        seen = f"missing: {' '.join(missing)}"
        return Finding("Debian packages", State.NOTE, seen, "`make up` installs them")
    return Finding(
        "Debian packages", State.BAD, "there is no apt-get", f"install {' '.join(missing)} by hand"
    )


def _go() -> Finding:
    needed = ".".join(str(part) for part in OLDEST_GO)
    found = go_on_path()
    if found is None:
        return Finding("Go", State.NOTE, f"no release {needed} or newer", "`make up` installs one")
    return Finding("Go", State.OK, str(found))


def _builds(kit: Kit) -> Finding:
    missing = [tool for tool in GO_TOOLS.values() if not (kit.cache.root / tool.name).is_dir()]
    if not missing:
        return Finding("builds", State.OK, f"in {kit.cache.root}")
    minutes = sum(tool.estimate_s for tool in missing) / 60
    names = ", ".join(tool.name for tool in missing)
    return Finding("builds", State.NOTE, f"missing: {names}", f"`make up`: about {minutes:.0f} min")


def _images() -> Finding:
    engine = "Docker" if docker_runs() else "buildah (no Docker runs here)"
    return Finding("image builds", State.OK, f"by {engine}")


def _docker_and_kind() -> Finding:
    """Never worse than a note, because the embedded cluster needs neither."""
    seen = "are installed, for seawall:kubernetes.cluster = kind"
    found = _refused("Docker and kind", check_programs, seen)
    return found if found.state is State.OK else replace(found, state=State.NOTE)


def _programs(kit: Kit) -> Iterator[Finding]:
    found = shutil.which("pulumi")
    if found:
        yield Finding("Pulumi CLI", State.OK, f"{found}, from PATH")
    else:
        ready = "is there" if (kit.cache.root / "pulumi").is_dir() else "comes with `make up`"
        yield Finding("Pulumi CLI", State.OK, f"none on PATH; the one that the kit builds {ready}")
    plugin = installed_provider()
    ready = (
        "is there" if (kit.cache.root / "pulumi-kubernetes").is_dir() else "comes with `make up`"
    )
    what = f"{plugin}, installed" if plugin else f"the one that the kit builds {ready}"
    yield Finding("Kubernetes provider", State.OK, f"release {provider_release()}: {what}")
