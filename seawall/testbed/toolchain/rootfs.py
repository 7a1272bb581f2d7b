"""The root file system of local images, built with debootstrap.

It replaces the public base image when no image registry is reachable. The package mirror is that of
this machine's apt, so a company's mirror works here too.
"""

import platform
import shutil
import subprocess
from pathlib import Path

from seawall.common.errors import BuildError
from seawall.common.progress import Progress
from seawall.testbed.toolchain.cache import Cache, digest_of_files
from seawall.testbed.toolchain.run import run_logged

__all__ = ["rootfs_archive"]

_PACKAGES = "ca-certificates,python3,python3-venv"
_NOT_NEEDED = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "var/lib/apt/lists",
    "var/cache/apt",
    "var/cache/debconf",
    "var/log",
)


def rootfs_archive(cache: Cache, progress: Progress) -> Path:
    """The tar file of a root file system with the Debian or Ubuntu release of this machine.

    Raises:
        BuildError: debootstrap failed.
    """
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]
    recipe = digest_of_files([], release, _PACKAGES, *_NOT_NEEDED)

    def build(target: Path) -> None:
        root = target / "root"
        with progress.step(f"build the base file system ({release})", estimate_s=120):
            run_logged(
                [
                    *("debootstrap", "--variant=minbase", f"--include={_PACKAGES}"),
                    *(release, root, _mirror(release)),
                ],
                log=cache.root / "logs" / "debootstrap.log",
                what="debootstrap",
            )
            for path in _NOT_NEEDED:
                shutil.rmtree(root / path, ignore_errors=True)
                (root / path).mkdir(parents=True, exist_ok=True)
            run_logged(
                [
                    *("tar", "--sort=name", "--mtime=@0", "--numeric-owner"),
                    *("-C", root, "-cf", target / "rootfs.tar", "."),
                ],
                log=cache.root / "logs" / "rootfs-tar.log",
                what="packing the base file system",
            )
            shutil.rmtree(root)

    return cache.get("rootfs", recipe, build) / "rootfs.tar"


def _mirror(release: str) -> str:
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)", f"Codename: {release}"]
        + ["Component: main", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    sites = asked.stdout.split()
    if not sites:
        raise BuildError(f"apt on this machine has no source for {release} main: add one")
    return sites[0]
