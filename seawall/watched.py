"""What the kit's own Prometheus knows of an environment, asked through the API server.

Nothing here is needed to run: an environment without a Prometheus of the kit's, or with one that
does not answer, shows less, and says why.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from contract import jobs, metrics
from monitoring.slo import AVAILABILITY
from seawall.cluster.kubectl import Kubectl
from seawall.errors import ClusterError

__all__ = ["FiringAlert", "RedisPod", "Watched", "watched_by_prometheus"]

_STATES = {0: "closed", 1: "half open", 2: "open"}
_BREAKERS = f'max by (provider, model) ({metrics.BREAKER_STATE}{{job="{metrics.GATEWAY_JOB}"}})'
_ROLES = f'redis_instance_info{{job="{jobs.REDIS}"}}'
_LAGS = f'redis_master_last_io_seconds_ago{{job="{jobs.REDIS}"}}'
_SENTINELS = f'sum(redis_up{{job="{jobs.SENTINEL}"}})'
_QUORUM = f'min(redis_sentinel_master_ckquorum_status{{job="{jobs.SENTINEL}"}})'
_BUDGET = f'slo:error_budget_remaining:ratio{{slo="{AVAILABILITY.name}"}}'


@dataclass(frozen=True, slots=True)
class RedisPod:
    """One Redis; `lag_s` is since a replica last heard of its master, None of a master."""

    pod: str
    role: str
    lag_s: float | None


@dataclass(frozen=True, slots=True)
class FiringAlert:
    """One alert that fires now."""

    name: str
    severity: str
    summary: str
    runbook: str


@dataclass(frozen=True, slots=True)
class Watched:
    """What Prometheus knows; `budget` is the share of the objective's failures that is left."""

    breakers: Mapping[str, str]
    """By provider/model, the worst of all pods."""
    redis: tuple[RedisPod, ...]
    sentinels: int
    quorum: bool | None
    alerts: tuple[FiringAlert, ...]
    budget: float | None
    objective: float

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {**asdict(self), "breakers": dict(self.breakers)}


class _Sample(BaseModel):
    metric: dict[str, str]
    value: tuple[float, str]


class _Result(BaseModel):
    result: list[_Sample]


class _Answer(BaseModel):
    data: _Result


class _Alert(BaseModel):
    state: str
    labels: dict[str, str]
    annotations: dict[str, str]


class _Alerts(BaseModel):
    alerts: list[_Alert]


class _AlertsAnswer(BaseModel):
    data: _Alerts


class _Prometheus:
    def __init__(self, kubectl: Kubectl, namespace: str) -> None:
        self._kubectl = kubectl
        self._base = f"/api/v1/namespaces/{namespace}/services/prometheus:http/proxy/api/v1/"

    def get(self, path: str) -> str:
        return self._kubectl("get", "--raw", self._base + path, timeout_s=20)

    def ask(self, query: str) -> list[_Sample]:
        """The samples of an instant query, in the order of their labels."""
        found = _Answer.model_validate_json(self.get("query?query=" + quote(query)))
        return sorted(found.data.result, key=lambda sample: sorted(sample.metric.items()))

    def one(self, query: str) -> float | None:
        samples = self.ask(query)
        return float(samples[0].value[1]) if samples else None


def watched_by_prometheus(kubectl: Kubectl, namespace: str) -> Watched:
    """Ask everything.

    Raises:
        ClusterError: there is none, it does not answer, or it answers something else.
    """
    prometheus = _Prometheus(kubectl, namespace)
    try:
        return Watched(
            breakers={
                f"{sample.metric.get('provider')}/{sample.metric.get('model')}": _STATES.get(
                    round(float(sample.value[1])), "unknown"
                )
                for sample in prometheus.ask(_BREAKERS)
            },
            redis=_redis(prometheus),
            sentinels=round(prometheus.one(_SENTINELS) or 0),
            quorum=_yes_or_no(prometheus.one(_QUORUM)),
            alerts=_alerts(prometheus),
            budget=prometheus.one(_BUDGET),
            objective=AVAILABILITY.objective,
        )
    except (ValidationError, ValueError) as odd:
        raise ClusterError(f"Prometheus answers what it should not: {odd}") from odd


def _yes_or_no(value: float | None) -> bool | None:
    return None if value is None else value > 0


def _redis(prometheus: _Prometheus) -> tuple[RedisPod, ...]:
    lags = {
        sample.metric.get("instance", ""): float(sample.value[1])
        for sample in prometheus.ask(_LAGS)
    }
    return tuple(
        RedisPod(
            pod=sample.metric.get("instance", "?"),
            role=sample.metric.get("role", "?"),
            lag_s=None
            if sample.metric.get("role") == "master"
            else lags.get(sample.metric.get("instance", "")),
        )
        for sample in sorted(prometheus.ask(_ROLES), key=lambda one: one.metric.get("instance", ""))
    )


def _alerts(prometheus: _Prometheus) -> tuple[FiringAlert, ...]:
    found = _AlertsAnswer.model_validate_json(prometheus.get("alerts")).data.alerts
    return tuple(
        FiringAlert(
            name=alert.labels.get("alertname", "?"),
            severity=alert.labels.get("severity", "?"),
            summary=alert.annotations.get("summary", ""),
            runbook=alert.annotations.get("runbook_url", ""),
        )
        for alert in found
        if alert.state == "firing"
    )
