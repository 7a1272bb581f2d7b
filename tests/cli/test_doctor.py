"""`seawall doctor`: what this machine has and lacks, by the same checks as in `up`."""

import json
import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seawall.common.errors import HostError
from seawall.ops.doctor import Finding, State, examine
from seawall.testbed.cluster.pki import check_keys, ensure_pki
from seawall.testbed.kit import kit_here
from tests.cli.kit import seawall
from tests.conftest import AS_NOBODY, SEAWALL
from tests.support.ranges import free_range, routed_range

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(os.geteuid() != 0, reason="the embedded cluster needs root"),
]

NAMES = {
    "user",
    "system",
    "kernel",
    "cgroup",
    "processors",
    "memory",
    "disk",
    "addresses",
    "clock",
    "lock",
    "cluster",
    "Debian packages",
    "Go",
    "builds",
    "image builds",
    "Docker and kind",
    "Pulumi CLI",
    "Kubernetes provider",
    "Python",
}


def test_doctor_finds_another_running_command(variables: Mapping[str, str]) -> None:
    del variables
    kit = kit_here()
    kit.lock.touch()
    assert finding("lock").state is State.OK, "its holder was killed"
    with kit.alone():
        found = finding("lock")
    assert found.state is State.NOTE
    assert f"process {os.getpid()}" in found.seen


def finding(what: str, *, now: datetime | None = None) -> Finding:
    return next(item for item in examine(kit_here(), now=now) if item.what == what)


def test_doctor_checks_everything_and_creates_nothing(variables: Mapping[str, str]) -> None:
    done = seawall("doctor", "--json", variables=variables)
    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout)["findings"]
    assert {item["what"] for item in found} >= NAMES
    assert all(item["seen"] for item in found)
    assert not any(Path(folder).exists() for folder in variables.values())


def test_doctor_reports_a_full_disk_with_a_remedy(
    variables: Mapping[str, str], tiny_disk: Path
) -> None:
    done = seawall("doctor", variables={**variables, "SEAWALL_STATE_DIR": str(tiny_disk)})
    assert done.returncode == 3
    words = " ".join(done.stdout.split())
    assert "bad" in words
    assert "SEAWALL_STATE_DIR" in "".join(part.strip(" │") for part in done.stdout.split("\n"))


def test_doctor_tells_other_users_to_use_sudo(variables: Mapping[str, str]) -> None:
    done = subprocess.run(
        [*AS_NOBODY, SEAWALL, "doctor", "--json"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    (user,) = [i for i in json.loads(done.stdout)["findings"] if i["what"] == "user"]
    assert user["state"] == "bad"
    assert "sudo" in user["to_do"]


def test_doctor_finds_an_address_range_in_use(
    variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del variables
    octet = free_range()
    monkeypatch.setenv("SEAWALL_RANGE", octet)
    assert finding("addresses").state is State.OK
    with routed_range(octet):
        taken = finding("addresses")
    assert taken.state is State.BAD
    assert "SEAWALL_RANGE" in taken.to_do


@pytest.mark.parametrize(
    ("later", "state", "word"),
    [
        (timedelta(days=30), State.OK, "valid until"),
        (timedelta(days=-2), State.BAD, "valid from"),
        (timedelta(days=400), State.BAD, "valid from"),
    ],
)
def test_doctor_finds_a_clock_outside_the_certificate_validity(
    variables: Mapping[str, str], later: timedelta, state: State, word: str
) -> None:
    del variables
    kit = kit_here()
    ensure_pki(kit.instance)
    found = finding("clock", now=datetime.now(UTC) + later)
    assert found.state is state
    assert word in found.seen
    if state is State.BAD:
        with pytest.raises(HostError, match="set the clock"):
            check_keys(kit.instance, now=datetime.now(UTC) + later)
