"""Every alert of the kit. To add one: an entry here, a runbook and a rule test of that name."""

from contract import metrics
from monitoring.model import Alert, Severity

__all__ = ["ALERTS"]

ALERTS: tuple[Alert, ...] = (
    Alert(
        name="GatewayDown",
        expression=f'(sum(up{{job="{metrics.GATEWAY_JOB}"}}) or vector(0)) < 1',
        lasting="1m",
        severity=Severity.PAGE,
        summary="No gateway pod answers: every request of every user fails.",
        description=f"No target of job {metrics.GATEWAY_JOB} has answered for a minute.",
        why=(
            "A minute is four scrapes at 15 s, so that one lost scrape does not page. Missing data"
            " counts as down: a gateway without targets serves nobody."
        ),
    ),
)
