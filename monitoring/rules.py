"""Objectives and alerts as a Prometheus rule file."""

from collections.abc import Sequence
from typing import TypedDict

from monitoring.model import Alert
from monitoring.slo import Slo

__all__ = ["AlertRule", "Group", "RecordRule", "RuleFile", "rule_file"]


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


def rule_file(alerts: Sequence[Alert], objectives: Sequence[Slo], *, runbooks: str) -> RuleFile:
    """The rules of `objectives`, on which alerts may build, and those of `alerts`.

    Args:
        alerts: in the order in which they shall appear.
        objectives: each a group of its own.
        runbooks: base URL (or path) of the runbooks, without the final slash.
    """
    recorded: list[Group] = [
        {"name": f"slo-{slo.name}", "rules": _records(slo)} for slo in objectives
    ]
    return {
        "groups": [*recorded, {"name": "seawall", "rules": [_rule(a, runbooks) for a in alerts]}]
    }


def _records(slo: Slo) -> list[RecordRule]:
    return [
        {"record": name, "expr": expression, "labels": {"slo": slo.name}}
        for name, expression in slo.records().items()
    ]


def _rule(alert: Alert, runbooks: str) -> AlertRule:
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.lasting,
        "labels": {"severity": alert.severity.value, **alert.labels},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{runbooks}/{alert.runbook}",
        },
    }
