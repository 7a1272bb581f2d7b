"""docs/reference/alerts.md: every alert, with its runbook."""

from monitoring.alerts import ALERTS
from tools.reference.markdown import GENERATED, cell, table

__all__ = ["alerts"]

_HEAD = """# Alerts and their runbooks
{generated}
`page` needs a person now, `ticket` can wait for a working day, `info` needs no action. An alert
fires after its condition has held for the time in the third column.

"""


def alerts() -> str:
    """The page."""
    rows = [
        (
            f"[{alert.name}](../../runbooks/{alert.runbook})",
            f"{alert.severity}",
            alert.lasting,
            cell(alert.summary),
            cell(alert.why),
        )
        for alert in ALERTS
    ]
    head = ("alert", "severity", "for", "meaning", "why this threshold")
    return _HEAD.format(generated=GENERATED) + table(head, rows)
