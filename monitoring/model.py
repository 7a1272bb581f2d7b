"""What an alert is. One value holds everything that a rule, its runbook link and its test share."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Alert", "Severity"]


class Severity(StrEnum):
    """Who is told: a person now, a person this week, or a dashboard."""

    PAGE = "page"
    TICKET = "ticket"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alerting rule.

    Attributes:
        name: <Component><Symptom>; also the names of its runbook and of its rule test.
        expression: PromQL; how it treats missing data is decided on purpose and said in `why`.
        lasting: how long it must hold, as a Prometheus duration; always explicit.
        severity: who is told.
        summary: one sentence for a phone's screen.
        description: with labels, for the ticket; may use Prometheus' templates.
        why: where the threshold and the duration come from.
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
