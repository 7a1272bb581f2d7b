"""Three nodes under a constant load: spread, drained, powered off, cut off, and given back."""

import secrets
import time
from collections.abc import Generator

import pytest

from agents.server import Server, ServerError
from contract import paths, ports
from seawall.load import ConstantLoad, LoadReport
from seawall.wait import wait_until
from tests.cluster.watching import (
    LOOK_EVERY_S,
    NODES,
    Sentinels,
    all_is_well,
    constant_load,
    delete,
    node_of,
    nodes_of,
    ready_pods,
    redis_addresses,
    secret,
    served,
    under_load,
    whole,
)
from tests.conftest import Environment
from tests.measured import measured

pytestmark = [pytest.mark.cluster]

DETECTION_GOAL_S = 15.0
"""Until no Service names a lost node's pods: 10 s of the embedded cluster's grace, and its tick."""
MASTER_GOAL_S = 15.0
LOST_SHARE = 0.5
"""Of the requests until the detection: one of two pods of the gateway is gone."""
PARTITION_S = 30.0
KEY = "seawall:test:before-the-loss"


@pytest.fixture(autouse=True)
def _all_is_well(environment: Environment) -> Generator[None]:
    """Each test begins and ends with three nodes and everything Ready."""
    with all_is_well(environment):
        yield


def test_pods_that_stand_in_for_each_other_are_on_different_nodes(environment: Environment) -> None:
    assert nodes_of(environment, "redis") == set(NODES)
    pods = len(ready_pods(environment, "gateway"))
    assert len(nodes_of(environment, "gateway")) == min(pods, len(NODES))
    assert nodes_of(environment, "simulator-alpha") != nodes_of(environment, "simulator-beta")
    assert len(nodes_of(environment, "entrance")) == 2


def test_users_do_not_notice_a_drain_of_each_node_in_turn(
    environment: Environment, load: ConstantLoad
) -> None:
    took: list[float] = []

    def drain_each() -> None:
        for node in NODES:
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
                what="the gateway's pods to be elsewhere",
                interval_s=LOOK_EVERY_S,
            )
            assert node not in nodes_of(environment, "gateway")
            environment.kubectl("uncordon", node)
            # Its Redis pod waits for it: the volume is local.
            wait_until(
                lambda: len(ready_pods(environment, "redis")) == 3,
                deadline_s=60,
                what=f"the Redis pod of {node}",
                interval_s=LOOK_EVERY_S,
            )

    report = under_load(load, drain_each, lambda: whole(environment))
    measured(f"drains of the three nodes took {', '.join(f'{s:.1f}' for s in took)} s")
    assert report.failed == 0, report.failures


def test_the_loss_of_the_masters_node_costs_only_what_its_detection_takes(
    environment: Environment, load: ConstantLoad
) -> None:
    cluster = environment.kit.cluster()
    sentinels = Sentinels(environment)
    master = a_master_beside_a_gateway(environment, sentinels)
    node = node_of(environment, master)
    token = write(environment, master)
    seen = Watch(environment, sentinels, master, node)

    def lose() -> None:
        seen.begin()
        cluster.stop_node(node)

    report = under_load(load, lose, seen.healed, look_every_s=0.2)
    seen.judge(report, f"power of {node} cut")
    assert node_of(environment, master) in ("", node), "its volume is on the lost node"
    assert master not in ready_pods(environment, "redis")

    begun = time.monotonic()
    cluster.start_node(node)
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
        lambda: read(environment, master) == token, deadline_s=30, what="what was written before"
    )
    assert masters(environment) == [sentinels.master()]


def test_a_partition_of_the_masters_node_heals_without_a_second_master(
    environment: Environment, load: ConstantLoad
) -> None:
    cluster = environment.kit.cluster()
    sentinels = Sentinels(environment)
    master = a_master_beside_a_gateway(environment, sentinels)
    node = node_of(environment, master)
    token = write(environment, master)
    seen = Watch(environment, sentinels, master, node)

    def cut() -> None:
        seen.begin()
        cluster.partition_node(node)

    def cut_for_long_enough() -> bool:
        return seen.healed() and seen.elapsed() >= PARTITION_S

    report = under_load(load, cut, cut_for_long_enough, look_every_s=0.2)
    seen.judge(report, f"{node} cut off for {PARTITION_S:.0f} s")
    healing = under_load(
        constant_load(environment), lambda: cluster.heal_node(node), lambda: whole(environment)
    )
    assert healing.failed == 0, healing.failures
    wait_until(
        lambda: read(environment, master) == token, deadline_s=30, what="what was written before"
    )
    wait_until(
        lambda: masters(environment) == [sentinels.master()],
        deadline_s=30,
        what="one master, the one that the sentinels name",
    )


def test_a_node_is_not_taken_or_given_back_twice(environment: Environment) -> None:
    def refused(*words: str) -> str:
        done = environment.seawall("cluster", "node", *words)
        assert done.returncode == 2
        return done.stderr

    def done(*words: str) -> None:
        assert environment.seawall("cluster", "node", *words).returncode == 0

    assert "is not cut off" in refused("heal", "node3")
    assert "runs already" in refused("start", "node3")
    done("partition", "node3")
    assert "cut off" in environment.seawall("cluster", "status").stdout
    done("heal", "node3")
    done("stop", "node3")
    for words in ("stop", "partition"):
        assert "seawall cluster node start node3" in refused(words, "node3")
    done("start", "n3")


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
        # One provider after the other: these play companies that do not know each other.
        restart("seawall", "deployment/simulator-alpha")
        restart("seawall", "deployment/simulator-beta")

    report = under_load(load, restart_all, lambda: whole(environment))
    assert report.failed == 0, report.failures


class Watch:
    """What happens after a node was lost: who is master, and who is still sent requests."""

    def __init__(
        self, environment: Environment, sentinels: Sentinels, master: str, node: str
    ) -> None:
        self._environment = environment
        self._sentinels = sentinels
        self._master = master
        self._lost = addresses_on(environment, node)
        self._began_at = self._began = 0.0
        self._elsewhere_s: float | None = None
        self._out_s: float | None = None
        assert self._lost, "no pod of the gateway is on this node"

    def begin(self) -> None:
        self._began_at, self._began = time.time(), time.monotonic()

    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def healed(self) -> bool:
        """Another master, nobody sent to the lost pods, and two pods of the gateway again."""
        if self._out_s is None and not self._lost & served(self._environment):
            self._out_s = self.elapsed()
        if self._elsewhere_s is None and self._sentinels.master() not in (self._master, "nobody"):
            self._elsewhere_s = self.elapsed()
        return (
            self._out_s is not None
            and self._elsewhere_s is not None
            and len(served(self._environment)) >= 2
        )

    def judge(self, report: LoadReport, what: str) -> None:
        """Print what was seen; only requests of the time before the detection may have failed."""
        assert self._out_s is not None
        assert self._elsewhere_s is not None
        last_s = max((f.at - self._began_at for f in report.failures), default=0.0)
        within = report.rate * (self._out_s + report.timeout_s)
        measured(
            f"{what}: {report.failed} of {within:.0f} requests in the time of detection failed, "
            f"the last after {last_s:.1f} s; endpoints out after {self._out_s:.1f} s (goal "
            f"{DETECTION_GOAL_S:.0f} s), another master after {self._elsewhere_s:.1f} s (goal "
            f"{MASTER_GOAL_S:.0f} s)"
        )
        assert last_s <= self._out_s + report.timeout_s + 1, report.failures[-5:]
        assert report.failed <= LOST_SHARE * within, "the pods that are left must answer"
        assert self._out_s < 3 * DETECTION_GOAL_S
        assert self._elsewhere_s < 3 * MASTER_GOAL_S


def a_master_beside_a_gateway(environment: Environment, sentinels: Sentinels) -> str:
    """The Redis master, which is moved once when its node carries no pod of the gateway."""
    master = sentinels.master()
    if node_of(environment, master) not in nodes_of(environment, "gateway"):
        delete(environment, master)
        wait_until(
            lambda: sentinels.master() not in (master, "nobody") and whole(environment),
            deadline_s=60,
            what="another master",
        )
        master = sentinels.master()
    assert node_of(environment, master) in nodes_of(environment, "gateway")
    return master


def addresses_on(environment: Environment, node: str) -> set[str]:
    """The addresses of the gateway's pods on a node."""
    words = ("get", "pods", "-l", "app.kubernetes.io/name=gateway")
    where = ("--field-selector", f"spec.nodeName={node}", "-o", "jsonpath={.items[*].status.podIP}")
    return set(environment.kubectl("-n", "seawall", *words, *where).split())


def redis(environment: Environment, pod: str) -> Server:
    """One Redis, asked as its operator."""
    password = secret(environment, paths.REDIS_OPERATOR_PASSWORD_FILE)
    return Server(redis_addresses(environment)[pod], ports.REDIS, "operator", password)


def write(environment: Environment, master: str) -> str:
    """Write something that one replica at least has acknowledged."""
    token = secrets.token_hex(8)
    with redis(environment, master) as server:
        server.call("SET", KEY, token)
        assert server.call("WAIT", "1", "5000") in (1, 2)
    return token


def read(environment: Environment, pod: str) -> object:
    with redis(environment, pod) as server:
        return server.call("GET", KEY)


def masters(environment: Environment) -> list[str]:
    """The Redis pods that believe that they are master."""
    found: list[str] = []
    for pod in redis_addresses(environment):
        try:
            with redis(environment, pod) as server:
                if server.role() == "master":
                    found.append(pod)
        except ServerError:
            continue
    return found
