"""Three nodes under a constant load: drained, powered off, partitioned, and recovered."""

import time
from collections.abc import Generator

import pytest

from contract.components import EDGE
from seawall.common.wait import wait_until
from tests.cluster.live_environment import (
    NODES,
    POLL_EVERY_S,
    Sentinels,
    all_ready,
    constant_load,
    failures_with_logs,
    gateway_endpoints,
    healthy_before_and_after,
    node_of,
    nodes_of,
    ready_pods,
    under_load,
)
from tests.cluster.node_loss import (
    NodeLoss,
    edge_url_on_another_node,
    gateway_addresses_on,
    master_on_a_gateway_node,
    masters,
    max_in_flight,
    read_token,
    refused_node_command,
    run_node_command,
    write_token,
)
from tests.conftest import Environment
from tests.measured import measured
from tests.support.constant_load import ConstantLoad

pytestmark = [pytest.mark.cluster]

PARTITION_S = 30.0
SOAK_PARTITION_S = 600.0
SOAK_PARTITION = [pytest.mark.soak, pytest.mark.timeout(1200)]


@pytest.fixture(autouse=True)
def _healthy_before_and_after(environment: Environment) -> Generator[None]:
    """Each test begins and ends with three nodes and everything Ready."""
    with healthy_before_and_after(environment):
        yield


def test_replicas_and_alternative_providers_run_on_different_nodes(
    environment: Environment,
) -> None:
    assert nodes_of(environment, "redis") == set(NODES)
    pods = len(ready_pods(environment, "gateway"))
    assert len(nodes_of(environment, "gateway")) == min(pods, len(NODES))
    assert nodes_of(environment, "simulator-alpha") != nodes_of(environment, "simulator-beta")
    assert len(nodes_of(environment, EDGE)) == 2


@pytest.mark.timed
@pytest.mark.parametrize(
    "nodes",
    [NODES[-1:], pytest.param(NODES, marks=pytest.mark.soak)],
    ids=["one", "each in turn"],
)
def test_users_do_not_notice_a_drain_of_nodes(
    environment: Environment, load: ConstantLoad, nodes: tuple[str, ...]
) -> None:
    took: list[float] = []

    def drain_each() -> None:
        for node in nodes:
            begun = time.monotonic()
            environment.kubectl(
                *("drain", node, "--ignore-daemonsets", "--delete-emptydir-data"),
                "--timeout=150s",
                timeout_s=160,
            )
            took.append(time.monotonic() - begun)
            wait_until(
                lambda: len(ready_pods(environment, "gateway")) >= 2,
                deadline_s=60,
                what="gateway pods on other nodes",
                interval_s=POLL_EVERY_S,
            )
            assert node not in nodes_of(environment, "gateway")
            environment.kubectl("uncordon", node)
            # The Redis pod of this node has a local volume, so it waits for the node.
            wait_until(
                lambda: len(ready_pods(environment, "redis")) == 3,
                deadline_s=60,
                what=f"the Redis pod of {node}",
                interval_s=POLL_EVERY_S,
            )

    report = under_load(load, drain_each, lambda: all_ready(environment))
    measured(f"drains of nodes took {', '.join(f'{s:.1f}' for s in took)} s")
    assert report.failed == 0, failures_with_logs(environment, report)


@pytest.mark.timed
def test_a_node_without_power_costs_nothing_but_the_requests_in_flight(
    environment: Environment,
) -> None:
    """Send the load to an edge proxy pod on another node, as a load balancer would."""
    node = next(
        node_of(environment, pod)
        for pod in ready_pods(environment, "gateway")
        if nodes_of(environment, EDGE) != {node_of(environment, pod)}
    )
    load = constant_load(environment, url=edge_url_on_another_node(environment, node))
    lost_addresses = gateway_addresses_on(environment, node)
    in_flight = 0

    def cut() -> None:
        nonlocal in_flight
        in_flight = max_in_flight(load)
        environment.kit.cluster().stop_node(node)

    def healed() -> bool:
        """Whether requests go to at least two gateway pods, none of them lost."""
        endpoints = gateway_endpoints(environment)
        return not lost_addresses & endpoints and len(endpoints) >= 2

    report = under_load(load, cut, healed, poll_every_s=0.2)
    measured(
        f"power of {node}, which had a pod of the gateway, cut: {report.failed} of "
        f"{report.sent} requests failed (goal: at most the {in_flight} in flight)"
    )
    # A machine takes a moment to stop, and still receives requests meanwhile.
    assert report.failed <= 3 * in_flight, report.failures


@pytest.mark.timed
def test_the_loss_of_the_masters_node_costs_only_what_its_detection_takes(
    environment: Environment, load: ConstantLoad
) -> None:
    sentinels = Sentinels(environment)
    master = master_on_a_gateway_node(environment, sentinels)
    node = node_of(environment, master)
    token = write_token(environment, master)
    node_loss = NodeLoss(environment, sentinels, master, node)

    def lose() -> None:
        node_loss.begin()
        environment.kit.cluster().stop_node(node)

    report = under_load(load, lose, node_loss.healed, poll_every_s=0.2)
    node_loss.check(report, f"power of {node} cut")
    assert node_of(environment, master) in ("", node), "its volume is on the lost node"
    assert master not in ready_pods(environment, "redis")
    for word in ("stop", "partition"):
        assert f"seawall cluster node start {node}" in refused_node_command(environment, word, node)

    begun = time.monotonic()
    run_node_command(environment, "start", node.replace("node", "n"))
    ready = time.monotonic() - begun
    wait_until(
        lambda: master in ready_pods(environment, "redis"),
        deadline_s=60,
        what=f"{master} to return",
    )
    measured(
        f"{node} Ready {ready:.1f} s after its power returned, {master} Ready after "
        f"{time.monotonic() - begun:.1f} s"
    )
    wait_until(
        lambda: read_token(environment, master) == token,
        deadline_s=60,
        what="the token written before",
    )
    assert masters(environment) == [sentinels.master()]
    assert "runs already" in refused_node_command(environment, "start", node)


@pytest.mark.timed
@pytest.mark.parametrize(
    "partition_s", [PARTITION_S, pytest.param(SOAK_PARTITION_S, marks=SOAK_PARTITION)]
)
def test_a_partition_of_the_masters_node_heals_without_a_second_master(
    environment: Environment, load: ConstantLoad, partition_s: float
) -> None:
    sentinels = Sentinels(environment)
    master = master_on_a_gateway_node(environment, sentinels)
    node = node_of(environment, master)
    token = write_token(environment, master)
    node_loss = NodeLoss(environment, sentinels, master, node)

    def cut() -> None:
        node_loss.begin()
        run_node_command(environment, "partition", node)

    def cut_for_long_enough() -> bool:
        return node_loss.healed() and node_loss.elapsed() >= partition_s

    report = under_load(
        load, cut, cut_for_long_enough, poll_every_s=0.2, heals_within_s=partition_s + 120
    )
    node_loss.check(report, f"{node} cut off for {partition_s:.0f} s")
    assert "cut off" in environment.seawall("cluster", "status").stdout
    healing = under_load(
        constant_load(environment),
        lambda: run_node_command(environment, "heal", node),
        lambda: all_ready(environment),
    )
    assert healing.failed == 0, healing.failures
    wait_until(
        lambda: read_token(environment, master) == token,
        deadline_s=60,
        what="the token written before",
    )
    wait_until(
        lambda: masters(environment) == [sentinels.master()],
        deadline_s=30,
        what="one master, which the Sentinels name",
    )
    assert "is not cut off" in refused_node_command(environment, "heal", node)


@pytest.mark.timed
def test_users_do_not_notice_a_rolling_restart_of_everything(
    environment: Environment, load: ConstantLoad
) -> None:
    def restart(namespace: str, *objects: str) -> None:
        for name in objects:
            environment.kubectl("-n", namespace, "rollout", "restart", name)
        for name in objects:
            environment.kubectl(
                *("-n", namespace, "rollout", "status", name, "--timeout=170s"), timeout_s=180
            )

    def restart_all() -> None:
        restart("seawall", "deployment/gateway", "statefulset/redis")
        restart("kube-system", "deployment/coredns", "deployment/metrics-server")
        # One provider at a time: the simulators stand for independent companies.
        restart("seawall", "deployment/simulator-alpha")
        restart("seawall", "deployment/simulator-beta")

    report = under_load(load, restart_all, lambda: all_ready(environment))
    assert report.failed == 0, failures_with_logs(environment, report)
