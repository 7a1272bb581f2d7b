"""What Prometheus knows of an environment, asked through the API server.

Nothing here is needed to run: an environment without a Prometheus, or with one that does not
answer, shows less, and says why. What is not known is None, never a good value.
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

__all__ = ["KnownAlert", "RedisPod", "Watched", "watched_by_prometheus"]

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
# As the alert: one sentinel that sees the quorum is enough.
_QUORUM = f"max(redis_sentinel_master_ckquorum_status{{{_SENTINEL}}})"
_BUDGET = f"slo:error_budget_remaining:ratio{{{of_objective(AVAILABILITY.name)}}}"
_LATE_INTERVALS = 4
_LATE_S = 60.0
_TOLD = frozenset({"firing", "pending"})


@dataclass(frozen=True, slots=True)
class RedisPod:
    """One Redis, as the exporter sees it.

    Attributes:
        pod: its name.
        up: whether it answers.
        role: master or slave; None when it does not answer.
        link_up: whether a replica is connected to its master; None of a master, or not known.
        lag_s: how long ago its master heard what a replica has, which says so every second; None of
            a master, without a connection, or not known.
    """

    pod: str
    up: bool
    role: str | None
    link_up: bool | None
    lag_s: float | None


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """One alert that fires, or that waits (`pending`) before it does."""

    name: str
    state: str
    severity: str
    summary: str
    runbook: str


@dataclass(frozen=True, slots=True)
class Watched:
    """What Prometheus knows."""

    breakers: Mapping[str, str] | None
    """By provider/model, the worst of all pods; None: no pod is known to have one."""
    redis: tuple[RedisPod, ...] | None
    """None: nobody could ask."""
    sentinels: int | None
    """How many answer; None: nobody could ask."""
    quorum: bool | None
    """Whether a sentinel sees enough others for a failover; None: no one could be asked."""
    alerts: tuple[KnownAlert, ...] | None
    """What fires or waits; None: no rule of the kit's was evaluated."""
    unevaluated: tuple[str, ...]
    """Alerts of the kit's that were not evaluated within the last minute, or with an error."""
    budget: float | None
    """The share of the objective's failures that is left; None without requests, or not known."""
    objective: float

    def as_json(self) -> dict[str, object]:
        """For machines; null is what is not known."""
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


def watched_by_prometheus(kubectl: Kubectl, place: Place) -> Watched:
    """Ask everything.

    Raises:
        ClusterError: it does not answer, or it answers something else.
        UsageError: it refuses a query.
    """
    with prometheus_at(kubectl, place) as prometheus:
        return _Asked(prometheus).everything()


class _Asked:
    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus

    def everything(self) -> Watched:
        alerts, unevaluated = self._alerts()
        sentinels = self._one(_SENTINELS)
        quorum = self._one(_QUORUM)
        return Watched(
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
        # As the master calls them: by the names of their Services.
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
        """What fires or waits, and the alerts of which that cannot be told."""
        # By Prometheus' own clock, which need not be this machine's.
        now = self._one("vector(time())") or 0.0
        watches = self._prometheus.place.watches
        told: list[KnownAlert] = []
        evaluated: set[str] = set()
        for group in self._prometheus.read("rules", _Rules).data.groups:
            rules = [rule for rule in group.rules if rule.labels.get("namespace") == watches]
            well = [rule for rule in rules if _is_well(rule, now, group)]
            # An alert reads what its group has recorded.
            if all(rule in well for rule in rules if rule.type == "recording"):
                evaluated |= {rule.name for rule in well if rule.type == "alerting"}
            for rule in rules:
                told += map(_known, (one for one in rule.alerts if one.state in _TOLD))
        ours = [alert.name for alert in ALERTS]
        unevaluated = tuple(name for name in ours if name not in evaluated)
        return (tuple(told) if told or evaluated else None), unevaluated


def _is_well(rule: _Rule, now: float, group: _Group) -> bool:
    """Whether it was evaluated without an error, and so lately that it tells what is now."""
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
