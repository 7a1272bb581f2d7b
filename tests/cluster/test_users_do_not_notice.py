"""Faults under a constant load from outside must fail no request."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from seawall.common.wait import wait_until
from tests.cluster.live_environment import (
    RATE,
    REDIS,
    Sentinels,
    Simulator,
    all_ready,
    constant_load,
    delete,
    failures_with_logs,
    pods,
    ready_pods,
    under_load,
)
from tests.conftest import Environment
from tests.measured import measured
from tests.support.constant_load import ConstantLoad, LoadReport

pytestmark = [pytest.mark.cluster]

SAMPLE_S = 5.0
IDLE_SHARE = 0.1
"""Of a core. A spinning server uses its whole CPU limit, which is more."""
TICKS_PER_S = 100
RESTS_WITHIN_S = 25.0
"""Three checks of the guard, and the next sample of this test."""


@pytest.mark.timed
def test_users_do_not_notice_the_deletion_of_a_gateway_pod(
    environment: Environment, load: ConstantLoad
) -> None:
    victim = pods(environment, "gateway")[0]

    def replaced() -> bool:
        now = ready_pods(environment, "gateway")
        return victim not in now and len(now) >= 2

    report = under_load(load, lambda: delete(environment, victim), replaced)
    assert report.failed == 0, failures_with_logs(environment, report)


@dataclass(frozen=True, slots=True)
class MasterDeleted:
    """The Redis master's pod was deleted under load, and has come back."""

    report: LoadReport
    another_master_s: float


@pytest.fixture(scope="module")
def master_deleted(environment: Environment) -> MasterDeleted:
    wait_until(lambda: all_ready(environment), deadline_s=120, what="everything to be Ready")
    sentinels = Sentinels(environment)
    victim = sentinels.master()
    assert victim in pods(environment, "redis")
    begun = time.monotonic()
    took: list[float] = []

    def fault() -> None:
        nonlocal begun
        begun = time.monotonic()
        delete(environment, victim)

    def replaced_by_another_master() -> bool:
        if not took and sentinels.master() in (victim, "nobody"):
            return False
        if not took:
            took.append(time.monotonic() - begun)
        return len(ready_pods(environment, "redis")) == 3

    report = under_load(
        constant_load(environment), fault, replaced_by_another_master, poll_every_s=0.2
    )
    measured(f"another Redis pod was master {took[0]:.1f} s after the deletion (goal 10 s)")
    return MasterDeleted(report, took[0])


@pytest.mark.timed
def test_users_do_not_notice_the_deletion_of_the_redis_master(
    master_deleted: MasterDeleted,
) -> None:
    assert master_deleted.report.failed == 0, master_deleted.report.failures
    assert master_deleted.another_master_s < 30


def test_redis_and_sentinel_are_idle_after_a_pod_was_replaced(
    environment: Environment, master_deleted: MasterDeleted
) -> None:
    """The other servers connect to a new pod every second, even before it is reachable.

    A Sentinel with an unread error on a socket spins: see agents.redis.reachability. If kube-proxy
    was slow, agents.redis.spin stops that.
    """
    del master_deleted
    began = time.monotonic()

    def busy_containers() -> dict[str, float]:
        shares = shares_of_a_core(environment, ("sentinel", "redis"))
        return {name: share for name, share in shares.items() if share > IDLE_SHARE}

    wait_until(
        lambda: not busy_containers(),
        deadline_s=3 * RESTS_WITHIN_S,
        what="Redis and Sentinel to rest",
    )
    took_s = time.monotonic() - began
    measured(
        f"Redis and Sentinel were seen to rest after {took_s:.0f} s (goal {RESTS_WITHIN_S:.0f} s)"
    )


def shares_of_a_core(environment: Environment, containers: Sequence[str]) -> dict[str, float]:
    """The share of PID 1 of each container of each Redis pod, by `pod/container`."""

    def spent_s(pod: str, container: str) -> float:
        words = ("exec", pod, "-c", container, "--", "cat", "/proc/1/stat")
        fields = environment.kubectl("-n", "seawall", *words).rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    began = time.monotonic()
    before = {(pod, name): spent_s(pod, name) for pod in REDIS for name in containers}
    wait_until(lambda: time.monotonic() - began > SAMPLE_S, deadline_s=60, what="some seconds")
    return {
        f"{pod}/{name}": (spent_s(pod, name) - spent) / (time.monotonic() - began)
        for (pod, name), spent in before.items()
    }


@pytest.mark.timed
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "refuse"},
        # tests/faults also tests these, against one gateway.
        pytest.param({"kind": "status", "code": 500}, marks=pytest.mark.soak),
        pytest.param({"kind": "html_200"}, marks=pytest.mark.soak),
    ],
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
    assert report.failed == 0, failures_with_logs(environment, report)
    assert report.providers["beta"] > 0, "the fault must have moved requests"
