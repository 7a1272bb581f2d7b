"""The autoscaler under three times the load, and under the old load without its metrics servers.

All tests share one sequence, since the autoscaler needs time for each step. The request rate is
the deciding metric, so the speed of the machine has no effect.
"""

import json
import math
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

import pytest

from monitoring.scaling import BREAKER_OPENINGS_PER_MINUTE, REQUESTS_PER_SECOND
from seawall.common.wait import wait_until
from tests.cluster.live_environment import RATE, Simulator, constant_load, ready_pods
from tests.conftest import Environment
from tests.measured import measured
from tests.support.constant_load import LoadReport

pytestmark = [pytest.mark.cluster]

TIMES = 3
REQUESTS_PER_SECOND_PER_POD = 8
"""Requests per second per pod in this test: two pods carry the usual load, four the higher one."""
UP_GOAL_S = 90.0
HELD_S = 45.0
"""One and a half times the 30 s after which a surplus pod is scaled down."""
LEAST = 2
METRICS_SERVER = ("kube-system", "metrics-server")
PROMETHEUS = ("seawall", "prometheus")


class PodCountRecorder:
    """Records the desired number of gateway pods twice a second in the background."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.seen: list[int] = []
        """Each number that differs from the one before."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        ended = False
        while not ended:
            ended = self._ended.wait(0.5)  # the last sample comes after the end
            now = desired_pods(self._environment)
            if not self.seen or self.seen[-1] != now:
                self.seen.append(now)


def desired_pods(environment: Environment) -> int:
    words = ("-n", "seawall", "get", "deployment/gateway", "-o", "jsonpath={.spec.replicas}")
    return int(environment.kubectl(*words))


def at_the_minimum(environment: Environment) -> bool:
    return desired_pods(environment) == len(ready_pods(environment, "gateway")) == LEAST


@dataclass
class Scaling:
    """The measurements; `counts` are the numbers of pods in the order of their change."""

    up_s: float = 0.0
    peak: int = 0
    after_held: dict[str, int] = field(default_factory=dict[str, int])
    """The number of pods after HELD_S, by the servers that were down meanwhile."""
    down_s: float = 0.0
    counts: list[int] = field(default_factory=list[int])
    reports: list[LoadReport] = field(default_factory=list[LoadReport])


@pytest.fixture(scope="module")
def scaling(environment: Environment) -> Scaling:
    wait_until(
        lambda: at_the_minimum(environment), deadline_s=180, what="the gateway to be at its minimum"
    )
    scaling = Scaling()
    usual_rate = RATE / TIMES
    usual, more, less = (
        constant_load(environment, rate) for rate in (usual_rate, RATE, usual_rate)
    )
    pod_target = target_per_pod(environment, REQUESTS_PER_SECOND, str(REQUESTS_PER_SECOND_PER_POD))
    with pod_target, PodCountRecorder(environment) as recorder:
        with usual:
            wait_until(lambda: usual.sent >= usual_rate * 10, deadline_s=60, what="the usual load")
            before = desired_pods(environment)
        with more:
            began = time.monotonic()
            enough = math.ceil(RATE / REQUESTS_PER_SECOND_PER_POD)
            wait_until(
                lambda: len(ready_pods(environment, "gateway")) >= enough,
                deadline_s=4 * UP_GOAL_S,
                what=f"{enough} gateway pods",
            )
            scaling.up_s = time.monotonic() - began
            sent = more.sent
            wait_until(lambda: more.sent >= sent + RATE * 10, deadline_s=45, what="more load")
            scaling.peak = desired_pods(environment)
        with less:
            # The metrics server stops while Prometheus is still down.
            with scaled_to_zero(environment, *PROMETHEUS):
                with scaled_to_zero(environment, *METRICS_SERVER):
                    scaling.after_held["both"] = desired_pods_after_a_while(environment)
                scaling.after_held["prometheus"] = desired_pods_after_a_while(environment)
            began = time.monotonic()
            wait_until(
                lambda: at_the_minimum(environment),
                deadline_s=300,
                what="the autoscaler to scale down",
            )
            scaling.down_s = time.monotonic() - began
    assert before == LEAST, "the usual load must not need more pods"
    scaling.counts = recorder.seen
    scaling.reports = [usual.report, more.report, less.report]
    for report in scaling.reports:
        measured(f"autoscaler: {report.summary()}")
    measured(
        f"autoscaler: load x{TIMES}, {scaling.peak} pods ready after {scaling.up_s:.1f} s (goal "
        f"{UP_GOAL_S:g} s); after {HELD_S:g} s without those who count: {scaling.after_held}; "
        f"down to {LEAST} {scaling.down_s:.1f} s after it came back; pods: "
        f"{' '.join(map(str, scaling.counts))}"
    )
    return scaling


@contextmanager
def target_per_pod(environment: Environment, name: str, value: str) -> Generator[None]:
    """Set another autoscaler target for one metric until the end of the block."""
    hpa = ("-n", "seawall", "get", "hpa/gateway", "-o", "jsonpath={.spec.metrics}")
    index, kind, before = next(
        (index, kind, metric[kind]["target"]["averageValue"])
        for index, metric in enumerate(json.loads(environment.kubectl(*hpa)))
        for kind in ("pods", "external")
        if metric.get(kind, {}).get("metric", {}).get("name") == name
    )

    def set_target(value: str) -> None:
        path = f"/spec/metrics/{index}/{kind}/target/averageValue"
        change = json.dumps([{"op": "replace", "path": path, "value": value}])
        environment.kubectl("-n", "seawall", "patch", "hpa/gateway", "--type=json", "-p", change)

    set_target(value)
    try:
        yield
    finally:
        set_target(before)


def desired_pods_after_a_while(environment: Environment) -> int:
    began = time.monotonic()
    wait_until(
        lambda: time.monotonic() - began >= HELD_S,
        deadline_s=HELD_S + 30,
        what="the time after which surplus pods are scaled down",
    )
    return desired_pods(environment)


@contextmanager
def scaled_to_zero(environment: Environment, namespace: str, deployment: str) -> Generator[None]:
    """Scale a Deployment to zero until the end of the block."""
    scale = ("-n", namespace, "scale", f"deployment/{deployment}")
    environment.kubectl(*scale, "--replicas=0")
    try:
        yield
    finally:
        environment.kubectl(*scale, "--replicas=1")


def test_three_times_the_load_adds_pods_within_three_times_the_goal(scaling: Scaling) -> None:
    assert scaling.peak > LEAST
    assert scaling.up_s <= 3 * UP_GOAL_S


def test_scaling_fails_no_request(scaling: Scaling) -> None:
    for report in scaling.reports:
        assert report.failed == 0, report.failures


@pytest.mark.parametrize("stopped_servers", ["both", "prometheus"])
def test_autoscaler_keeps_all_pods_while_metrics_servers_are_down(
    scaling: Scaling, stopped_servers: str
) -> None:
    assert scaling.after_held[stopped_servers] == scaling.peak


def test_number_of_pods_only_rises_and_then_only_falls(scaling: Scaling) -> None:
    top = scaling.counts.index(max(scaling.counts))
    up, down = scaling.counts[: top + 1], scaling.counts[top:]
    assert all(a < b for a, b in pairwise(up)), scaling.counts
    assert all(a > b for a, b in pairwise(down)), scaling.counts
    assert scaling.counts[-1] == LEAST


def value_of(environment: Environment, metric: str) -> float:
    """An external metric as the autoscaler reads it; the suffix m means thousandths."""
    path = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/seawall/{metric}"
    (item,) = json.loads(environment.kubectl("get", "--raw", path))["items"]
    value = str(item["value"])
    return float(value[:-1]) / 1000 if value.endswith("m") else float(value)


def test_open_breakers_add_pods_if_the_autoscaler_has_a_target_for_them(
    environment: Environment, scaling: Scaling
) -> None:
    del scaling  # its sequence ends with the least number of pods
    alpha = Simulator(environment, "alpha")
    began = time.monotonic()
    low_target = target_per_pod(environment, BREAKER_OPENINGS_PER_MINUTE, "500m")
    with constant_load(environment) as load, low_target:
        assert desired_pods(environment) == LEAST
        alpha.fail({"kind": "status", "code": 500})
        try:
            wait_until(
                lambda: value_of(environment, BREAKER_OPENINGS_PER_MINUTE) > 1,
                deadline_s=90,
                what="the breaker openings in the metric",
            )
            wait_until(
                lambda: desired_pods(environment) > LEAST,
                deadline_s=90,
                what="the autoscaler to add pods",
            )
        finally:
            alpha.heal()
    measured(f"autoscaler: pods for open breakers wanted after {time.monotonic() - began:.1f} s")
    assert load.report.failed == 0, load.report.failures
