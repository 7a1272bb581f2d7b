"""Three times the load, then the old load while those are dead who count it: what happens.

One story for all tests, since each step takes the autoscaler's own time. The rate decides here, so
that how fast the machine is does not.
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
from tests.cluster.watching import RATE, Simulator, constant_load, ready_pods
from tests.conftest import Environment
from tests.measured import measured
from tests.support.constant_load import LoadReport

pytestmark = [pytest.mark.cluster]

TIMES = 3
CARRIES = 8
"""Requests a second of a pod meanwhile: two pods carry the usual load, four the other."""
UP_GOAL_S = 90.0
HELD_S = 45.0
"""One and a half times the 30 s after which a pod that nobody wants is given up."""
LEAST = 2
METRICS_SERVER = ("kube-system", "metrics-server")
PROMETHEUS = ("seawall", "prometheus")


class Counted:
    """How many gateway pods the autoscaler wants, looked at twice a second, in the background."""

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
            ended = self._ended.wait(0.5)  # the last look comes after the end
            now = wanted(self._environment)
            if not self.seen or self.seen[-1] != now:
                self.seen.append(now)


def wanted(environment: Environment) -> int:
    words = ("-n", "seawall", "get", "deployment/gateway", "-o", "jsonpath={.spec.replicas}")
    return int(environment.kubectl(*words))


def at_its_least(environment: Environment) -> bool:
    return wanted(environment) == len(ready_pods(environment, "gateway")) == LEAST


@dataclass
class Story:
    """What was seen; `counts` are the numbers of pods in their order."""

    up_s: float = 0.0
    peak: int = 0
    after_held: dict[str, int] = field(default_factory=dict[str, int])
    """By who was dead meanwhile."""
    down_s: float = 0.0
    counts: list[int] = field(default_factory=list[int])
    reports: list[LoadReport] = field(default_factory=list[LoadReport])


@pytest.fixture(scope="module")
def story(environment: Environment) -> Story:
    wait_until(
        lambda: at_its_least(environment), deadline_s=180, what="the gateway to be at its least"
    )
    told = Story()
    few = RATE / TIMES
    usual, more, less = (constant_load(environment, rate) for rate in (few, RATE, few))
    pods_carry = asked_per_pod(environment, REQUESTS_PER_SECOND, str(CARRIES))
    with pods_carry, Counted(environment) as counted:
        with usual:
            wait_until(lambda: usual.sent >= few * 10, deadline_s=60, what="the usual load")
            before = wanted(environment)
        with more:
            began = time.monotonic()
            enough = math.ceil(RATE / CARRIES)
            wait_until(
                lambda: len(ready_pods(environment, "gateway")) >= enough,
                deadline_s=4 * UP_GOAL_S,
                what=f"{enough} gateway pods",
            )
            told.up_s = time.monotonic() - began
            sent = more.sent
            wait_until(lambda: more.sent >= sent + RATE * 10, deadline_s=45, what="more load")
            told.peak = wanted(environment)
        with less:
            # The second dies before the first is back.
            with dead(environment, *PROMETHEUS):
                with dead(environment, *METRICS_SERVER):
                    told.after_held["both"] = wanted_after_a_while(environment)
                told.after_held["prometheus"] = wanted_after_a_while(environment)
            began = time.monotonic()
            wait_until(
                lambda: at_its_least(environment),
                deadline_s=300,
                what="the autoscaler to come down",
            )
            told.down_s = time.monotonic() - began
    assert before == LEAST, "the usual load must not take more pods"
    told.counts = counted.seen
    told.reports = [usual.report, more.report, less.report]
    for report in told.reports:
        measured(f"autoscaler: {report.summary()}")
    measured(
        f"autoscaler: load x{TIMES}, {told.peak} pods ready after {told.up_s:.1f} s (goal "
        f"{UP_GOAL_S:g} s); after {HELD_S:g} s without those who count: {told.after_held}; "
        f"down to {LEAST} {told.down_s:.1f} s after it came back; pods: "
        f"{' '.join(map(str, told.counts))}"
    )
    return told


@contextmanager
def asked_per_pod(environment: Environment, name: str, value: str) -> Generator[None]:
    """The autoscaler with another target for one metric; the old one comes back."""
    hpa = ("-n", "seawall", "get", "hpa/gateway", "-o", "jsonpath={.spec.metrics}")
    place, kind, before = next(
        (place, kind, metric[kind]["target"]["averageValue"])
        for place, metric in enumerate(json.loads(environment.kubectl(*hpa)))
        for kind in ("pods", "external")
        if metric.get(kind, {}).get("metric", {}).get("name") == name
    )

    def ask(value: str) -> None:
        path = f"/spec/metrics/{place}/{kind}/target/averageValue"
        change = json.dumps([{"op": "replace", "path": path, "value": value}])
        environment.kubectl("-n", "seawall", "patch", "hpa/gateway", "--type=json", "-p", change)

    ask(value)
    try:
        yield
    finally:
        ask(before)


def wanted_after_a_while(environment: Environment) -> int:
    began = time.monotonic()
    wait_until(
        lambda: time.monotonic() - began >= HELD_S,
        deadline_s=HELD_S + 30,
        what="long enough for pods to be given up",
    )
    return wanted(environment)


@contextmanager
def dead(environment: Environment, namespace: str, deployment: str) -> Generator[None]:
    """Without the pods of a Deployment."""
    scale = ("-n", namespace, "scale", f"deployment/{deployment}")
    environment.kubectl(*scale, "--replicas=0")
    try:
        yield
    finally:
        environment.kubectl(*scale, "--replicas=1")


def test_three_times_the_load_gets_more_pods_in_time(story: Story) -> None:
    assert story.peak > LEAST
    assert story.up_s <= 3 * UP_GOAL_S


def test_users_do_not_notice_the_autoscaler(story: Story) -> None:
    for report in story.reports:
        assert report.failed == 0, report.failures


@pytest.mark.parametrize("who", ["both", "prometheus"])
def test_nothing_is_given_up_while_those_are_dead_who_count(story: Story, who: str) -> None:
    assert story.after_held[who] == story.peak


def test_the_number_of_pods_goes_up_and_then_down_and_never_back(story: Story) -> None:
    top = story.counts.index(max(story.counts))
    up, down = story.counts[: top + 1], story.counts[top:]
    assert all(a < b for a, b in pairwise(up)), story.counts
    assert all(a > b for a, b in pairwise(down)), story.counts
    assert story.counts[-1] == LEAST


def value_of(environment: Environment, metric: str) -> float:
    """An external metric, as the autoscaler is told it; a milli-unit has an m."""
    path = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/seawall/{metric}"
    (item,) = json.loads(environment.kubectl("get", "--raw", path))["items"]
    value = str(item["value"])
    return float(value[:-1]) / 1000 if value.endswith("m") else float(value)


def test_breakers_that_open_bring_pods_when_that_is_asked_for(
    environment: Environment, story: Story
) -> None:
    del story  # it ends with the least number of pods
    alpha = Simulator(environment, "alpha")
    began = time.monotonic()
    few = asked_per_pod(environment, BREAKER_OPENINGS_PER_MINUTE, "500m")
    with constant_load(environment) as load, few:
        assert wanted(environment) == LEAST
        alpha.fail({"kind": "status", "code": 500})
        try:
            wait_until(
                lambda: value_of(environment, BREAKER_OPENINGS_PER_MINUTE) > 1,
                deadline_s=90,
                what="the openings to be counted",
            )
            wait_until(
                lambda: wanted(environment) > LEAST,
                deadline_s=90,
                what="the autoscaler to add pods",
            )
        finally:
            alpha.heal()
    measured(f"autoscaler: pods for open breakers wanted after {time.monotonic() - began:.1f} s")
    assert load.report.failed == 0, load.report.failures
