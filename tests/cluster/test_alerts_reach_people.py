"""A fault makes each alert fire, and the alert arrives at the webhook of its severity.

All tests share one sequence of faults. Independent faults overlap, since an alert with a window of
two minutes takes two minutes. The sequence runs first in a new environment, where no alert fires.
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
from tests.cluster.freezing import frozen, host_pid_of_listener
from tests.cluster.live_environment import (
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


class _Received(BaseModel):
    receiver: str
    message: _Message


@dataclass
class Notifications:
    """`arrived`: by alert name and status, the receiver, the alert, and its time in seconds."""

    arrived: dict[tuple[str, str], tuple[str, _Alert, float]] = field(
        default_factory=dict[tuple[str, str], tuple[str, _Alert, float]]
    )
    took_s: float = 0.0
    status: str = ""
    """What `seawall status` showed when a breaker was open and its alert had arrived."""


class Receiver:
    """The notifications that the webhook has recorded."""

    def __init__(self, environment: Environment, notifications: Notifications) -> None:
        words = ("get", "service", "alert-receiver", "-o", "jsonpath={.spec.clusterIP}")
        address = environment.kubectl("-n", "seawall", *words)
        self._url = f"http://{address}:{ports.SIMULATOR_HTTP}/"
        self._notifications = notifications
        self._began = time.monotonic()

    def wait_for(self, *names: str, status: str = "firing", deadline_s: float = 180) -> None:
        """Wait until all of these alerts have arrived."""

        def all_arrived() -> bool:
            self._fetch()
            return all((name, status) in self._notifications.arrived for name in names)

        what = f"{', '.join(names)} to arrive, {status}"
        wait_until(all_arrived, deadline_s=deadline_s, what=what, interval_s=0.5)

    def _fetch(self) -> None:
        answer = urllib3.request("GET", self._url, timeout=10, retries=3)
        for item in json.loads(answer.data):
            received = _Received.model_validate(item)
            for alert in received.message.alerts:
                found = (received.receiver, alert, time.monotonic() - self._began)
                self._notifications.arrived.setdefault(
                    (alert.labels.alertname, alert.status), found
                )


def query_prometheus(environment: Environment, query: str) -> list[dict[str, str]]:
    """The labels of what a query finds."""
    path = "/api/v1/namespaces/seawall/services/prometheus:http/proxy/api/v1/query?query="
    answer = json.loads(environment.kubectl("get", "--raw", path + quote(query)))
    return [item["metric"] for item in answer["data"]["result"]]


def scraped_without_alerts(environment: Environment) -> bool:
    """Whether Prometheus scrapes everything, and no alert fires because of earlier tests."""
    all_scraped = len(query_prometheus(environment, "up==1")) >= 9
    return all_scraped and not query_prometheus(environment, "ALERTS")


def all_ready(environment: Environment) -> bool:
    return len(ready_pods(environment, "gateway")) >= 2 and len(redis_ready(environment)) == 3


def redis_ready(environment: Environment) -> list[str]:
    return ready_pods(environment, "redis")


@pytest.fixture(scope="module")
def notifications(environment: Environment) -> Notifications:
    wait_until(lambda: all_ready(environment), deadline_s=180, what="everything to be Ready")
    wait_until(
        lambda: scraped_without_alerts(environment), deadline_s=600, what="no alert", interval_s=1
    )
    notifications = Notifications()
    receiver = Receiver(environment, notifications)
    began = time.monotonic()
    with constant_load(environment, rate=RATE) as load:
        wait_until(lambda: load.sent >= RATE * 10, deadline_s=60, what="some good answers")
        with ExitStack() as faults:
            for name, fault in FAULTS.items():
                simulator = Simulator(environment, name)
                faults.callback(simulator.heal)
                simulator.fail(fault)
            delete_the_master(environment, receiver)
            break_sentinels_and_masters(environment, receiver)
            receiver.wait_for("ProviderBreakerOpen", "OutsideProbeFailing")
            receiver.wait_for("ProviderKeyOrModelRefused")
            notifications.status = environment.seawall("status").stdout
            receiver.wait_for("GatewayAvailabilityBurnFast", "GatewayAvailabilityBurnSlow")
            receiver.wait_for("ProvidersAllDown", deadline_s=240)
            receiver.wait_for("RedisNoMaster", "SentinelQuorumLost", status="resolved")
        scale_gateway_to_zero(environment, receiver)
    wait_until(lambda: all_ready(environment), deadline_s=180, what="everything to be Ready again")
    notifications.took_s = time.monotonic() - began
    measured(
        f"alerts: all faults and their messages took {notifications.took_s:.0f} s "
        f"(goal {GOAL_S:g} s)"
    )
    return notifications


def delete_the_master(environment: Environment, receiver: Receiver) -> None:
    sentinels = Sentinels(environment)
    master = sentinels.master()
    delete(environment, master)
    receiver.wait_for("RedisFailover")
    (mark,) = (mark for board in BOARDS for mark in board.marks)
    failover_query = scoped(mark.query.expression, 'namespace="seawall"')
    # The query compares with a minute ago, and Prometheus has run for hardly longer.
    wait_until(
        lambda: query_prometheus(environment, failover_query),
        deadline_s=90,
        what="the dashboard to draw it",
    )
    assert sentinels.master() not in (master, "nobody"), "the effect of the fault"
    wait_until(
        lambda: len(redis_ready(environment)) == 3,
        deadline_s=180,
        what="the pod of the old master to be Ready",
    )


def break_sentinels_and_masters(environment: Environment, receiver: Receiver) -> None:
    """All Sentinels hang, then a replica becomes a second master, then both masters hang."""
    master = Sentinels(environment).master()
    replica = next(pod for pod in REDIS if pod != master)
    password = secret(environment, paths.REDIS_OPERATOR_PASSWORD_FILE)
    address = redis_addresses(environment)[replica]
    with frozen(host_pid_of_listener(environment, pod, ports.SENTINEL) for pod in REDIS):
        receiver.wait_for("SentinelQuorumLost")
        with Server(address, ports.REDIS, "operator", password) as server:
            server.call("REPLICAOF", "NO", "ONE")
            assert server.role() == "master", "the effect of the fault"
        receiver.wait_for("RedisMoreThanOneMaster")
        with frozen(
            host_pid_of_listener(environment, pod, ports.REDIS) for pod in (master, replica)
        ):
            receiver.wait_for("RedisNoMaster")


def scale_gateway_to_zero(environment: Environment, receiver: Receiver) -> None:
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
def test_alert_reaches_the_receiver_of_its_severity(
    notifications: Notifications, alert: Alert
) -> None:
    receiver, arrived, after_s = notifications.arrived[alert.name, "firing"]
    assert receiver == alert.severity.value
    assert arrived.annotations["summary"] == alert.summary
    assert arrived.annotations["runbook_url"].endswith(alert.runbook)
    measured(f"alert {alert.name} arrived {after_s:.0f} s after the story began")


def test_resolved_alert_reaches_the_page_receiver(notifications: Notifications) -> None:
    assert notifications.arrived["RedisNoMaster", "resolved"][0] == "page"


def test_status_shows_the_open_breaker_and_the_alert_with_its_runbook(
    notifications: Notifications,
) -> None:
    assert "breakers: alpha/sim-small" in notifications.status
    assert "ticket: ProviderBreakerOpen:" in notifications.status
    assert "ProviderBreakerOpen.md" in notifications.status, "its runbook"


def test_all_alerts_arrive_within_three_times_the_goal(notifications: Notifications) -> None:
    assert notifications.took_s < 3 * GOAL_S


def test_all_pods_are_ready_after_the_faults(
    environment: Environment, notifications: Notifications
) -> None:
    del notifications
    assert all_ready(environment)
    wait_until(
        lambda: Sentinels(environment).master() in REDIS,
        deadline_s=60,
        what="the Sentinels to name a master",
    )


def test_inhibition_rules_name_existing_alerts() -> None:
    names = {alert.name for alert in ALERTS}
    inhibited = {name for group in SILENCES.values() for name in group}
    assert {*SILENCES, *inhibited} <= names
