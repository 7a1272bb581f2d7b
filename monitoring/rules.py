"""Alerts as a Prometheus rule file."""

from collections.abc import Sequence
from typing import TypedDict

from monitoring.model import Alert

__all__ = ["Group", "Rule", "RuleFile", "rule_file"]


# Written as calls because `for` cannot be a field of a class.
Rule = TypedDict(
    "Rule",
    {
        "alert": str,
        "expr": str,
        "for": str,
        "labels": dict[str, str],
        "annotations": dict[str, str],
    },
)
"""An alerting rule in Prometheus' own form."""


class Group(TypedDict):
    """Rules that are evaluated together."""

    name: str
    rules: list[Rule]


class RuleFile(TypedDict):
    """A Prometheus rule file."""

    groups: list[Group]


def rule_file(alerts: Sequence[Alert], *, runbooks: str) -> RuleFile:
    """The rules of `alerts`.

    Args:
        alerts: in the order in which they shall appear.
        runbooks: base URL (or path) of the runbooks, without the final slash.
    """
    return {"groups": [{"name": "seawall", "rules": [_rule(a, runbooks) for a in alerts]}]}


def _rule(alert: Alert, runbooks: str) -> Rule:
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
