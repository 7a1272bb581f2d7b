"""The promise, measured: a constant load from outside while something is taken away."""

import time

import pytest

from seawall.load import ConstantLoad
from tests.cluster.watching import (
    RATE,
    Sentinels,
    Simulator,
    delete,
    pods,
    ready_pods,
    under_load,
)
from tests.conftest import Environment
from tests.measured import measured

pytestmark = [pytest.mark.cluster]


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

    report = under_load(load, fault, elsewhere, look_every_s=0.2)
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
