"""Objectives and alerts as a Prometheus rule file."""

from collections.abc import Sequence
from typing import TypedDict

from monitoring.model import Alert
from monitoring.selectors import scoped
from monitoring.slo import Slo

__all__ = ["AlertRule", "Group", "RecordRule", "RuleFile", "rule_file"]

_SECONDS = {"s": 1, "m": 60, "h": 3600}

# Written as calls because `for` cannot be a field of a class.
AlertRule = TypedDict(
    "AlertRule",
    {
        "alert": str,
        "expr": str,
        "for": str,
        "labels": dict[str, str],
        "annotations": dict[str, str],
    },
)
"""An alerting rule in Prometheus' own form."""


class RecordRule(TypedDict):
    """A recording rule."""

    record: str
    expr: str
    labels: dict[str, str]


class Group(TypedDict):
    """Rules that are evaluated together, one after the other."""

    name: str
    rules: Sequence[AlertRule | RecordRule]


class RuleFile(TypedDict):
    """A Prometheus rule file."""

    groups: list[Group]


def rule_file(
    alerts: Sequence[Alert],
    objectives: Sequence[Slo],
    *,
    runbooks: str,
    namespace: str,
    for_scale: float = 1.0,
) -> RuleFile:
    """The rules of `objectives`, and those of `alerts`.

    An alert that reads an objective's series is in the group of the objective, after these series.
    Prometheus guarantees an order only within a group, so elsewhere the alert would see the values
    of the previous evaluation.

    Args:
        alerts: in the order of the file; the objectives that they name are in `objectives`.
        objectives: each becomes a separate group.
        runbooks: base URL (or path) of the runbooks, without the final slash.
        namespace: the environment whose series are selected; it becomes a label of the alerts and
            of the recorded series, since a Prometheus may have several environments.
        for_scale: the factor by which the `for` duration of each alert is multiplied.
    """

    def alert_rules(objective: str | None) -> list[AlertRule]:
        chosen = [alert for alert in alerts if alert.objective == objective]
        return [_rule(alert, runbooks, namespace, for_scale) for alert in chosen]

    of_objectives: list[Group] = [
        {"name": f"slo-{slo.name}", "rules": [*_records(slo, namespace), *alert_rules(slo.name)]}
        for slo in objectives
    ]
    return {"groups": [*of_objectives, {"name": "seawall", "rules": alert_rules(None)}]}


def _records(slo: Slo, namespace: str) -> list[RecordRule]:
    labels = {"slo": slo.name, "namespace": namespace}
    return [
        {"record": name, "expr": scoped(expression, _matcher(namespace)), "labels": labels}
        for name, expression in slo.records().items()
    ]


def _rule(alert: Alert, runbooks: str, namespace: str, for_scale: float) -> AlertRule:
    return {
        "alert": alert.name,
        "expr": scoped(alert.expression, _matcher(namespace)),
        "for": _shortened(alert.lasting, for_scale),
        "labels": {"severity": alert.severity.value, "namespace": namespace},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{runbooks}/{alert.runbook}",
        },
    }


def _matcher(namespace: str) -> str:
    return f'namespace="{namespace}"'


def _shortened(lasting: str, for_scale: float) -> str:
    if for_scale == 1:
        return lasting
    return f"{round(int(lasting[:-1]) * _SECONDS[lasting[-1]] * for_scale)}s"
