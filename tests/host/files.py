"""Files of this host outside checkouts and caches, in places where the kit might leave some."""

import hashlib
import os
import re
from collections.abc import Iterator
from glob import glob
from pathlib import Path

__all__ = ["names"]

_PLACES = (
    "boot/*",
    "dev/*",
    "dev/shm/*",
    "home/*",
    "mnt/*",
    "opt/*",
    "opt/*/*",
    "run/*",
    "run/*/*",
    "run/*/*/*",
    "srv/*",
    "usr/local/*/*",
    "usr/sbin/policy-rc.d",
    "var/*",
    "var/*/*",
    "var/lib/*/*",
    "var/log/*/*",
    "var/spool/*/*",
)
_HOME_PLACES = ("*", ".config/*", ".kube/*", ".docker/*", ".local/*/*", ".pulumi/*", ".redis/*")
_TEMPORARY = re.compile(
    r"seawall|pulumi|runc|containerd|ctd-|kube|etcd|coredns|buildah|storage-run|debootstrap|redis"
    r"|prometheus"
)
"""Every program may leave files in /tmp; these names belong to the kit."""
_STAYS = re.compile(r"(/var)?/run/xtables\.lock")
"""Created by every call of iptables."""
_SHARED = ("/run/seawall", "/var/lib/seawall")
"""The parent folders of all instance folders."""


def names() -> Iterator[str]:
    """File names, with digests in places that the whole host reads."""
    patterns = [f"/{where}" for where in _PLACES]
    patterns += [f"{Path.home()}/{where}" for where in _HOME_PLACES]
    # Use glob: Path.glob fails when a folder disappears during the search.
    places = [path for where in patterns for path in glob(where, include_hidden=True)]  # noqa: PTH207
    yield from (
        path
        for path in places
        if not _STAYS.fullmatch(path) and (path not in _SHARED or not any(Path(path).iterdir()))
    )
    for folder in (Path("/tmp"), Path("/var/tmp")):  # noqa: S108 - looked at, not used
        yield from (str(path) for path in folder.iterdir() if _TEMPORARY.search(path.name))
    for folder, _, files in os.walk("/etc"):
        yield folder
        # Links into /proc, such as mtab, list mounts, which the snapshot has separately.
        own = [
            name for name in files if not os.path.realpath(f"{folder}/{name}").startswith("/proc")
        ]
        yield from (f"{folder}/{name} {_digest(Path(folder, name))}" for name in own)


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    except OSError:
        return "cannot be read"
