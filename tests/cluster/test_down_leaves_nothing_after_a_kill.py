"""A cluster of its own, so that the session's environment is not disturbed."""

import os
import shutil
import signal
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from seawall.kit import Kit, kit_here
from seawall.wait import wait_until
from tests.conftest import SEAWALL, Environment, run_seawall
from tests.host.picture import left_behind, take_picture

pytestmark = [pytest.mark.cluster]


@dataclass(frozen=True, slots=True)
class Other:
    kit: Kit
    variables: dict[str, str]


@pytest.fixture
def other(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[Other]:
    # The session's environment is up: the caches are warm, and the two must not collide.
    variables = {"SEAWALL_HOME": str(tmp_path / "home"), "SEAWALL_RANGE": "66"}
    if environment.kit.instance.octet == 66:
        variables["SEAWALL_RANGE"] = "67"
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    yield Other(kit_here(), variables)
    run_seawall("down", variables=variables)


@pytest.mark.parametrize("victim", ["init of n1", "init of cp", "everything"])
def test_down_leaves_nothing_after_kill_9(other: Other, victim: str) -> None:
    before = take_picture(other.kit)
    up = run_seawall("cluster", "up", variables=other.variables)
    assert up.returncode == 0, up.stderr[-2000:]
    cluster = other.kit.cluster()
    assert all(part.ok for part in cluster.status())
    for machine in other.kit.instance.machines:
        if victim in (f"init of {machine}", "everything"):
            init = int((other.kit.instance.home(machine) / "init.pid").read_text())
            os.kill(init, signal.SIGKILL)
    down = run_seawall("down", variables=other.variables)
    assert down.returncode == 0, down.stderr[-2000:]
    assert left_behind(other.kit, before) == {}


def test_down_leaves_nothing_after_a_killed_up(other: Other) -> None:
    before = take_picture(other.kit)
    up = subprocess.Popen(
        [SEAWALL, "cluster", "up"],
        env={**os.environ, **other.variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(
        (other.kit.instance.home("n1") / "init.pid").exists,
        deadline_s=60,
        what="the first machine to boot",
        interval_s=0.01,
    )
    up.kill()
    up.wait()
    down = run_seawall("down", variables=other.variables)
    assert down.returncode == 0, down.stderr[-2000:]
    assert left_behind(other.kit, before) == {}


def test_two_clusters_live_side_by_side(environment: Environment, other: Other) -> None:
    up = run_seawall("cluster", "up", variables=other.variables)
    assert up.returncode == 0, up.stderr[-2000:]
    assert other.kit.instance.name != environment.kit.instance.name
    assert all(part.ok for part in other.kit.cluster().status())
    assert all(part.ok for part in environment.kit.cluster().status())


def test_a_taken_address_range_is_refused_with_its_owner(
    environment: Environment, other: Other
) -> None:
    taken = {**other.variables, "SEAWALL_RANGE": str(environment.kit.instance.octet)}
    up = run_seawall("cluster", "up", variables=taken)
    assert up.returncode == 1
    assert "is taken" in up.stderr
    assert str(environment.kit.checkout) in up.stderr
    assert not other.kit.instance.data.exists(), "a refused `up` must leave nothing"


def test_nodes_come_and_go_with_their_number(other: Other) -> None:
    for nodes in (1, 2, 1):
        up = run_seawall("cluster", "up", "--nodes", str(nodes), variables=other.variables)
        assert up.returncode == 0, up.stderr[-2000:]
        listed = other.kit.cluster().kubectl()("get", "nodes", "-o", "name").split()
        assert listed == [f"node/node{i}" for i in range(1, nodes + 1)]


def test_down_finds_machines_whose_folder_was_removed_by_hand(other: Other) -> None:
    before = take_picture(other.kit)
    up = run_seawall("cluster", "up", "--nodes", "2", variables=other.variables)
    assert up.returncode == 0, up.stderr[-2000:]
    # What is in use may come back at once: as much as a hasty `rm -rf` gets.
    shutil.rmtree(other.kit.instance.data, ignore_errors=True)
    down = run_seawall("down", variables=other.variables)
    assert down.returncode == 0, down.stderr[-2000:]
    assert left_behind(other.kit, before) == {}


def test_a_lost_state_folder_is_named_and_nothing_is_touched(other: Other) -> None:
    up = run_seawall("cluster", "up", variables=other.variables)
    assert up.returncode == 0, up.stderr[-2000:]
    shutil.rmtree(other.kit.home)
    again = run_seawall("cluster", "up", variables=other.variables)
    assert again.returncode == 2
    assert f"{other.kit.home} is gone" in again.stderr
    assert all(part.ok for part in other.kit.cluster().status())
