"""A picture of this host: everything that a cluster might leave behind.

Other clusters of this kit may come and go on the same machine while a test runs; what carries the
name of another instance is left out.

Not looked at: kernel modules, which the kernel loads by itself when a feature is first used, and
the folders that are meant to stay, which are the checkout and the cache of builds.
"""

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields

from seawall.common.wait import TimedOutError, wait_until
from seawall.testbed.kit import Kit
from tests.host import files, kernel, processes

__all__ = ["Picture", "left_behind", "take_picture"]

_INSTANCE = re.compile(r"sw[0-9a-f]{6}")
_OF_A_TEST = re.compile(r"swt-?[0-9a-f]{6}")
"""A network that a test has made for itself, of another run perhaps: never a cluster's."""
_OTHERS_DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Picture:
    """Each a set of names; equal pictures mean that nothing was left."""

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

    def left_since(self, before: "Picture") -> dict[str, list[str]]:
        """What is there now and was not before, by kind; empty kinds are left out."""
        grown = {
            field.name: sorted(getattr(self, field.name) - getattr(before, field.name))
            for field in fields(self)
        }
        return {kind: names for kind, names in grown.items() if names}


def take_picture(kit: Kit) -> Picture:
    """Look at everything once, for the cluster of `kit`."""
    instance = kit.instance.name

    def kept(names: Iterable[str]) -> frozenset[str]:
        ours = (x for x in names if set(_INSTANCE.findall(x)) <= {instance})
        return frozenset(x for x in ours if not _OF_A_TEST.search(x))

    running = processes.running()
    return Picture(
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


def left_behind(kit: Kit, before: Picture) -> dict[str, list[str]]:
    """What is there and was not before, by kind.

    What carries the instance's name counts at once. The rest may be another program's, which comes
    and goes: it counts when it stays.
    """
    left: dict[str, list[str]] = {}

    def decided() -> bool:
        nonlocal left
        left = take_picture(kit).left_since(before)
        return not left or any(
            kit.instance.name in name for names in left.values() for name in names
        )

    with contextlib.suppress(TimedOutError):
        wait_until(
            decided,
            deadline_s=_OTHERS_DEADLINE_S,
            what="others to end what they do",
            interval_s=1,
        )
    return left
