"""Metrics and alerts of an environment, queried from Prometheus through the API server.

Commands work without them. For an environment without a Prometheus, or with one that does not
answer, the output has fewer lines and a reason. An unknown value is None, never a good value.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from pydantic import BaseModel, Field

from contract import jobs, metrics
from monitoring.alerts import ALERTS
from monitoring.selectors import of_job, of_objective, scoped
from monitoring.slo import AVAILABILITY
from seawall.kube.kubectl import Kubectl
from seawall.ops.prometheus import Place, Prometheus, Sample, prometheus_at

__all__ = ["KnownAlert", "Monitored", "RedisPod", "monitored_by_prometheus"]

_STATES = {0: "closed", 1: "half open", 2: "open"}
_OURS = of_job(metrics.GATEWAY_JOB)
_REDIS = of_job(jobs.REDIS)
_SENTINEL = of_job(jobs.SENTINEL)
_BREAKERS = f"max by (provider, model) ({metrics.BREAKER_STATE}{{{_OURS}}})"
_REDIS_UP = f"max by (instance) (redis_up{{{_REDIS}}})"
_ROLES = f"redis_instance_info{{{_REDIS}}}"
_LINKS = f"min by (instance) (redis_master_link_up{{{_REDIS}}})"
_LAGS = f"max by (slave_ip) (redis_connected_slave_lag_seconds{{{_REDIS}}})"
_SENTINELS = f"sum(redis_up{{{_SENTINEL}}})"
# As in the alert, one Sentinel that sees the quorum is enough.
_QUORUM = f"max(redis_sentinel_master_ckquorum_status{{{_SENTINEL}}})"
_BUDGET = f"slo:error_budget_remaining:ratio{{{of_objective(AVAILABILITY.name)}}}"
_LATE_INTERVALS = 4
_LATE_S = 60.0
_SHOWN_STATES = frozenset({"firing", "pending"})


@dataclass(frozen=True, slots=True)
class RedisPod:
    """One Redis pod, as the exporter reports it.

    Attributes:
        pod: the name of the pod.
        up: whether Redis answers.
        role: master or slave; None when Redis does not answer.
        link_up: whether a replica is connected to its master; None for a master, or unknown.
        lag_s: seconds since the master received the replica's last report of its offset. A replica
            reports every second. None for a master, without a connection, or when unknown.
    """

    pod: str
    up: bool
    role: str | None
    link_up: bool | None
    lag_s: float | None


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """One alert that is firing or pending."""

    name: str
    state: str
    severity: str
    summary: str
    runbook: str


@dataclass(frozen=True, slots=True)
class Monitored:
    """The state of an environment according to Prometheus; None means unknown."""

    breakers: Mapping[str, str] | None
    """State of each breaker by provider/model, the worst of all pods; None: no breaker is known."""
    redis: tuple[RedisPod, ...] | None
    """The Redis pods; None: Prometheus has no data about them."""
    sentinels: int | None
    """The number of Sentinels that answer; None: Prometheus has no data."""
    quorum: bool | None
    """Whether a Sentinel sees enough others for a failover; None: Prometheus has no data."""
    alerts: tuple[KnownAlert, ...] | None
    """Firing and pending alerts; None: none of the kit's rules was evaluated."""
    unevaluated: tuple[str, ...]
    """The kit's alerts that were evaluated with an error, or not within the last minute."""
    budget: float | None
    """The share of the error budget that is left; None without requests, or when unknown."""
    objective: float

    def as_json(self) -> dict[str, object]:
        """The JSON form; null means unknown."""
        return asdict(self)


class _Alert(BaseModel):
    state: str
    labels: dict[str, str]
    annotations: dict[str, str]


class _Rule(BaseModel):
    type: str
    name: str
    health: str
    labels: dict[str, str] = {}
    last: datetime = Field(alias="lastEvaluation")
    alerts: list[_Alert] = []


class _Group(BaseModel):
    interval: float
    rules: list[_Rule]


class _Groups(BaseModel):
    groups: list[_Group]


class _Rules(BaseModel):
    data: _Groups


def monitored_by_prometheus(kubectl: Kubectl, place: Place) -> Monitored:
    """Query the whole state.

    Raises:
        ClusterError: Prometheus does not answer, or its answer has an unexpected form.
        UsageError: Prometheus refuses a query.
    """
    with prometheus_at(kubectl, place) as prometheus:
        return _Asked(prometheus).everything()


class _Asked:
    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus

    def everything(self) -> Monitored:
        alerts, unevaluated = self._alerts()
        sentinels = self._one(_SENTINELS)
        quorum = self._one(_QUORUM)
        return Monitored(
            breakers=self._breakers(),
            redis=self._redis(),
            sentinels=None if sentinels is None else round(sentinels),
            quorum=None if quorum is None else quorum > 0,
            alerts=alerts,
            unevaluated=unevaluated,
            budget=self._one(_BUDGET),
            objective=AVAILABILITY.objective,
        )

    def _samples(self, query: str) -> list[Sample]:
        return self._prometheus.samples(scoped(query, self._prometheus.place.matcher))

    def _one(self, query: str) -> float | None:
        numbers = [sample.number for sample in self._samples(query)]
        return numbers[0] if numbers and not math.isnan(numbers[0]) else None

    def _by_pod(self, query: str) -> dict[str, float]:
        return {item.metric.get("instance", "?"): item.number for item in self._samples(query)}

    def _breakers(self) -> dict[str, str] | None:
        found = {
            f"{item.metric.get('provider')}/{item.metric.get('model')}": _STATES.get(
                -1 if math.isnan(item.number) else round(item.number), "unknown"
            )
            for item in self._samples(_BREAKERS)
        }
        return found or None

    def _redis(self) -> tuple[RedisPod, ...] | None:
        links = self._by_pod(_LINKS)
        # The master lists its replicas by the names of their Services.
        lags = {
            item.metric.get("slave_ip", "?").partition(".")[0]: item.number
            for item in self._samples(_LAGS)
        }
        roles = {
            item.metric.get("instance", "?"): item.metric.get("role")
            for item in self._samples(_ROLES)
        }
        found = tuple(
            RedisPod(
                pod=pod,
                up=up > 0,
                role=(role := roles.get(pod)),
                link_up=None if role == "master" or pod not in links else links[pod] > 0,
                lag_s=None if role == "master" else lags.get(pod),
            )
            for pod, up in sorted(self._by_pod(_REDIS_UP).items())
        )
        return found or None

    def _alerts(self) -> tuple[tuple[KnownAlert, ...] | None, tuple[str, ...]]:
        """Firing and pending alerts, and the names of the alerts whose state is unknown."""
        # The time of Prometheus, which may differ from this machine's.
        now = self._one("vector(time())") or 0.0
        watches = self._prometheus.place.watches
        known_alerts: list[KnownAlert] = []
        evaluated: set[str] = set()
        for group in self._prometheus.read("rules", _Rules).data.groups:
            rules = [rule for rule in group.rules if rule.labels.get("namespace") == watches]
            well = [rule for rule in rules if _is_well(rule, now, group)]
            # An alert may read series that the recording rules of its group write.
            if all(rule in well for rule in rules if rule.type == "recording"):
                evaluated |= {rule.name for rule in well if rule.type == "alerting"}
            for rule in rules:
                known_alerts += map(
                    _known, (one for one in rule.alerts if one.state in _SHOWN_STATES)
                )
        ours = [alert.name for alert in ALERTS]
        unevaluated = tuple(name for name in ours if name not in evaluated)
        return (tuple(known_alerts) if known_alerts or evaluated else None), unevaluated


def _is_well(rule: _Rule, now: float, group: _Group) -> bool:
    """Whether the rule was evaluated without an error, and recently enough to be current."""
    late_s = max(_LATE_INTERVALS * group.interval, _LATE_S)
    return rule.health == "ok" and now - rule.last.timestamp() <= late_s


def _known(alert: _Alert) -> KnownAlert:
    return KnownAlert(
        name=alert.labels.get("alertname", "?"),
        state=alert.state,
        severity=alert.labels.get("severity", "?"),
        summary=alert.annotations.get("summary", ""),
        runbook=alert.annotations.get("runbook_url", ""),
    )
