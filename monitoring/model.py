"""The model of an alert: everything that a rule, its runbook link and its test have in common."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Alert", "Severity"]


class Severity(StrEnum):
    """Who is notified: a person now (page), a person this week (ticket), or nobody (info).

    An alert of severity info is for a dashboard.
    """

    PAGE = "page"
    TICKET = "ticket"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alerting rule.

    Attributes:
        name: <Component><Symptom>; also the name of its runbook and of its rule test.
        expression: PromQL; `why` explains how it treats missing data.
        lasting: the `for` duration as a Prometheus duration; always explicit.
        severity: who is notified.
        summary: one sentence for a phone's screen.
        description: text with labels, for the ticket; may use Prometheus' templates.
        why: the reasons for the threshold and the duration.
        objective: the name of the objective whose series it reads, if it reads one's.
    """

    name: str
    expression: str
    lasting: str
    severity: Severity
    summary: str
    description: str
    why: str
    objective: str | None = None

    @property
    def runbook(self) -> str:
        """File name of its page in runbooks/."""
        return f"{self.name}.md"
