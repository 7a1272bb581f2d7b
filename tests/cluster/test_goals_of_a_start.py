"""How long a warm start and a stop take, and what an idle cluster costs; and two clusters at once.

Times count from the start of the command. The goals hold on an idle machine; a test fails at three
times the goal only, since machines that run tests are seldom idle.
"""

import json
import os
import subprocess
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import BaseModel

from seawall.common.errors import ClusterError
from seawall.common.wait import wait_until
from seawall.testbed.cluster.artifacts import Supplies
from seawall.testbed.cluster.embedded import EmbeddedCluster
from seawall.testbed.kit import Kit
from tests.cluster.conftest import Other, cluster_of_its_own
from tests.conftest import SEAWALL
from tests.host.processes import pss_kib, running
from tests.measured import measured

pytestmark = [pytest.mark.cluster]

READY_GOAL_S, POD_GOAL_S, DOWN_GOAL_S = 8.0, 14.0, 10.0
MEMORY_GOAL_MIB = 1536
LENIENCE = 3


class _Condition(BaseModel):
    type: str
    status: str


class _Status(BaseModel):
    phase: str = ""
    conditions: list[_Condition] = []


class _Object(BaseModel):
    status: _Status

    @property
    def ready(self) -> bool:
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions)


class _Nodes(BaseModel):
    items: list[_Object]


@dataclass(frozen=True, slots=True)
class Started:
    """A cluster that was started under observation: seconds until its nodes, and a first pod."""

    other: Other
    nodes_ready_s: float
    pod_runs_s: float


@pytest.fixture(scope="module")
def started(warm: Kit, tmp_path_factory: pytest.TempPathFactory) -> Generator[Started]:
    with cluster_of_its_own(tmp_path_factory.mktemp("goals")) as other:
        begun = time.monotonic()
        up = subprocess.Popen(
            [SEAWALL, "cluster", "up", "--nodes", "3"],
            env={**os.environ, **other.variables},
            stderr=subprocess.PIPE,
            text=True,
        )

        def since_start(condition: str) -> float:
            check = {"nodes": lambda: nodes_ready(other) == 3, "pod": lambda: pod_runs(other, warm)}
            wait_until(check[condition], deadline_s=90, what=condition, interval_s=0.2)
            return time.monotonic() - begun

        nodes_ready_s, pod_runs_s = since_start("nodes"), since_start("pod")
        _, told = up.communicate(timeout=200)
        assert up.returncode == 0, told
        yield Started(other, nodes_ready_s, pod_runs_s)


def nodes_ready(other: Other) -> int:
    try:
        nodes = other.kit.cluster().kubectl().get("nodes")
    except ClusterError:
        return 0
    return sum(node.ready for node in _Nodes.model_validate(nodes).items)


def pod_runs(other: Other, warm: Kit) -> bool:
    """Ask for a pod as long as that is refused, then whether it runs."""
    kubectl = other.kit.cluster().kubectl()
    container = {"name": "first", "image": warm.supplies.base.ref, "command": ["sleep", "600"]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "first"},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }
    try:
        kubectl.apply(json.dumps(pod), manager="test")  # refused until there is a service account
        seen = _Object.model_validate(kubectl.get("pod", "first"))
    except ClusterError:
        return False
    return seen.status.phase == "Running"


def test_three_nodes_are_ready_soon(started: Started) -> None:
    measured(
        f"three nodes Ready {started.nodes_ready_s:.1f} s after start (goal {READY_GOAL_S:.0f} s)"
    )
    assert started.nodes_ready_s < LENIENCE * READY_GOAL_S


def test_a_first_pod_runs_soon(started: Started) -> None:
    measured(f"a first pod runs {started.pod_runs_s:.1f} s after start (goal {POD_GOAL_S:.0f} s)")
    assert started.pod_runs_s < LENIENCE * POD_GOAL_S


def test_an_idle_cluster_needs_little_memory(started: Started) -> None:
    """Of all processes of three nodes with the add-ons, without the platform.

    Proportional set size: what each has alone, and its share of what it has with others. The page
    cache is not in it.
    """
    name = started.other.kit.instance.name
    by_program: dict[str, int] = {}
    for process in running().values():
        if name in process.instances:
            program = Path(process.command.split(" ")[0]).name
            by_program[program] = by_program.get(program, 0) + pss_kib(process.pid)
    mib = sum(by_program.values()) / 1024
    largest = sorted(by_program.items(), key=lambda item: -item[1])[:6]
    told = ", ".join(f"{program} {kib // 1024}" for program, kib in largest)
    measured(f"idle cluster of three nodes: {mib:.0f} MiB PSS (goal {MEMORY_GOAL_MIB}); {told}")
    assert {"etcd", "kube-apiserver", "kubelet", "containerd", "program"} <= {*by_program}
    assert mib < LENIENCE * MEMORY_GOAL_MIB


def test_a_node_starts_again_as_it_last_did_whatever_the_checkout_would_build_now(
    started: Started,
) -> None:
    def build() -> Supplies:
        pytest.fail("a start of a node builds nothing")

    kit = started.other.kit
    cluster = EmbeddedCluster(kit.instance, kit.checkout, build)
    stopped = started.other.seawall("cluster", "node", "stop", "node2")
    assert stopped.returncode == 0, stopped.stderr
    cluster.start_node("node2")
    assert nodes_ready(started.other) == 3


def test_two_clusters_live_side_by_side(started: Started, tmp_path: Path) -> None:
    with cluster_of_its_own(tmp_path) as second:
        second.up("--nodes", "1")
        assert second.kit.instance.name != started.other.kit.instance.name
        for cluster in (started.other, second):
            assert cluster.seawall("cluster", "status").returncode == 0
        second.down()
    assert started.other.seawall("cluster", "status").returncode == 0


def test_a_taken_address_range_is_refused_with_its_owner(started: Started, other: Other) -> None:
    taken = {**other.variables, "SEAWALL_RANGE": str(started.other.kit.instance.octet)}
    up = Other(other.kit, taken).seawall("cluster", "up")
    assert up.returncode == 1
    assert "is taken" in up.stderr
    assert str(started.other.kit.checkout) in up.stderr
    assert not other.kit.instance.data.exists(), "a refused `up` must leave nothing"


def test_down_is_quick(started: Started) -> None:
    begun = time.monotonic()
    started.other.down()
    took = time.monotonic() - begun
    measured(f"`seawall down` of an idle cluster took {took:.1f} s (goal {DOWN_GOAL_S:.0f} s)")
    assert took < LENIENCE * DOWN_GOAL_S
