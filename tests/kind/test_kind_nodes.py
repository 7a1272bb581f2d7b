"""Stopping, starting, partitioning and healing the nodes of a kind cluster."""

from collections.abc import Callable

import pytest

from seawall.common.errors import ClusterError, UsageError
from seawall.testbed.cluster.kind import KindCluster
from tests.kind.conftest import FakeDocker, MakeCluster

pytestmark = [pytest.mark.servers]


def parts_of(cluster: KindCluster) -> dict[str, bool]:
    return {part.name: part.ok for part in cluster.status()}


def test_stopped_node_is_disconnected_before_it_is_killed(
    cluster: KindCluster, engine: FakeDocker, name: str
) -> None:
    node = f"{name}-worker2"
    cluster.stop_node(node)
    calls = engine.calls("docker")
    cut, killed = ["network", "disconnect", "kind", node], ["kill", node]
    assert calls.index(cut) < calls.index(killed), "its kernel would close its connections"
    assert engine.container(node).state == "exited"
    down = {part for part, ok in parts_of(cluster).items() if not ok}
    assert down == {node, f"{node}/containerd", f"{node}/kubelet"}


def test_start_node_waits_for_a_fresh_ready_status(
    cluster: KindCluster, engine: FakeDocker, name: str
) -> None:
    node = f"{name}-worker2"
    cluster.stop_node(node)
    cluster.start_node(node)
    assert all(parts_of(cluster).values())
    assert engine.container(node).network == "kind"
    # The fake Docker first shows the old `Ready`, like an API server that missed the node's end.
    assert engine.container(node).polls > 2


def test_partitioned_node_keeps_running_and_heals(
    cluster: KindCluster, engine: FakeDocker, name: str
) -> None:
    node = f"{name}-worker"
    before = engine.container(node)
    cluster.partition_node(node)
    cluster.partition_node(node)
    parts = {part.name: part for part in cluster.status()}
    assert not parts[node].ok
    assert "cut off from the network" in parts[node].detail
    assert parts[f"{node}/kubelet"].ok
    cluster.heal_node(node)
    assert engine.container(node) == before, "neither started anew nor at another address"
    assert engine.count("docker", "network", "disconnect") == 1


def test_node_healed_at_another_address_is_restarted(
    cluster: KindCluster, engine: FakeDocker, name: str
) -> None:
    first, second = sorted(
        (f"{name}-worker", f"{name}-worker2"), key=lambda node: engine.container(node).address
    )
    was = engine.container(second).address
    cluster.partition_node(first)
    cluster.partition_node(second)
    cluster.heal_node(second)
    assert engine.container(second).address != was, "the lowest free one was the other node's"
    assert engine.count("docker", "restart", second) == 1
    cluster.heal_node(first)
    assert all(parts_of(cluster).values())


def test_node_names_of_the_embedded_cluster_are_accepted(
    cluster: KindCluster, engine: FakeDocker, name: str
) -> None:
    cluster.partition_node("node3")
    assert engine.container(f"{name}-worker3").network == ""
    cluster.heal_node("node3")


def stop(cluster: KindCluster, node: str) -> None:
    cluster.stop_node(node)


def partition(cluster: KindCluster, node: str) -> None:
    cluster.partition_node(node)


def start(cluster: KindCluster, node: str) -> None:
    cluster.start_node(node)


def heal(cluster: KindCluster, node: str) -> None:
    cluster.heal_node(node)


Operation = Callable[[KindCluster, str], None]


@pytest.mark.parametrize("operation", [stop, partition, start, heal])
@pytest.mark.parametrize("node", ["node9", "control-plane"])
def test_unknown_node_is_named(
    cluster: KindCluster, name: str, operation: Operation, node: str
) -> None:
    with pytest.raises(UsageError, match=f"no such node: {node}; there are {name}-worker, "):
        operation(cluster, node)


@pytest.mark.parametrize(
    ("operation", "words"), [(start, "runs already"), (heal, "is not cut off from the network")]
)
def test_start_of_a_running_and_heal_of_a_connected_node_are_refused(
    cluster: KindCluster, operation: Operation, words: str
) -> None:
    with pytest.raises(UsageError, match=f"node node1 {words}"):
        operation(cluster, "node1")


@pytest.mark.parametrize("operation", [stop, partition])
def test_stop_and_partition_of_a_stopped_node_are_refused(
    cluster: KindCluster, operation: Operation
) -> None:
    cluster.stop_node("node1")
    with pytest.raises(UsageError, match="node node1 does not run; `seawall cluster node start"):
        operation(cluster, "node1")


@pytest.mark.parametrize("operation", [stop, partition, start, heal])
def test_node_operations_without_a_cluster_are_refused(
    make_cluster: MakeCluster, operation: Operation
) -> None:
    with pytest.raises(UsageError, match="has not been started: run `make up`"):
        operation(make_cluster(), "node1")


def test_docker_error_is_one_line_and_the_node_keeps_running(
    cluster: KindCluster, engine: FakeDocker, name: str
) -> None:
    engine.refuse("network disconnect", "the network is busy")
    with pytest.raises(ClusterError) as caught:
        cluster.stop_node("node1")
    assert str(caught.value) == (
        "`docker network disconnect` failed: Error response from daemon: the network is busy"
    )
    assert engine.container(f"{name}-worker").state == "running", "no half-done stop"


def test_logs_shows_a_node_or_one_of_its_daemons(cluster: KindCluster, name: str) -> None:
    assert "Multi-User System" in cluster.logs(f"{name}-control-plane")
    assert "kubelet says something" in cluster.logs(f"{name}-worker/kubelet")
    with pytest.raises(UsageError, match=f"no such part: n1/kubelet; there are {name}-control"):
        cluster.logs("n1/kubelet")
