"""Helpers for tests under constant load: the load, and the state of pods, Redis and simulators."""

import contextlib
import os
from collections.abc import Callable, Generator

import urllib3
from pydantic import BaseModel

from agents.redis.server import Server, ServerError
from contract import paths, ports
from contract.components import EDGE
from seawall.common.errors import ClusterError
from seawall.common.wait import wait_until
from tests.conftest import Environment
from tests.measured import measured
from tests.support.constant_load import ConstantLoad, LoadReport

__all__ = [
    "NODES",
    "POLL_EVERY_S",
    "RATE",
    "REDIS",
    "Sentinels",
    "Simulator",
    "all_ready",
    "constant_load",
    "delete",
    "failures_with_logs",
    "gateway_endpoints",
    "healthy_before_and_after",
    "node_of",
    "nodes_of",
    "pods",
    "ready_pods",
    "redis_addresses",
    "secret",
    "terminating_since",
    "under_load",
]

RATE = 30.0
"""Requests per second; the load generator does not retry."""
SLOWEST_GOAL_S = 2.0
TIMEOUT_S = 3 * SLOWEST_GOAL_S
"""A request fails after three times the goal; the slowest request is printed with the goal."""
STEADY_S = 5.0
POLL_EVERY_S = 1.0
"""Each poll of `all_ready` starts kubectl five times, on the CPUs that all nodes share."""
NODES = ("node1", "node2", "node3")
REDIS = ("redis-0", "redis-1", "redis-2")


@contextlib.contextmanager
def healthy_before_and_after(environment: Environment) -> Generator[None]:
    """Wait until everything is Ready; at the end of the block, repair the three nodes and wait."""
    wait_until(lambda: all_ready(environment), deadline_s=120, what="everything to be Ready")
    _put_providers_on_different_nodes(environment)
    yield
    environment.kit.cluster().up()
    for node in NODES:
        environment.kubectl("uncordon", node)
    wait_until(lambda: all_ready(environment), deadline_s=180, what="everything to be Ready again")


def _put_providers_on_different_nodes(environment: Environment) -> None:
    """Put the simulated providers on different nodes, so that a lost node stops only one of them.

    The scheduler only prefers different nodes, so that a cluster of one node can run both.
    """

    def on_different_nodes() -> bool:
        alpha, beta = (nodes_of(environment, f"simulator-{name}") for name in ("alpha", "beta"))
        return not alpha & beta

    if not on_different_nodes():
        for pod in pods(environment, "simulator-beta"):
            delete(environment, pod)
        wait_until(
            lambda: all_ready(environment) and on_different_nodes(),
            deadline_s=60,
            what="the providers to be on different nodes",
        )


def all_ready(environment: Environment) -> bool:
    """Whether every component has the pods that it should have."""
    simulators = [ready_pods(environment, f"simulator-{name}") for name in ("alpha", "beta")]
    return (
        len(ready_pods(environment, EDGE)) >= 2
        and len(ready_pods(environment, "gateway")) >= 2
        and len(ready_pods(environment, "redis")) == 3
        and all(simulators)
    )


def nodes_of(environment: Environment, component: str) -> set[str]:
    """The nodes that carry a ready pod of the component."""
    return {node_of(environment, pod) for pod in ready_pods(environment, component)}


def constant_load(
    environment: Environment, rate: float = RATE, *, url: str | None = None
) -> ConstantLoad:
    """A load, half of it streamed, to the edge proxy's Service or to the base `url`."""
    return ConstantLoad(
        url=f"{url or environment.gateway_url}/v1",
        api_key=environment.api_key,
        model="fast",
        rate=rate,
        timeout_s=TIMEOUT_S,
        streamed_share=0.5,
    )


def under_load(
    load: ConstantLoad,
    fault: Callable[[], None],
    healed: Callable[[], bool],
    *,
    poll_every_s: float = POLL_EVERY_S,
    heals_within_s: float = 120,
) -> LoadReport:
    """Keep the load steady before, during and after a fault, and wait until the fault has healed.

    Args:
        load: the load, not yet started.
        fault: causes the fault.
        healed: whether the fault has healed.
        poll_every_s: the interval between calls of `healed`; shorter if it is cheap or records
            times.
        heals_within_s: the time limit for the fault to heal.
    """
    with load:
        wait_until(
            lambda: load.sent >= RATE * STEADY_S,
            deadline_s=3 * STEADY_S,
            what="a steady load before the fault",
        )
        fault()
        wait_until(
            healed, deadline_s=heals_within_s, what="the fault to heal", interval_s=poll_every_s
        )
        sent = load.sent
        wait_until(
            lambda: load.sent >= sent + RATE * STEADY_S,
            deadline_s=3 * STEADY_S,
            what="a steady load after the fault",
        )
    report = load.report
    test = os.environ["PYTEST_CURRENT_TEST"].rsplit("::", 1)[1].split(" ")[0]
    slowest = f"slowest {report.max_ms / 1000:.1f} s (goal {SLOWEST_GOAL_S:g} s)"
    measured(f"{test}: {report.summary()}, {slowest}")
    return report


def failures_with_logs(environment: Environment, report: LoadReport) -> str:
    """The failures, and the log lines of the running pods about these requests."""
    found: list[str] = [str(failure) for failure in report.failures]
    request_ids = {f'"{failure.request_id}"' for failure in report.failures[:5]}
    for component in (EDGE, "gateway"):
        for pod in pods(environment, component):
            log = environment.kubectl("-n", "seawall", "logs", pod, "--all-containers")
            lines = [line for line in log.splitlines() if any(one in line for one in request_ids)]
            found += [f"{pod}: {line}" for line in lines] or [f"{pod} knows none of them"]
    return "\n".join(found)


def delete(environment: Environment, pod: str) -> None:
    environment.kubectl("-n", "seawall", "delete", "pod", pod, "--wait=false")


def pods(environment: Environment, component: str) -> list[str]:
    selector = f"app.kubernetes.io/name={component}"
    return environment.kubectl(
        *("-n", "seawall", "get", "pods", "-l", selector),
        *("--field-selector=status.phase=Running", "-o", "jsonpath={.items[*].metadata.name}"),
    ).split()


def ready_pods(environment: Environment, component: str) -> list[str]:
    """Pods that are Ready and not being deleted: a Terminating pod stays Ready until it ends."""
    selector = f"app.kubernetes.io/name={component}"
    ready = '{.status.conditions[?(@.type=="Ready")].status}'
    condition = f"{{range .items[*]}}{{.metadata.name}}={ready}{{.metadata.deletionTimestamp}}"
    listed = environment.kubectl(
        *("-n", "seawall", "get", "pods", "-l", selector, "-o", f"jsonpath={condition} {{end}}")
    ).split()
    return [pod.removesuffix("=True") for pod in listed if pod.endswith("=True")]


def terminating_since(environment: Environment, component: str) -> str:
    """The deletion times of the pods that are still Terminating; empty if there are none."""
    selector = f"app.kubernetes.io/name={component}"
    when = "jsonpath={.items[*].metadata.deletionTimestamp}"
    return environment.kubectl("-n", "seawall", "get", "pods", "-l", selector, "-o", when)


def node_of(environment: Environment, pod: str) -> str:
    """The Kubernetes name of the node to which a pod is assigned; empty without an assignment."""
    where = "jsonpath={.spec.nodeName}"
    return environment.kubectl("-n", "seawall", "get", "pod", pod, "-o", where)


def gateway_endpoints(environment: Environment) -> set[str]:
    """The ready addresses of the gateway's Service, to which the edge proxy sends requests."""
    form = "{range .items[*].endpoints[?(@.conditions.ready==true)]}{.addresses[0]} {end}"
    arguments = ("get", "endpointslices", "-l", "kubernetes.io/service-name=gateway")
    return set(environment.kubectl("-n", "seawall", *arguments, "-o", f"jsonpath={form}").split())


def secret(environment: Environment, name: str) -> str:
    """A password, read from a running Redis pod."""
    file = f"{paths.SECRETS_DIR}/{name}"

    def read_from_a_ready_pod() -> str | None:
        # A pod whose node has just been lost stays Ready for a while.
        for pod in ready_pods(environment, "redis"):
            with contextlib.suppress(ClusterError):
                arguments = ("exec", pod, "-c", "redis", "--", "cat", file)
                return environment.kubectl("-n", "seawall", *arguments)
        return None

    return wait_until(read_from_a_ready_pod, deadline_s=30, what=f"a Redis pod to return {name}")


def redis_addresses(environment: Environment) -> dict[str, str]:
    """The stable address of each Redis pod, by its name."""
    columns = "jsonpath={.items[*].spec.clusterIP}"
    found = environment.kubectl("-n", "seawall", "get", "services", *REDIS, "-o", columns)
    return dict(zip(REDIS, found.split(), strict=True))


class Sentinels:
    """Queries the Sentinels directly, at the addresses of their Services."""

    def __init__(self, environment: Environment) -> None:
        self._addresses = list(redis_addresses(environment).values())
        self._password = secret(environment, paths.SENTINEL_PASSWORD_FILE)

    def master(self) -> str:
        """The pod that most Sentinels name as the master; "nobody" without such a pod."""
        votes: list[str] = []
        for address in self._addresses:
            server = Server(address, ports.SENTINEL, None, self._password)
            # A Sentinel that is being replaced has no vote.
            with contextlib.suppress(ServerError), server:
                votes.append((server.master_host("seawall") or "nobody").split(".")[0])
        return max(set(votes), key=votes.count) if votes else "nobody"


class _State(BaseModel):
    requests: int


class Simulator:
    """A provider simulator in the cluster, controlled through its admin port."""

    def __init__(self, environment: Environment, name: str) -> None:
        address = environment.kubectl(
            *("-n", "seawall", "get", "service", f"simulator-{name}"),
            *("-o", "jsonpath={.spec.clusterIP}"),
        )
        self._url = f"http://{address}:{ports.SIMULATOR_ADMIN}"

    def fail(self, fault: dict[str, object]) -> None:
        self._request("PUT", "/fault", fault)

    def heal(self) -> None:
        self._request("DELETE", "/fault")

    def requests(self) -> int:
        return _State.model_validate_json(self._request("GET", "/state")).requests

    def _request(self, method: str, path: str, body: dict[str, object] | None = None) -> bytes:
        # A keep-alive connection may lead to a pod whose node lost its power: nothing closed it.
        answer = urllib3.request(
            *(method, self._url + path),
            json=body,
            headers={"Connection": "close"},
            timeout=5,
            retries=False,
        )
        assert answer.status == 200, answer.data
        return answer.data
