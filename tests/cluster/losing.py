"""What the tests of lost nodes share: the command that takes a node, and what is seen after it."""

import secrets
import time

from agents.redis.server import Server, ServerError
from contract import paths, ports
from seawall.common.wait import wait_until
from tests.cluster.watching import (
    Sentinels,
    delete,
    node_of,
    nodes_of,
    ready_pods,
    redis_addresses,
    secret,
    served,
    whole,
)
from tests.conftest import Environment
from tests.measured import measured
from tests.support.constant_load import ConstantLoad, LoadReport

__all__ = [
    "Watch",
    "a_master_beside_a_gateway",
    "addresses_on",
    "done",
    "entrance_elsewhere",
    "masters",
    "most_in_flight",
    "read",
    "refused",
    "write",
]

DETECTION_GOAL_S = 15.0
"""Until no Service names a lost node's pods: 10 s of the embedded cluster's grace, and its tick."""
SPREAD_GOAL_S = 1.0
"""From then until every node and the entrance know it."""
MASTER_GOAL_S = 15.0
LOST_SHARE = 0.5
"""Of the requests until the detection: one of two pods of the gateway is gone."""
KEY = "seawall:test:before-the-loss"
LOOKS = 50
"""In one second."""


def done(environment: Environment, *words: str) -> None:
    """`seawall cluster node ...`, which must succeed."""
    ended = environment.seawall("cluster", "node", *words)
    assert ended.returncode == 0, ended.stderr


def refused(environment: Environment, *words: str) -> str:
    """What `seawall cluster node ...` says, which must refuse."""
    ended = environment.seawall("cluster", "node", *words)
    assert ended.returncode == 2
    return ended.stderr


def entrance_elsewhere(environment: Environment, node: str) -> str:
    """The URL of a pod of the entrance that is on another node."""
    for pod in ready_pods(environment, "entrance"):
        if node_of(environment, pod) != node:
            where = "jsonpath={.status.podIP}"
            address = environment.kubectl("-n", "seawall", "get", "pod", pod, "-o", where)
            return f"http://{address}:{ports.ENTRANCE_HTTP}"
    raise AssertionError(f"every ready pod of the entrance is on {node}")


def most_in_flight(load: ConstantLoad) -> int:
    """The most requests without an answer, in a second of looks.

    At least one: a request may be sent between the last look and the fault.
    """
    seen: list[int] = []

    def looked_for_a_second() -> bool:
        seen.append(load.in_flight)
        return len(seen) >= LOOKS

    wait_until(looked_for_a_second, deadline_s=10, what="a look", interval_s=1 / LOOKS)
    return max(1, *seen)


class Watch:
    """What happens after a node was lost: who is master, and who is still sent requests."""

    def __init__(
        self, environment: Environment, sentinels: Sentinels, master: str, node: str
    ) -> None:
        self._environment = environment
        self._sentinels = sentinels
        self._master = master
        self._lost = addresses_on(environment, node)
        providers = ("simulator-alpha", "simulator-beta")
        self._providers = {name: nodes_of(environment, name) for name in providers}
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
        known_s = self._out_s + 3 * SPREAD_GOAL_S
        assert last_s <= known_s + report.timeout_s, report.failures[-5:]
        assert report.failed <= LOST_SHARE * within, (
            f"the pods that are left must answer; the providers were on {self._providers}"
        )
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
    """What was written; None from a pod that does not answer, as one that is replaced."""
    try:
        with redis(environment, pod) as server:
            return server.call("GET", KEY)
    except ServerError:
        return None


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
