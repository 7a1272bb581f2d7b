"""Whatever is killed, and when: `up` repairs it, and `down` leaves nothing of it on this host."""

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
from tests.cluster.conftest import Other
from tests.cluster.killing import kill, kill_daemons, kill_inits
from tests.conftest import HOST_LOCK, SEAWALL
from tests.host.picture import left_behind, take_picture

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


def all_pods_are_ready(other: Other) -> bool:
    pods = _Pods.model_validate(other.kit.cluster().kubectl().get("pods", "-A")).items
    return all(
        any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions) for pod in pods
    )


@pytest.fixture
def own_setting() -> Generator[None]:
    """A setting of the host that kubelets would change, and that is not as they want it."""
    file = Path("/proc/sys/kernel/panic")
    with exclusive(HOST_LOCK):
        found = file.read_text()
        file.write_text("11")
        yield
        file.write_text(found)


@pytest.mark.usefixtures("own_setting")
def test_up_repairs_one_killed_daemon_of_each_kind_and_down_leaves_nothing_of_killed_machines(
    other: Other,
) -> None:
    before = take_picture(other.kit)
    other.up()
    killed = kill_daemons(other.kit)
    other.up()
    # One that ends once more, since another was not there yet, is started again at once.
    wait_until(
        lambda: all(part.ok for part in other.kit.cluster().status()),
        deadline_s=30,
        what=f"every daemon to run after the loss of {', '.join(killed)}",
    )
    wait_until(
        lambda: all_pods_are_ready(other),
        deadline_s=90,
        what="the pods of a killed shim",
        interval_s=1,
    )
    kill_daemons(other.kit)
    kill_inits(other.kit, *other.kit.instance.machines)
    other.down()
    assert left_behind(other.kit, before) == {}


def killed_when(other: Other, command: str, reached: Callable[[], bool], what: str) -> None:
    """Run a command, and kill it as soon as something is `reached`.

    The command yields to everybody else, so that it does not end before this process looks again.
    """
    running = subprocess.Popen(
        ["nice", "-n", "19", SEAWALL, *command.split()],
        env={**os.environ, **other.variables},
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
def test_down_leaves_nothing_of_an_up_that_was_killed_early(other: Other, moment: str) -> None:
    before = take_picture(other.kit)
    reached = {
        "switch": Path("/run/seawall") / other.kit.instance.name / "switch",
        "first node": other.kit.instance.home("n1") / "init.pid",
    }
    killed_when(other, "cluster up", reached[moment].exists, what=f"the {moment}")
    other.down()
    assert left_behind(other.kit, before) == {}


def test_what_a_killed_up_or_down_began_the_next_one_finishes(other: Other) -> None:
    before = take_picture(other.kit)
    instance = other.kit.instance
    killed_when(other, "cluster up", (instance.data / "addons").exists, what="the add-ons")
    other.up()
    assert all(part.ok for part in other.kit.cluster().status())
    kill_inits(other.kit, "n1")
    starter = int(
        Path(f"/proc/{init_of(other, 'n2')}/stat").read_text().rsplit(")", 1)[1].split()[1]
    )
    kill(starter, "the process that started n2's init")
    control_plane = init_of(other, "cp")
    killed_when(other, "down", lambda: ended(control_plane), what="the control plane's end")
    leg = Path("/sys/class/net") / f"{instance.name}h"
    killed_when(other, "down", lambda: not leg.exists(), what="the network's end")
    other.down()
    assert left_behind(other.kit, before) == {}


def ended(pid: int) -> bool:
    """Gone, or dead and not yet collected by the host's own process 1, which may take its time."""
    try:
        when_started(pid)
    except (OSError, ValueError):
        return True
    return False


def init_of(other: Other, machine: str) -> int:
    return int((other.kit.instance.home(machine) / "init.pid").read_text())


def test_nodes_come_and_go_with_their_number_and_lost_folders_are_no_obstacle(
    other: Other,
) -> None:
    before = take_picture(other.kit)
    for nodes in (1, 2, 1):
        other.up("--nodes", str(nodes))
        listed = other.kit.cluster().kubectl()("get", "nodes", "-o", "name").split()
        assert listed == [f"node/node{i}" for i in range(1, nodes + 1)]
    shutil.rmtree(other.kit.home)
    again = other.seawall("cluster", "up")
    assert again.returncode == 2
    assert f"{other.kit.home} is gone" in again.stderr
    assert other.seawall("cluster", "status").returncode == 0, "nothing may be touched"
    # What is in use may come back at once: as much as a hasty `rm -rf` gets.
    shutil.rmtree(other.kit.instance.data, ignore_errors=True)
    other.down()
    assert left_behind(other.kit, before) == {}
