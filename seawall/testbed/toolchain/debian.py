"""Debian packages: installed when missing, without starting any service."""

import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from seawall.common.errors import HostError
from seawall.common.progress import Progress
from seawall.testbed.toolchain.run import run_logged

__all__ = [
    "BENCH_PACKAGES",
    "CLUSTER_PACKAGES",
    "TEST_PROGRAMS",
    "ensure_packages",
    "missing_packages",
]

CLUSTER_PACKAGES = (
    "buildah",
    "containerd",
    "containernetworking-plugins",
    "debootstrap",
    "etcd-server",
    "iproute2",
    "iptables",
    "runc",
)
"""The packages that the embedded cluster and the image build need."""
TEST_PROGRAMS = {
    "chromium": "chromium",
    "nginx-light": "nginx",
    "prometheus": "promtool",
    "redis-server": "redis-server",
}
"""Programs for tests without a cluster, by package; the browser tests the gateway's page."""
BENCH_PACKAGES = ("nginx-light", "redis-server", "wrk")
"""The mock upstream, the store of the shared limits and the load generator of the benchmark."""

_POLICY = Path("/usr/sbin/policy-rc.d")


def ensure_packages(packages: tuple[str, ...], progress: Progress, logs: Path) -> None:
    """Install the missing ones of `packages`.

    Raises:
        HostError: this is not a Debian-like machine.
        BuildError: the package manager failed; a rerun continues.
    """
    if not shutil.which("apt-get"):
        raise HostError(
            "apt-get is not on this machine: the embedded cluster needs Debian 12 or Ubuntu 24.04;"
            f" on other systems, install by hand: {' '.join(packages)}"
        )
    missing = missing_packages(packages)
    if not missing:
        return
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    with progress.step(f"install Debian packages {' '.join(missing)}", estimate_s=60):
        log = logs / "apt.log"
        run_logged(["apt-get", "update"], log=log, what="apt-get update", env=env)
        with _services_held():
            run_logged(
                ["apt-get", "install", "-y", "--no-install-recommends", *missing],
                log=log,
                what="apt-get install",
                env=env,
            )


def missing_packages(packages: tuple[str, ...]) -> list[str]:
    """The packages that are not installed; all of them when there is no dpkg."""
    if not shutil.which("dpkg-query"):
        return list(packages)
    return [package for package in packages if not _installed(package)]


def _installed(package: str) -> bool:
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f=${db:Status-Status}", package],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout == "installed"


@contextmanager
def _services_held() -> Generator[None]:
    """Keep packages from starting their services, which would use ports and outlive the kit."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
