"""Kernels without required features, and clocks at which certificates are invalid.

The files of the kernel are replaced only in a separate mount namespace of the command.
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
def variables_of_a_refused_up(variables: dict[str, str]) -> Generator[dict[str, str]]:
    """Variables for a command that must be refused; a cluster that it started is removed."""
    yield variables
    if kit_here().instance.data.exists():
        run_seawall("cluster", "down", variables=variables)


def up_with_mounts(
    variables: Mapping[str, str], **replaced: Path
) -> subprocess.CompletedProcess[str]:
    """Run `seawall cluster up` with files or folders mounted over those of the kernel."""
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


def assert_nothing_was_created(variables: Mapping[str, str]) -> None:
    assert not any(Path(folder).exists() for folder in variables.values())


@needs_root
@pytest.mark.parametrize(
    "filesystems", ["nodev\ttmpfs\n\text4\n", "nodev\toverlayfs-of-somebody\n"]
)
def test_up_without_overlayfs_is_refused(
    variables_of_a_refused_up: dict[str, str], tmp_path: Path, filesystems: str
) -> None:
    replacement = tmp_path / "filesystems"
    replacement.write_text(filesystems)
    done = up_with_mounts(variables_of_a_refused_up, filesystems=replacement)
    assert_one_line(done, "no overlayfs", "modprobe overlay")
    assert_nothing_was_created(variables_of_a_refused_up)


@needs_root
@pytest.mark.parametrize("row", ["", "memory\t0\t1\t0\n"], ids=["not built", "switched off"])
def test_up_without_the_memory_controller_is_refused(
    variables_of_a_refused_up: dict[str, str], tmp_path: Path, row: str
) -> None:
    listed, tree = tmp_path / "cgroups", tmp_path / "tree"
    listed.write_text(HEAD + "".join(f"{name}\t1\t1\t1\n" for name in V1 if name != "memory") + row)
    for name in V1:
        (tree / name).mkdir(parents=True)
    done = up_with_mounts(variables_of_a_refused_up, cgroups=listed, tree=tree)
    assert_one_line(done, "no cgroup controller for memory", "/proc/cmdline")
    assert_nothing_was_created(variables_of_a_refused_up)


@needs_root
def test_up_without_the_memory_controller_of_cgroup_version_2_is_refused(
    variables_of_a_refused_up: dict[str, str], tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "cgroup.controllers").write_text("cpuset cpu io pids\n")
    done = up_with_mounts(variables_of_a_refused_up, tree=tree)
    assert_one_line(done, "no cgroup controller for memory")
    assert_nothing_was_created(variables_of_a_refused_up)


def test_controllers_without_a_mount_count_as_missing(tmp_path: Path) -> None:
    listed = tmp_path / "cgroups"
    listed.write_text(HEAD + "".join(f"{name}\t1\t1\t1\n" for name in V1))
    for name in V1:
        (tmp_path / name).mkdir()
    assert missing_controllers(tmp_path, listed) == []
    (tmp_path / "freezer").rmdir()
    assert missing_controllers(tmp_path, listed) == ["freezer"]


def test_cgroup_version_2_uses_only_its_own_controller_list(tmp_path: Path) -> None:
    listed = tmp_path / "cgroups"
    listed.write_text(HEAD)  # newer kernels do not list version 2 here
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory hugetlb pids rdma misc\n")
    assert missing_controllers(tmp_path, listed) == []
    (tmp_path / "cgroup.controllers").write_text("")
    assert missing_controllers(tmp_path, listed) == ["cpu", "cpuset", "memory", "pids"]


@needs_root
@pytest.mark.cluster  # builds the programs that the command needs
@pytest.mark.parametrize("offset", [timedelta(days=-800), timedelta(days=2)], ids=["late", "early"])
def test_up_is_refused_if_the_clock_is_outside_the_validity_of_the_keys(
    variables_of_a_refused_up: dict[str, str], offset: timedelta
) -> None:
    kit = kit_here()
    kit.claim_home()
    authority = kit.instance.data / "pki" / "ca.crt"
    authority.parent.mkdir(parents=True)
    authority.write_bytes(certificate(datetime.now(UTC) + offset))
    done = run_seawall("cluster", "up", variables=variables_of_a_refused_up)
    assert_one_line(done, "the clock says", "keys are valid from", "set the clock", "make down")
    assert [p.name for p in kit.instance.data.iterdir()] == ["pki"], "nothing must have started"


def certificate(begin: datetime) -> bytes:
    """The certificate of an authority, valid for a year from `begin`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "of another time")])
    certificate_authority = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return certificate_authority.public_bytes(serialization.Encoding.PEM)
