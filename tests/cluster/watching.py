"""What the tests under constant load share: the load, what is looked at, and who is asked."""

import contextlib
import os
from collections.abc import Callable, Generator

import urllib3
from pydantic import BaseModel

from agents.redis.server import Server, ServerError
from contract import paths, ports
from seawall.common.errors import ClusterError
from seawall.common.wait import wait_until
from tests.conftest import Environment
from tests.measured import measured
from tests.support.constant_load import ConstantLoad, LoadReport

__all__ = [
    "LOOK_EVERY_S",
    "NODES",
    "RATE",
    "REDIS",
    "Sentinels",
    "Simulator",
    "all_is_well",
    "constant_load",
    "delete",
    "failures_with_logs",
    "leaving",
    "node_of",
    "nodes_of",
    "pods",
    "ready_pods",
    "redis_addresses",
    "secret",
    "served",
    "under_load",
    "whole",
]

RATE = 30.0
"""Requests per second; the load generator does not try again."""
SLOWEST_GOAL_S = 2.0
TIMEOUT_S = 3 * SLOWEST_GOAL_S
"""A request that is slower than the goal is told of; one that is three times as slow has failed."""
STEADY_S = 5.0
LOOK_EVERY_S = 1.0
"""Each look at everything starts kubectl five times, on the processors that all nodes share."""
NODES = ("node1", "node2", "node3")
REDIS = ("redis-0", "redis-1", "redis-2")


@contextlib.contextmanager
def all_is_well(environment: Environment) -> Generator[None]:
    """Three nodes and everything Ready, before and again after what is done to them."""
    wait_until(lambda: whole(environment), deadline_s=120, what="everything to be Ready")
    _keep_providers_apart(environment)
    yield
    environment.kit.cluster().up()
    for node in NODES:
        environment.kubectl("uncordon", node)
    wait_until(lambda: whole(environment), deadline_s=180, what="everything to be Ready again")


def _keep_providers_apart(environment: Environment) -> None:
    """Put the simulated providers on different nodes, so that a lost node takes one of them.

    The scheduler only prefers that, so that a cluster of one node can run both.
    """

    def apart() -> bool:
        alpha, beta = (nodes_of(environment, f"simulator-{name}") for name in ("alpha", "beta"))
        return not alpha & beta

    if not apart():
        for pod in pods(environment, "simulator-beta"):
            delete(environment, pod)
        wait_until(
            lambda: whole(environment) and apart(),
            deadline_s=60,
            what="the providers to be on different nodes",
        )


def whole(environment: Environment) -> bool:
    """Whether every component has the pods that it should have."""
    simulators = [ready_pods(environment, f"simulator-{name}") for name in ("alpha", "beta")]
    return (
        len(ready_pods(environment, "entrance")) >= 2
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
    """Half of the requests streamed, through the entrance's Service or to the base `url`."""
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
    look_every_s: float = LOOK_EVERY_S,
    heals_within_s: float = 120,
) -> LoadReport:
    """Load before, during and after: the fault must really happen and really heal.

    Where a look is cheap, or times are taken from it, `look_every_s` says so.
    """
    with load:
        wait_until(
            lambda: load.sent >= RATE * STEADY_S,
            deadline_s=3 * STEADY_S,
            what="a steady load before the fault",
        )
        fault()
        wait_until(
            healed, deadline_s=heals_within_s, what="the fault to heal", interval_s=look_every_s
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
    """The failures, and what the logs of the pods that still run say of those requests."""
    found: list[str] = [str(failure) for failure in report.failures]
    wanted = {f'"{failure.request_id}"' for failure in report.failures[:5]}
    for component in ("entrance", "gateway"):
        for pod in pods(environment, component):
            log = environment.kubectl("-n", "seawall", "logs", pod, "--all-containers")
            lines = [line for line in log.splitlines() if any(one in line for one in wanted)]
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
    """Those that are Ready and not being deleted: a Terminating pod stays Ready until it ends."""
    selector = f"app.kubernetes.io/name={component}"
    ready = '{.status.conditions[?(@.type=="Ready")].status}'
    condition = f"{{range .items[*]}}{{.metadata.name}}={ready}{{.metadata.deletionTimestamp}}"
    listed = environment.kubectl(
        *("-n", "seawall", "get", "pods", "-l", selector, "-o", f"jsonpath={condition} {{end}}")
    ).split()
    return [pod.removesuffix("=True") for pod in listed if pod.endswith("=True")]


def leaving(environment: Environment, component: str) -> str:
    """The times at which those were deleted that have not ended yet; empty when all have."""
    selector = f"app.kubernetes.io/name={component}"
    when = "jsonpath={.items[*].metadata.deletionTimestamp}"
    return environment.kubectl("-n", "seawall", "get", "pods", "-l", selector, "-o", when)


def node_of(environment: Environment, pod: str) -> str:
    """The Kubernetes name of the node that a pod was given; empty while it has none."""
    where = "jsonpath={.spec.nodeName}"
    return environment.kubectl("-n", "seawall", "get", "pod", pod, "-o", where)


def served(environment: Environment) -> set[str]:
    """The addresses to which the gateway's Service, and so the entrance, sends requests."""
    form = "{range .items[*].endpoints[?(@.conditions.ready==true)]}{.addresses[0]} {end}"
    words = ("get", "endpointslices", "-l", "kubernetes.io/service-name=gateway")
    return set(environment.kubectl("-n", "seawall", *words, "-o", f"jsonpath={form}").split())


def secret(environment: Environment, name: str) -> str:
    """A password, as a running Redis pod has it."""
    file = f"{paths.SECRETS_DIR}/{name}"

    def told() -> str | None:
        # One that has just lost its node is called ready for a while.
        for pod in ready_pods(environment, "redis"):
            with contextlib.suppress(ClusterError):
                words = ("exec", pod, "-c", "redis", "--", "cat", file)
                return environment.kubectl("-n", "seawall", *words)
        return None

    return wait_until(told, deadline_s=30, what=f"a Redis pod that tells {name}")


def redis_addresses(environment: Environment) -> dict[str, str]:
    """The stable address of each Redis pod, by its name."""
    columns = "jsonpath={.items[*].spec.clusterIP}"
    found = environment.kubectl("-n", "seawall", "get", "services", *REDIS, "-o", columns)
    return dict(zip(REDIS, found.split(), strict=True))


class Sentinels:
    """Asks the sentinels directly, by their Services' addresses."""

    def __init__(self, environment: Environment) -> None:
        self._addresses = list(redis_addresses(environment).values())
        self._password = secret(environment, paths.SENTINEL_PASSWORD_FILE)

    def master(self) -> str:
        """The pod that most of them name."""
        votes: list[str] = []
        for address in self._addresses:
            server = Server(address, ports.SENTINEL, None, self._password)
            with contextlib.suppress(ServerError), server:  # one being replaced has no vote
                votes.append((server.master_host("seawall") or "nobody").split(".")[0])
        return max(set(votes), key=votes.count) if votes else "nobody"


class _State(BaseModel):
    requests: int


class Simulator:
    """A provider simulator in the cluster, told what to do over its admin port."""

    def __init__(self, environment: Environment, name: str) -> None:
        address = environment.kubectl(
            *("-n", "seawall", "get", "service", f"simulator-{name}"),
            *("-o", "jsonpath={.spec.clusterIP}"),
        )
        self._url = f"http://{address}:{ports.SIMULATOR_ADMIN}"

    def fail(self, fault: dict[str, object]) -> None:
        self._ask("PUT", "/fault", fault)

    def heal(self) -> None:
        self._ask("DELETE", "/fault")

    def requests(self) -> int:
        return _State.model_validate_json(self._ask("GET", "/state")).requests

    def _ask(self, method: str, path: str, body: dict[str, object] | None = None) -> bytes:
        # A kept connection may lead to a pod whose node lost its power: nothing closed it.
        answer = urllib3.request(
            *(method, self._url + path),
            json=body,
            headers={"Connection": "close"},
            timeout=5,
            retries=False,
        )
        assert answer.status == 200, answer.data
        return answer.data
