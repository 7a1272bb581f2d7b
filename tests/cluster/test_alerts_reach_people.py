"""Every alert is made to fire by its own fault, and arrives at the webhook of its severity.

One story for all tests: faults that do not touch each other overlap, since an alert that watches
two minutes takes two minutes. It is the first on a new environment, where no alert fires yet.
"""

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest
import urllib3
from pydantic import BaseModel

from agents.redis.server import Server
from contract import paths, ports
from monitoring.alerts import ALERTS, SILENCES
from monitoring.dashboards import BOARDS
from monitoring.model import Alert
from monitoring.selectors import scoped
from seawall.common.wait import wait_until
from tests.cluster.freezing import frozen, listener
from tests.cluster.watching import (
    REDIS,
    Sentinels,
    Simulator,
    constant_load,
    delete,
    ready_pods,
    redis_addresses,
    secret,
)
from tests.conftest import Environment
from tests.measured import measured

pytestmark = [pytest.mark.cluster, pytest.mark.first]

RATE = 5.0
GOAL_S = 360.0
FAULTS: dict[str, dict[str, object]] = {
    "alpha": {"kind": "status", "code": 500},
    "beta": {"kind": "status", "code": 401},
}
"""One provider is down, and the other one refuses the key."""


class _Labels(BaseModel):
    alertname: str
    severity: str


class _Alert(BaseModel):
    status: str
    labels: _Labels
    annotations: dict[str, str]


class _Message(BaseModel):
    alerts: list[_Alert]


class _Kept(BaseModel):
    receiver: str
    message: _Message


@dataclass
class Story:
    """What arrived: by alert and status, the receiver, what it said, and after how long."""

    arrived: dict[tuple[str, str], tuple[str, _Alert, float]] = field(
        default_factory=dict[tuple[str, str], tuple[str, _Alert, float]]
    )
    took_s: float = 0.0
    status: str = ""
    """What `seawall status` showed when a breaker was open and its alert had arrived."""


class Receiver:
    """The webhook's own record, since the story began."""

    def __init__(self, environment: Environment, story: Story) -> None:
        words = ("get", "service", "alert-receiver", "-o", "jsonpath={.spec.clusterIP}")
        address = environment.kubectl("-n", "seawall", *words)
        self._url = f"http://{address}:{ports.SIMULATOR_HTTP}/"
        self._story = story
        self._began = time.monotonic()

    def wait_for(self, *names: str, status: str = "firing", deadline_s: float = 180) -> None:
        """Wait until all of these alerts have arrived."""

        def there() -> bool:
            self._look()
            return all((name, status) in self._story.arrived for name in names)

        what = f"{', '.join(names)} to arrive, {status}"
        wait_until(there, deadline_s=deadline_s, what=what, interval_s=0.5)

    def _look(self) -> None:
        answer = urllib3.request("GET", self._url, timeout=10, retries=3)
        for item in json.loads(answer.data):
            kept = _Kept.model_validate(item)
            for alert in kept.message.alerts:
                found = (kept.receiver, alert, time.monotonic() - self._began)
                self._story.arrived.setdefault((alert.labels.alertname, alert.status), found)


def prometheus_says(environment: Environment, query: str) -> list[dict[str, str]]:
    """The labels of what a query finds."""
    path = "/api/v1/namespaces/seawall/services/prometheus:http/proxy/api/v1/query?query="
    answer = json.loads(environment.kubectl("get", "--raw", path + quote(query)))
    return [item["metric"] for item in answer["data"]["result"]]


def quiet(environment: Environment) -> bool:
    """Whether everything is watched, and no alert fires for what earlier tests did."""
    watched = len(prometheus_says(environment, "up==1")) >= 9
    return watched and not prometheus_says(environment, "ALERTS")


def whole(environment: Environment) -> bool:
    return len(ready_pods(environment, "gateway")) >= 2 and len(redis_ready(environment)) == 3


def redis_ready(environment: Environment) -> list[str]:
    return ready_pods(environment, "redis")


@pytest.fixture(scope="module")
def story(environment: Environment) -> Story:
    wait_until(lambda: whole(environment), deadline_s=180, what="everything to be Ready")
    wait_until(lambda: quiet(environment), deadline_s=600, what="no alert", interval_s=1)
    told = Story()
    receiver = Receiver(environment, told)
    began = time.monotonic()
    with constant_load(environment, rate=RATE) as load:
        wait_until(lambda: load.sent >= RATE * 10, deadline_s=60, what="some good answers")
        with ExitStack() as faults:
            for name, fault in FAULTS.items():
                simulator = Simulator(environment, name)
                faults.callback(simulator.heal)
                simulator.fail(fault)
            lose_the_master(environment, receiver)
            trouble_redis(environment, receiver)
            receiver.wait_for("ProviderBreakerOpen", "OutsideProbeFailing")
            receiver.wait_for("ProviderKeyOrModelRefused")
            told.status = environment.seawall("status").stdout
            receiver.wait_for("GatewayAvailabilityBurnFast", "GatewayAvailabilityBurnSlow")
            receiver.wait_for("ProvidersAllDown", deadline_s=240)
            receiver.wait_for("RedisNoMaster", "SentinelQuorumLost", status="resolved")
        without_gateway(environment, receiver)
    wait_until(lambda: whole(environment), deadline_s=180, what="everything to be Ready again")
    told.took_s = time.monotonic() - began
    measured(f"alerts: all faults and their messages took {told.took_s:.0f} s (goal {GOAL_S:g} s)")
    return told


def lose_the_master(environment: Environment, receiver: Receiver) -> None:
    sentinels = Sentinels(environment)
    master = sentinels.master()
    delete(environment, master)
    receiver.wait_for("RedisFailover")
    (mark,) = (mark for board in BOARDS for mark in board.marks)
    drawn = scoped(mark.query.expression, 'namespace="seawall"')
    # It compares with what was named a minute ago, and Prometheus is hardly older.
    wait_until(
        lambda: prometheus_says(environment, drawn), deadline_s=90, what="the dashboard to draw it"
    )
    assert sentinels.master() not in (master, "nobody"), "the effect of the fault"
    wait_until(lambda: len(redis_ready(environment)) == 3, deadline_s=180, what="its pod again")


def trouble_redis(environment: Environment, receiver: Receiver) -> None:
    """All sentinels hang, then a replica is made master, then both masters hang."""
    master = Sentinels(environment).master()
    replica = next(pod for pod in REDIS if pod != master)
    password = secret(environment, paths.REDIS_OPERATOR_PASSWORD_FILE)
    address = redis_addresses(environment)[replica]
    with frozen(listener(environment, pod, ports.SENTINEL) for pod in REDIS):
        receiver.wait_for("SentinelQuorumLost")
        with Server(address, ports.REDIS, "operator", password) as server:
            server.call("REPLICAOF", "NO", "ONE")
            assert server.role() == "master", "the effect of the fault"
        receiver.wait_for("RedisMoreThanOneMaster")
        with frozen(listener(environment, pod, ports.REDIS) for pod in (master, replica)):
            receiver.wait_for("RedisNoMaster")


def without_gateway(environment: Environment, receiver: Receiver) -> None:
    def scale(count: int) -> str:
        return environment.kubectl(
            "-n", "seawall", "scale", "deployment/gateway", f"--replicas={count}"
        )

    scale(0)
    try:
        receiver.wait_for("GatewayDown")
    finally:
        scale(2)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_arrives_where_its_severity_is_sent(story: Story, alert: Alert) -> None:
    receiver, arrived, after_s = story.arrived[alert.name, "firing"]
    assert receiver == alert.severity.value
    assert arrived.annotations["summary"] == alert.summary
    assert arrived.annotations["runbook_url"].endswith(alert.runbook)
    measured(f"alert {alert.name} arrived {after_s:.0f} s after the story began")


def test_that_an_alert_ended_arrives_too(story: Story) -> None:
    assert story.arrived["RedisNoMaster", "resolved"][0] == "page"


def test_status_names_the_breaker_and_the_alert_with_its_runbook(story: Story) -> None:
    assert "breakers: alpha/sim-small" in story.status
    assert "ticket: ProviderBreakerOpen:" in story.status
    assert "ProviderBreakerOpen.md" in story.status, "its runbook"


def test_the_whole_story_is_told_in_time(story: Story) -> None:
    assert story.took_s < 3 * GOAL_S


def test_everything_is_ready_again(environment: Environment, story: Story) -> None:
    del story
    assert whole(environment)
    wait_until(
        lambda: Sentinels(environment).master() in REDIS, deadline_s=60, what="a master's name"
    )


def test_what_another_alert_silences_is_an_alert() -> None:
    names = {alert.name for alert in ALERTS}
    quiet = {name for group in SILENCES.values() for name in group}
    assert {*SILENCES, *quiet} <= names
