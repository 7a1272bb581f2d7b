"""Helpers for tests of lost nodes: the node commands, and the effects of a loss over time."""

import secrets
import time

from agents.redis.server import Server, ServerError
from contract import paths, ports
from contract.components import EDGE
from seawall.common.wait import wait_until
from tests.cluster.live_environment import (
    Sentinels,
    all_ready,
    delete,
    gateway_endpoints,
    node_of,
    nodes_of,
    ready_pods,
    redis_addresses,
    secret,
)
from tests.conftest import Environment
from tests.measured import measured
from tests.support.constant_load import ConstantLoad, LoadReport

__all__ = [
    "NodeLoss",
    "edge_url_on_another_node",
    "gateway_addresses_on",
    "master_on_a_gateway_node",
    "masters",
    "max_in_flight",
    "read_token",
    "refused_node_command",
    "run_node_command",
    "write_token",
]

DETECTION_GOAL_S = 15.0
"""From the loss until no Service has endpoints on the node.

The embedded cluster's grace period is 10 s; its next check adds the rest.
"""
SPREAD_GOAL_S = 1.0
"""From the detection until every node and the edge proxy have the new endpoints."""
MASTER_GOAL_S = 15.0
MAX_FAILED_SHARE = 0.5
"""Of the requests before the detection: one of two gateway pods is gone."""
KEY = "seawall:test:before-the-loss"
SAMPLES_PER_S = 50
"""How often `max_in_flight` samples the load."""


def run_node_command(environment: Environment, *arguments: str) -> None:
    """Run `seawall cluster node ...`, which must succeed."""
    ended = environment.seawall("cluster", "node", *arguments)
    assert ended.returncode == 0, ended.stderr


def refused_node_command(environment: Environment, *arguments: str) -> str:
    """Run `seawall cluster node ...`, which must refuse; returns its standard error."""
    ended = environment.seawall("cluster", "node", *arguments)
    assert ended.returncode == 2
    return ended.stderr


def edge_url_on_another_node(environment: Environment, node: str) -> str:
    """The URL of an edge proxy pod on another node."""
    for pod in ready_pods(environment, EDGE):
        if node_of(environment, pod) != node:
            selection = "jsonpath={.status.podIP}"
            address = environment.kubectl("-n", "seawall", "get", "pod", pod, "-o", selection)
            return f"http://{address}:{ports.EDGE_HTTP}"
    raise AssertionError(f"every ready edge proxy pod is on {node}")


def max_in_flight(load: ConstantLoad) -> int:
    """The largest number of unanswered requests in one second.

    It is at least one, since a request may start between the last sample and the fault.
    """
    samples: list[int] = []

    def sampled_for_a_second() -> bool:
        samples.append(load.in_flight)
        return len(samples) >= SAMPLES_PER_S

    wait_until(
        sampled_for_a_second,
        deadline_s=10,
        what="samples for a second",
        interval_s=1 / SAMPLES_PER_S,
    )
    return max(1, *samples)


class NodeLoss:
    """Observes a lost node: the Redis master, and the pods that still receive requests."""

    def __init__(
        self, environment: Environment, sentinels: Sentinels, master: str, node: str
    ) -> None:
        self._environment = environment
        self._sentinels = sentinels
        self._master = master
        self._lost = gateway_addresses_on(environment, node)
        providers = ("simulator-alpha", "simulator-beta")
        self._providers = {name: nodes_of(environment, name) for name in providers}
        self._began_at = self._began = 0.0
        self._new_master_s: float | None = None
        self._endpoints_removed_s: float | None = None
        assert self._lost, "no pod of the gateway is on this node"

    def begin(self) -> None:
        self._began_at, self._began = time.time(), time.monotonic()

    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def healed(self) -> bool:
        """Whether another pod is master, and requests go to two gateway pods, none of them lost."""
        if self._endpoints_removed_s is None and not self._lost & gateway_endpoints(
            self._environment
        ):
            self._endpoints_removed_s = self.elapsed()
        if self._new_master_s is None and self._sentinels.master() not in (self._master, "nobody"):
            self._new_master_s = self.elapsed()
        return (
            self._endpoints_removed_s is not None
            and self._new_master_s is not None
            and len(gateway_endpoints(self._environment)) >= 2
        )

    def check(self, report: LoadReport, what: str) -> None:
        """Print the measurements; only requests before the detection may have failed."""
        assert self._endpoints_removed_s is not None
        assert self._new_master_s is not None
        last_s = max((f.at - self._began_at for f in report.failures), default=0.0)
        sent_before_detection = report.rate * (self._endpoints_removed_s + report.timeout_s)
        measured(
            f"{what}: {report.failed} of {sent_before_detection:.0f} requests in the time of "
            f"detection failed, the last after {last_s:.1f} s; endpoints out after "
            f"{self._endpoints_removed_s:.1f} s (goal {DETECTION_GOAL_S:.0f} s), "
            f"another master after {self._new_master_s:.1f} s (goal {MASTER_GOAL_S:.0f} s)"
        )
        endpoints_known_s = self._endpoints_removed_s + 3 * SPREAD_GOAL_S
        assert last_s <= endpoints_known_s + report.timeout_s, report.failures[-5:]
        assert report.failed <= MAX_FAILED_SHARE * sent_before_detection, (
            f"the remaining pods must answer; the providers were on {self._providers}"
        )
        assert self._endpoints_removed_s < 3 * DETECTION_GOAL_S
        assert self._new_master_s < 3 * MASTER_GOAL_S


def master_on_a_gateway_node(environment: Environment, sentinels: Sentinels) -> str:
    """The Redis master; it is first moved once if its node has no gateway pod."""
    master = sentinels.master()
    if node_of(environment, master) not in nodes_of(environment, "gateway"):
        delete(environment, master)
        wait_until(
            lambda: sentinels.master() not in (master, "nobody") and all_ready(environment),
            deadline_s=60,
            what="another master",
        )
        master = sentinels.master()
    assert node_of(environment, master) in nodes_of(environment, "gateway")
    return master


def gateway_addresses_on(environment: Environment, node: str) -> set[str]:
    """The addresses of the gateway pods on a node."""
    arguments = ("get", "pods", "-l", "app.kubernetes.io/name=gateway")
    selection = (
        "--field-selector",
        f"spec.nodeName={node}",
        "-o",
        "jsonpath={.items[*].status.podIP}",
    )
    return set(environment.kubectl("-n", "seawall", *arguments, *selection).split())


def redis_client(environment: Environment, pod: str) -> Server:
    """A client of one Redis server, as the user `operator`."""
    password = secret(environment, paths.REDIS_OPERATOR_PASSWORD_FILE)
    return Server(redis_addresses(environment)[pod], ports.REDIS, "operator", password)


def write_token(environment: Environment, master: str) -> str:
    """Write a random token and wait until at least one replica has acknowledged it."""
    token = secrets.token_hex(8)
    with redis_client(environment, master) as server:
        server.call("SET", KEY, token)
        assert server.call("WAIT", "1", "5000") in (1, 2)
    return token


def read_token(environment: Environment, pod: str) -> object:
    """The stored token; None from a pod that does not answer, such as one that is replaced."""
    try:
        with redis_client(environment, pod) as server:
            return server.call("GET", KEY)
    except ServerError:
        return None


def masters(environment: Environment) -> list[str]:
    """The Redis pods with the role of master."""
    found: list[str] = []
    for pod in redis_addresses(environment):
        try:
            with redis_client(environment, pod) as server:
                if server.role() == "master":
                    found.append(pod)
        except ServerError:
            continue
    return found
