"""The promise, measured: a constant load from outside while something is taken away."""

import contextlib
import time
from collections.abc import Callable

import pytest

from seawall.errors import ClusterError
from seawall.load import ConstantLoad, LoadReport
from seawall.wait import wait_until
from tests.conftest import Environment

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
    victim = redis_master(environment)
    assert victim in pods(environment, "redis")
    begun = time.monotonic()
    took: list[float] = []

    def elsewhere() -> bool:
        if redis_master(environment) == victim:
            return False
        if not took:
            took.append(time.monotonic() - begun)
        return len(ready_pods(environment, "redis")) == 3

    report = under_load(load, lambda: delete(environment, victim), elsewhere)
    print(f"another Redis pod was master {took[0]:.1f} s after the deletion (goal 10 s)")
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
        wait_until(healed, deadline_s=120, what="the fault to heal", interval_s=0.5)
        sent = load.sent
        wait_until(
            lambda: load.sent >= sent + RATE * STEADY_S,
            deadline_s=3 * STEADY_S,
            what="a steady load after the fault",
        )
    report = load.report
    print(report.summary())
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
    condition = '{range .items[?(@.status.conditions[?(@.type=="Ready")].status=="True")]}'
    return environment.kubectl(
        *("-n", "seawall", "get", "pods", "-l", selector),
        *("-o", f"jsonpath={condition}{{.metadata.name}} {{end}}"),
    ).split()


def redis_master(environment: Environment) -> str:
    """The pod that a majority of the sentinels names."""
    script = (
        "REDISCLI_AUTH=$(cat /etc/seawall/secrets/sentinel-password) redis-cli -p 26379"
        " SENTINEL GET-MASTER-ADDR-BY-NAME seawall | head -n 1"
    )
    votes: list[str] = []
    for pod in ("redis-0", "redis-1", "redis-2"):
        command = ("-n", "seawall", "exec", pod, "-c", "sentinel", "--", "sh", "-c", script)
        if environment.kubectl.succeeds("-n", "seawall", "get", "pod", pod):
            with contextlib.suppress(ClusterError):  # a pod that is being replaced has no vote
                votes.append(environment.kubectl(*command).strip().split(".")[0])
    return max(set(votes), key=votes.count) if votes else "nobody"
