"""Kernels without what containers stand on, and clocks at which nobody trusts anybody; for real.

The kernel's answers are replaced in a mount namespace of the command's own, and nowhere else.
"""

import os
import shlex
import subprocess
from collections.abc import Generator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from seawall.testbed.cluster.cgroups import missing_controllers
from seawall.testbed.kit import kit_here
from tests.cluster.refusals import assert_one_line
from tests.conftest import SEAWALL, run_seawall

pytestmark = [pytest.mark.servers]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mount namespaces need root")

HEAD = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
V1 = ("cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids")


@pytest.fixture
def nothing_runs(variables: dict[str, str]) -> Generator[dict[str, str]]:
    """For a command that must be refused; removed when it was not."""
    yield variables
    if kit_here().instance.data.exists():
        run_seawall("down", variables=variables)


def up_where(variables: Mapping[str, str], **replaced: Path) -> subprocess.CompletedProcess[str]:
    """`seawall cluster up` where a file or folder is in the place of one of the kernel's."""
    targets = {
        "filesystems": "/proc/filesystems",
        "cgroups": "/proc/cgroups",
        "tree": "/sys/fs/cgroup",
    }
    mounts = [f"mount --bind {shlex.quote(str(f))} {targets[name]}" for name, f in replaced.items()]
    script = " && ".join([*mounts, f"exec {SEAWALL} cluster up"])
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def assert_nothing_was_made(variables: Mapping[str, str]) -> None:
    assert not any(Path(folder).exists() for folder in variables.values())


@needs_root
@pytest.mark.parametrize("others", ["nodev\ttmpfs\n\text4\n", "nodev\toverlayfs-of-somebody\n"])
def test_no_overlayfs(nothing_runs: dict[str, str], tmp_path: Path, others: str) -> None:
    doctored = tmp_path / "filesystems"
    doctored.write_text(others)
    done = up_where(nothing_runs, filesystems=doctored)
    assert_one_line(done, "no overlayfs", "modprobe overlay")
    assert_nothing_was_made(nothing_runs)


@needs_root
@pytest.mark.parametrize("row", ["", "memory\t0\t1\t0\n"], ids=["not built", "switched off"])
def test_no_memory_controller(nothing_runs: dict[str, str], tmp_path: Path, row: str) -> None:
    listed, tree = tmp_path / "cgroups", tmp_path / "tree"
    listed.write_text(HEAD + "".join(f"{name}\t1\t1\t1\n" for name in V1 if name != "memory") + row)
    for name in V1:
        (tree / name).mkdir(parents=True)
    done = up_where(nothing_runs, cgroups=listed, tree=tree)
    assert_one_line(done, "no cgroup controller for memory", "/proc/cmdline")
    assert_nothing_was_made(nothing_runs)


@needs_root
def test_no_memory_controller_in_version_2(nothing_runs: dict[str, str], tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "cgroup.controllers").write_text("cpuset cpu io pids\n")
    done = up_where(nothing_runs, tree=tree)
    assert_one_line(done, "no cgroup controller for memory")
    assert_nothing_was_made(nothing_runs)


def test_controllers_that_are_built_but_not_mounted_are_missing(tmp_path: Path) -> None:
    listed = tmp_path / "cgroups"
    listed.write_text(HEAD + "".join(f"{name}\t1\t1\t1\n" for name in V1))
    for name in V1:
        (tmp_path / name).mkdir()
    assert missing_controllers(tmp_path, listed) == []
    (tmp_path / "freezer").rmdir()
    assert missing_controllers(tmp_path, listed) == ["freezer"]


def test_of_version_2_only_its_own_list_counts(tmp_path: Path) -> None:
    listed = tmp_path / "cgroups"
    listed.write_text(HEAD)  # of newer kernels: nothing of version 2 is in it
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory hugetlb pids rdma misc\n")
    assert missing_controllers(tmp_path, listed) == []
    (tmp_path / "cgroup.controllers").write_text("")
    assert missing_controllers(tmp_path, listed) == ["cpu", "cpuset", "memory", "pids"]


@needs_root
@pytest.mark.cluster  # what the command needs is built
@pytest.mark.parametrize("ahead", [timedelta(days=-800), timedelta(days=2)], ids=["late", "early"])
def test_keys_of_another_time_are_refused_before_anything_starts(
    nothing_runs: dict[str, str], ahead: timedelta
) -> None:
    kit = kit_here()
    kit.claim_home()
    authority = kit.instance.data / "pki" / "ca.crt"
    authority.parent.mkdir(parents=True)
    authority.write_bytes(certificate(datetime.now(UTC) + ahead))
    done = run_seawall("cluster", "up", variables=nothing_runs)
    assert_one_line(done, "the clock says", "keys are valid from", "set the clock", "make down")
    assert [p.name for p in kit.instance.data.iterdir()] == ["pki"], "nothing was started"


def certificate(begin: datetime) -> bytes:
    """An authority's, good for a year from then on."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "of another time")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)
