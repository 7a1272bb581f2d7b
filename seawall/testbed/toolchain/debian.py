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
"""What the embedded cluster and the image build run."""
TEST_PROGRAMS = {
    "chromium": "chromium",
    "nginx-light": "nginx",
    "prometheus": "promtool",
    "redis-server": "redis-server",
}
"""For the tests that need no cluster, by package; the browser is for the gateway's page."""
BENCH_PACKAGES = ("nginx-light", "redis-server", "wrk")
"""The benchmark's mock upstream, its shared limits and its load generator."""

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
            f" elsewhere install by hand: {' '.join(packages)}"
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
    """Those that are not installed; all of them where there is no dpkg."""
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
    """Packages must not start their services: they would take ports and outlive the kit."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
