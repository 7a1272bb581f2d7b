"""What this machine must offer before anything is started; each refusal says what to do."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

from seawall.errors import HostError

__all__ = ["check_disk", "check_kernel", "check_port", "check_root", "check_writable"]

_GIB = 2**30


def check_root() -> None:
    """The embedded cluster makes namespaces, mounts and network links.

    Raises:
        HostError: not root.
    """
    if os.geteuid() != 0:
        raise HostError(
            f"this needs root (you are uid {os.geteuid()}): the embedded cluster makes namespaces,"
            " mounts and network links; run it with sudo"
        )


def check_disk(folder: Path, *, need_gib: float, what: str) -> None:
    """Enough free space where `folder` is or will be.

    Args:
        folder: need not exist yet.
        need_gib: free space needed, in GiB.
        what: what the space is for.

    Raises:
        HostError: less is free; the message names the need.
    """
    there = folder
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        raise HostError(f"{there} is not a folder: point SEAWALL_CACHE or SEAWALL_STATE_DIR to one")
    free = shutil.disk_usage(there).free / _GIB
    if free < need_gib:
        raise HostError(
            f"{what} need {need_gib:g} GiB of disk below {folder}, and {free:.1f} GiB are free:"
            " free some, or point SEAWALL_CACHE or SEAWALL_STATE_DIR to a larger disk"
        )


def check_writable(folder: Path) -> None:
    """This user may make the folder, or write in it.

    Raises:
        HostError: not where it is to be.
    """
    there = folder
    while not there.exists():
        there = there.parent
    if not os.access(there, os.W_OK | os.X_OK):
        raise HostError(
            f"{folder} cannot be made by this user (uid {os.geteuid()}):"
            " point SEAWALL_STATE_DIR to a folder of yours"
        )


def check_port(host: str, port: int) -> None:
    """Nobody listens on it yet.

    Raises:
        HostError: it is taken; the message says by whom, where that can be seen.
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
    """The file systems and control groups that containers stand on.

    Raises:
        HostError: overlayfs or a cgroup controller is missing.
    """
    if "overlay" not in Path("/proc/filesystems").read_text():
        raise HostError("this kernel has no overlayfs: try `modprobe overlay`")
    offered = {line.split()[0] for line in Path("/proc/cgroups").read_text().splitlines()[1:]}
    missing = {"cpu", "memory", "pids"} - offered
    if offered and missing:
        raise HostError(f"this kernel has no cgroup controller for {', '.join(sorted(missing))}")
