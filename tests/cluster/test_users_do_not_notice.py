"""The promise, measured: a constant load from outside while something is taken away."""

import contextlib
import os
import time
from collections.abc import Callable

import pytest
import urllib3
from pydantic import BaseModel

from agents.server import Server, ServerError
from contract import paths, ports
from seawall.load import ConstantLoad, LoadReport
from seawall.wait import wait_until
from tests.conftest import Environment
from tests.measured import measured

pytestmark = [pytest.mark.cluster]

RATE = 30.0
"""Requests per second; the load generator's own defaults are a time-out of 2 s and no retries."""
STEADY_S = 5.0


@pytest.fixture
def load(environment: Environment) -> ConstantLoad:
    return ConstantLoad(
        url=f"{environment.gateway_url}/v1",
        api_key=environment.api_key,
        model="fast",
        rate=RATE,
        streamed_share=0.5,
    )


def test_users_do_not_notice_the_deletion_of_a_gateway_pod(
    environment: Environment, load: ConstantLoad
) -> None:
    victim = pods(environment, "gateway")[0]

    def replaced() -> bool:
        now = ready_pods(environment, "gateway")
        return victim not in now and len(now) >= 2

    report = under_load(load, lambda: delete(environment, victim), replaced)
    assert report.failed == 0, report.failures


def test_users_do_not_notice_the_deletion_of_the_redis_master(
    environment: Environment, load: ConstantLoad
) -> None:
    sentinels = Sentinels(environment)
    victim = sentinels.master()
    assert victim in pods(environment, "redis")
    begun = time.monotonic()
    took: list[float] = []

    def fault() -> None:
        nonlocal begun
        begun = time.monotonic()
        delete(environment, victim)

    def elsewhere() -> bool:
        if not took and sentinels.master() in (victim, "nobody"):
            return False
        if not took:
            took.append(time.monotonic() - begun)
        return len(ready_pods(environment, "redis")) == 3

    report = under_load(load, fault, elsewhere)
    measured(f"another Redis pod was master {took[0]:.1f} s after the deletion (goal 10 s)")
    assert report.failed == 0, report.failures
    assert took[0] < 30


def test_users_do_not_notice_a_rolling_restart(
    environment: Environment, load: ConstantLoad
) -> None:
    before = set(pods(environment, "gateway"))

    def restart() -> None:
        environment.kubectl("-n", "seawall", "rollout", "restart", "deployment/gateway")

    def renewed() -> bool:
        now = set(pods(environment, "gateway"))
        return not now & before and len(ready_pods(environment, "gateway")) >= 2

    report = under_load(load, restart, renewed)
    assert report.failed == 0, report.failures


@pytest.mark.parametrize(
    "fault",
    [{"kind": "status", "code": 500}, {"kind": "refuse"}, {"kind": "html_200"}],
    ids=lambda fault: str(fault["kind"]),
)
def test_users_do_not_notice_a_provider_that_fails(
    environment: Environment, load: ConstantLoad, fault: dict[str, object]
) -> None:
    alpha, beta = (Simulator(environment, name) for name in ("alpha", "beta"))
    answered = beta.requests()
    try:
        report = under_load(
            load, lambda: alpha.fail(fault), lambda: beta.requests() >= answered + RATE
        )
    finally:
        alpha.heal()
    assert report.failed == 0, report.failures
    assert report.providers["beta"] > 0, "the fault must really have moved requests"


def under_load(
    load: ConstantLoad, fault: Callable[[], None], healed: Callable[[], bool]
) -> LoadReport:
    """Load before, during and after: the fault must really happen and really heal."""
    with load:
        wait_until(
            lambda: load.sent >= RATE * STEADY_S,
            deadline_s=3 * STEADY_S,
            what="a steady load before the fault",
        )
        fault()
        wait_until(healed, deadline_s=120, what="the fault to heal", interval_s=0.2)
        sent = load.sent
        wait_until(
            lambda: load.sent >= sent + RATE * STEADY_S,
            deadline_s=3 * STEADY_S,
            what="a steady load after the fault",
        )
    report = load.report
    test = os.environ["PYTEST_CURRENT_TEST"].rsplit("::", 1)[1].split(" ")[0]
    measured(f"{test}: {report.summary()}")
    return report


def delete(environment: Environment, pod: str) -> None:
    environment.kubectl("-n", "seawall", "delete", "pod", pod, "--wait=false")


def pods(environment: Environment, component: str) -> list[str]:
    selector = f"app.kubernetes.io/name={component}"
    return environment.kubectl(
        *("-n", "seawall", "get", "pods", "-l", selector),
        *("--field-selector=status.phase=Running", "-o", "jsonpath={.items[*].metadata.name}"),
    ).split()


def ready_pods(environment: Environment, component: str) -> list[str]:
    selector = f"app.kubernetes.io/name={component}"
    condition = '{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status}'
    listed = environment.kubectl(
        *("-n", "seawall", "get", "pods", "-l", selector, "-o", f"jsonpath={condition} {{end}}")
    ).split()
    return [pod.removesuffix("=True") for pod in listed if pod.endswith("=True")]


class Sentinels:
    """Asks the sentinels directly, by their Services' addresses."""

    def __init__(self, environment: Environment) -> None:
        names = ("redis-0", "redis-1", "redis-2")
        columns = "jsonpath={.items[*].spec.clusterIP}"
        services = environment.kubectl("-n", "seawall", "get", "services", *names, "-o", columns)
        self._addresses = services.split()
        self._password = environment.kubectl(
            *("-n", "seawall", "exec", "deployment/gateway", "--"),
            *("cat", f"{paths.SECRETS_DIR}/{paths.SENTINEL_PASSWORD_FILE}"),
        )

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
        answer = urllib3.request(method, self._url + path, json=body, timeout=5, retries=False)
        assert answer.status == 200, answer.data
        return answer.data
