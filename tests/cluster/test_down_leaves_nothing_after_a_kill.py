"""After any process is killed at any time, `up` repairs it, and `down` leaves nothing behind."""

import os
import shutil
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from pydantic import BaseModel

from seawall.common.locks import exclusive
from seawall.common.wait import wait_until
from seawall.testbed.cluster.processes import when_started
from tests.cluster.conftest import NewCluster
from tests.cluster.killing import kill, kill_daemons, kill_inits
from tests.conftest import HOST_LOCK, SEAWALL
from tests.host.snapshot import left_behind, take_snapshot

pytestmark = [pytest.mark.cluster]


class _Condition(BaseModel):
    type: str
    status: str


class _Status(BaseModel):
    conditions: list[_Condition] = []


class _Pod(BaseModel):
    status: _Status


class _Pods(BaseModel):
    items: list[_Pod]


def all_pods_are_ready(new_cluster: NewCluster) -> bool:
    pods = _Pods.model_validate(new_cluster.kit.cluster().kubectl().get("pods", "-A")).items
    return all(
        any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions) for pod in pods
    )


@pytest.fixture
def changed_panic_sysctl() -> Generator[None]:
    """Set a sysctl of the host, which kubelets would change, to another value than theirs."""
    file = Path("/proc/sys/kernel/panic")
    with exclusive(HOST_LOCK):
        original = file.read_text()
        file.write_text("11")
        yield
        file.write_text(original)


@pytest.mark.usefixtures("changed_panic_sysctl")
def test_up_repairs_one_killed_daemon_of_each_kind_and_down_leaves_nothing_of_killed_machines(
    new_cluster: NewCluster,
) -> None:
    before = take_snapshot(new_cluster.kit)
    new_cluster.up()
    killed = kill_daemons(new_cluster.kit)
    new_cluster.up()
    # A daemon that exits because another one is missing restarts at once.
    wait_until(
        lambda: all(part.ok for part in new_cluster.kit.cluster().status()),
        deadline_s=30,
        what=f"every daemon to run after the loss of {', '.join(killed)}",
    )
    wait_until(
        lambda: all_pods_are_ready(new_cluster),
        deadline_s=90,
        what="the pods of a killed shim",
        interval_s=1,
    )
    kill_daemons(new_cluster.kit)
    kill_inits(new_cluster.kit, *new_cluster.kit.instance.machines)
    new_cluster.down()
    assert left_behind(new_cluster.kit, before) == {}


def run_and_kill_when(
    new_cluster: NewCluster, command: str, reached: Callable[[], bool], what: str
) -> None:
    """Run a command, and kill it as soon as `reached` is true.

    The command has the lowest priority, so that it does not end before the next check.
    """
    running = subprocess.Popen(
        ["nice", "-n", "19", SEAWALL, *command.split()],
        env={**os.environ, **new_cluster.variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(
        lambda: reached() or running.poll() is not None,
        deadline_s=90,
        what=what,
        interval_s=0.005,
    )
    assert running.poll() is None, f"`{command}` ended before {what}"
    kill(running.pid, f"`seawall {command}` at {what}")
    running.wait()


@pytest.mark.parametrize("moment", ["switch", "first node"])
def test_down_leaves_nothing_after_up_was_killed_early(
    new_cluster: NewCluster, moment: str
) -> None:
    before = take_snapshot(new_cluster.kit)
    reached = {
        "switch": Path("/run/seawall") / new_cluster.kit.instance.name / "switch",
        "first node": new_cluster.kit.instance.home("n1") / "init.pid",
    }
    run_and_kill_when(new_cluster, "cluster up", reached[moment].exists, what=f"the {moment}")
    new_cluster.down()
    assert left_behind(new_cluster.kit, before) == {}


def test_next_up_or_down_finishes_the_work_of_a_killed_one(new_cluster: NewCluster) -> None:
    before = take_snapshot(new_cluster.kit)
    instance = new_cluster.kit.instance
    run_and_kill_when(
        new_cluster, "cluster up", (instance.data / "addons").exists, what="the add-ons"
    )
    new_cluster.up()
    assert all(part.ok for part in new_cluster.kit.cluster().status())
    kill_inits(new_cluster.kit, "n1")
    parent = int(
        Path(f"/proc/{init_of(new_cluster, 'n2')}/stat").read_text().rsplit(")", 1)[1].split()[1]
    )
    kill(parent, "the process that started n2's init")
    control_plane = init_of(new_cluster, "cp")
    run_and_kill_when(
        new_cluster, "cluster down", lambda: ended(control_plane), what="the control plane's end"
    )
    host_link = Path("/sys/class/net") / f"{instance.name}h"
    run_and_kill_when(
        new_cluster, "cluster down", lambda: not host_link.exists(), what="the network's end"
    )
    new_cluster.down()
    assert left_behind(new_cluster.kit, before) == {}


def ended(pid: int) -> bool:
    """Whether the process is gone, or a zombie that the host's PID 1 has not reaped yet."""
    try:
        when_started(pid)
    except (OSError, ValueError):
        return True
    return False


def init_of(new_cluster: NewCluster, machine: str) -> int:
    return int((new_cluster.kit.instance.home(machine) / "init.pid").read_text())


def test_up_adds_and_removes_nodes_and_down_works_after_deleted_folders(
    new_cluster: NewCluster,
) -> None:
    before = take_snapshot(new_cluster.kit)
    for nodes in (1, 2, 1):
        new_cluster.up("--nodes", str(nodes))
        listed = new_cluster.kit.cluster().kubectl()("get", "nodes", "-o", "name").split()
        assert listed == [f"node/node{i}" for i in range(1, nodes + 1)]
    shutil.rmtree(new_cluster.kit.home)
    again = new_cluster.seawall("cluster", "up")
    assert again.returncode == 2
    assert f"{new_cluster.kit.home} is gone" in again.stderr
    assert new_cluster.seawall("cluster", "status").returncode == 0, (
        "the cluster must stay untouched"
    )
    # Running daemons may recreate files at once, as after an `rm -rf` of a user.
    shutil.rmtree(new_cluster.kit.instance.data, ignore_errors=True)
    new_cluster.down()
    assert left_behind(new_cluster.kit, before) == {}
