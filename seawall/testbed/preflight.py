"""Checks of this machine before a start; each error says what to do."""

import errno
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from seawall.common.errors import HostError, SeawallError
from seawall.testbed.cluster.cgroups import missing_controllers

__all__ = [
    "blaming_a_full_disk",
    "check_disk",
    "check_kernel",
    "check_port",
    "check_root",
    "check_writable",
    "free_gib",
    "same_disk",
]

_GIB = 2**30
_FULL_GIB = 0.03
"""With less free space than this, a full disk caused the failure: one image layer is larger."""


def check_root() -> None:
    """Check for root: the embedded cluster creates namespaces, mounts and network links.

    Raises:
        HostError: not root.
    """
    if os.geteuid() != 0:
        raise HostError(
            f"this needs root (you are uid {os.geteuid()}): the embedded cluster creates"
            " namespaces, mounts and network links; run it with sudo"
        )


def check_disk(folder: Path, *, need_gib: float, what: str) -> None:
    """Check the free space of the disk of `folder`.

    Args:
        folder: need not exist yet.
        need_gib: the required free space, in GiB.
        what: the purpose of the space, for the message.

    Raises:
        HostError: less space is free; the message has the required space.
    """
    there = _standing(folder)
    if not there.is_dir():
        raise HostError(f"{there} is not a folder: point SEAWALL_CACHE or SEAWALL_STATE_DIR to one")
    free = free_gib(folder)
    if free < need_gib:
        raise HostError(
            f"{what} need {need_gib:g} GiB of disk below {folder}, but {free:.1f} GiB are free:"
            " free some, or point SEAWALL_CACHE or SEAWALL_STATE_DIR to a larger disk"
        )


def free_gib(folder: Path) -> float:
    """Free space in GiB of the disk of `folder`, which need not exist yet."""
    return shutil.disk_usage(_standing(folder)).free / _GIB


def same_disk(one: Path, other: Path) -> bool:
    """Whether two folders, which need not exist yet, are on one file system."""
    return _standing(one).stat().st_dev == _standing(other).stat().st_dev


def _standing(folder: Path) -> Path:
    """The folder, or its closest existing parent."""
    while not folder.exists():
        folder = folder.parent
    return folder


@contextmanager
def blaming_a_full_disk(folder: Path, *, variable: str) -> Generator[None]:
    """Report a failure as a full disk if the disk of `folder` is full; many programs do not.

    Args:
        folder: the folder that the failing program writes to.
        variable: the environment variable that moves the folder to another disk.

    Raises:
        HostError: replaces the original error; has its text, the folder and what to do.
    """
    try:
        yield
    except (SeawallError, OSError) as failed:
        is_full = isinstance(failed, OSError) and failed.errno == errno.ENOSPC
        is_full = is_full or "no space left on device" in str(failed).lower()
        if not is_full and free_gib(folder) > _FULL_GIB:
            raise
        raise HostError(
            f"the disk of {folder} is full ({free_gib(folder):.2f} GiB free), therefore: {failed};"
            f" free some and run the same command again, or {variable} names a larger one"
        ) from failed


def check_writable(folder: Path) -> None:
    """Check that this user may create the folder, or write in it.

    Raises:
        HostError: the user may not.
    """
    if not os.access(_standing(folder), os.W_OK | os.X_OK):
        raise HostError(
            f"{folder} cannot be made by this user (uid {os.geteuid()}):"
            " point SEAWALL_STATE_DIR to a folder of yours"
        )


def check_port(host: str, port: int) -> None:
    """Check that the port is free.

    Raises:
        HostError: the port is in use; the message names the process if it is visible.
    """
    try:
        with socket.create_server((host, port)):
            return
    except OSError as taken:
        listed = subprocess.run(
            ["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True, check=False
        )
        owner = re.search(r'users:\(\("([^"]+)",pid=(\d+)', listed.stdout)
        by = f" by {owner[1]} (process {owner[2]})" if owner else ""
        raise HostError(
            f"cannot listen on {host}:{port}: {taken.strerror}{by}; choose another port"
        ) from taken


def check_kernel() -> None:
    """Check for the file system and the control groups that containers need.

    Raises:
        HostError: overlayfs or a cgroup controller is missing.
    """
    if "overlay" not in Path("/proc/filesystems").read_text().split():
        raise HostError("this kernel has no overlayfs: try `modprobe overlay`")
    missing = missing_controllers()
    if missing:
        raise HostError(
            f"no cgroup controller for {', '.join(missing)} at /sys/fs/cgroup: containers cannot be"
            " limited; see `cgroup_disable` and `cgroup_enable` in /proc/cmdline; if this machine"
            " is a container, mount its host's control groups into it"
        )
