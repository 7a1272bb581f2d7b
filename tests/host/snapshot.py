"""A snapshot of this host: everything that a cluster might leave behind.

Other clusters of this kit may come and go on the same machine while a test runs. Items with the
name of another instance are left out.

The snapshot omits kernel modules, which the kernel loads at the first use of a feature, and the
folders that stay on purpose: the checkout and the build cache.
"""

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields

from seawall.common.wait import TimedOutError, wait_until
from seawall.testbed.kit import Kit
from tests.host import files, kernel, processes

__all__ = ["Snapshot", "left_behind", "take_snapshot"]

_INSTANCE = re.compile(r"sw[0-9a-f]{6}")
_OF_A_TEST = re.compile(r"swt-?[0-9a-f]{6}")
"""The name of a network that a test created, perhaps in another run; never a cluster's."""
_OTHERS_DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot as sets of names; equal snapshots mean that nothing was left behind."""

    processes: frozenset[str]
    namespaces: frozenset[str]
    listening: frozenset[str]
    mounts: frozenset[str]
    links: frozenset[str]
    routes: frozenset[str]
    rules: frozenset[str]
    cgroups: frozenset[str]
    settings: frozenset[str]
    devices: frozenset[str]
    files: frozenset[str]

    def left_since(self, before: "Snapshot") -> dict[str, list[str]]:
        """New items since the earlier snapshot, by kind; empty kinds are left out."""
        grown = {
            field.name: sorted(getattr(self, field.name) - getattr(before, field.name))
            for field in fields(self)
        }
        return {kind: names for kind, names in grown.items() if names}


def take_snapshot(kit: Kit) -> Snapshot:
    """Take one snapshot, for the cluster of `kit`."""
    instance = kit.instance.name

    def kept(names: Iterable[str]) -> frozenset[str]:
        ours = (x for x in names if set(_INSTANCE.findall(x)) <= {instance})
        return frozenset(x for x in ours if not _OF_A_TEST.search(x))

    running = processes.running()
    return Snapshot(
        processes=kept(processes.daemons(running, instance)),
        namespaces=kept(processes.namespaces(running, instance)),
        listening=kept(processes.listening(running, instance)),
        mounts=kept(kernel.mounts()),
        links=kept(kernel.links()),
        routes=kept(kernel.routes()),
        rules=kept(kernel.rules()),
        cgroups=kept(kernel.cgroups()),
        settings=kept(kernel.settings()),
        devices=kept(kernel.devices()),
        files=kept(files.names()),
    )


def left_behind(kit: Kit, before: Snapshot) -> dict[str, list[str]]:
    """New items since the earlier snapshot, by kind.

    Items with the instance's name count at once. Other items may belong to another program that
    comes and goes, so they count only if they stay.
    """
    left: dict[str, list[str]] = {}

    def decided() -> bool:
        nonlocal left
        left = take_snapshot(kit).left_since(before)
        return not left or any(
            kit.instance.name in name for names in left.values() for name in names
        )

    with contextlib.suppress(TimedOutError):
        wait_until(
            decided,
            deadline_s=_OTHERS_DEADLINE_S,
            what="other programs to end",
            interval_s=1,
        )
    return left
