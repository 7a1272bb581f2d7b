"""Every alert of the kit. To add one: an entry here, a runbook and a rule test of that name."""

from contract import metrics
from monitoring.model import Alert, Severity
from monitoring.slo import AVAILABILITY, FAST, SLOW

__all__ = ["ALERTS"]

_OURS = f'job="{metrics.GATEWAY_JOB}"'

ALERTS: tuple[Alert, ...] = (
    Alert(
        name="GatewayDown",
        expression=f"(sum(up{{{_OURS}}}) or vector(0)) < 1",
        lasting="1m",
        severity=Severity.PAGE,
        summary="No gateway pod answers: every request of every user fails.",
        description=f"No target of job {metrics.GATEWAY_JOB} has answered for a minute.",
        why=(
            "A minute is four scrapes at 15 s, so that one lost scrape does not page. Missing data"
            " counts as down: a gateway without targets serves nobody."
        ),
    ),
    Alert(
        name="GatewayAvailabilityBurnFast",
        expression=AVAILABILITY.burns(FAST),
        lasting="2m",
        severity=Severity.PAGE,
        summary="Users get errors so fast that the month's budget is gone within days.",
        description=(
            "{{ $value | humanizePercentage }} of the requests fail; "
            f"{AVAILABILITY.budget * 100:g} % are allowed over 30 days."
        ),
        why=(
            "14.4 times the allowed rate for an hour spends 2 % of the budget, 6 times for six"
            " hours 5 %. Without requests there is nothing to say: then GatewayDown speaks."
        ),
    ),
    Alert(
        name="GatewayAvailabilityBurnSlow",
        expression=AVAILABILITY.burns(SLOW),
        lasting="15m",
        severity=Severity.TICKET,
        summary="Users get more errors than the month's budget allows.",
        description=(
            "{{ $value | humanizePercentage }} of the requests fail; "
            f"{AVAILABILITY.budget * 100:g} % are allowed over 30 days."
        ),
        why="3 times the allowed rate for a day, or all of it for three days, spends 10 %.",
    ),
    Alert(
        name="ProviderBreakerOpen",
        # Half-open counts: a breaker goes there and back while its probes fail.
        expression=f"max by (provider, model) ({metrics.BREAKER_STATE}{{{_OURS}}}) > 0",
        lasting="2m",
        severity=Severity.TICKET,
        summary="A provider fails, and its requests go elsewhere.",
        description=(
            "A circuit breaker of {{ $labels.provider }} for {{ $labels.model }} has not been"
            " closed for two minutes in at least one pod."
        ),
        why=(
            "A breaker probes after 5 to 20 s, so two minutes are several failed probes. Users have"
            " another provider: nobody is woken. Missing data is GatewayDown's."
        ),
    ),
    Alert(
        name="ProvidersAllDown",
        expression=(
            f'sum(rate({metrics.ATTEMPTS}{{{_OURS},outcome="ok"}}[2m])) == 0'
            f" and sum(rate({metrics.ATTEMPTS}{{{_OURS}}}[2m])) > 0"
        ),
        lasting="1m",
        severity=Severity.PAGE,
        summary="No provider answers: every request that asks a model fails.",
        description="All attempts at all providers failed for three minutes.",
        why=(
            "Two minutes of attempts and one more of waiting: a provider's stumble is over by then."
            " Without attempts nobody asks, and nothing is wrong."
        ),
    ),
)
