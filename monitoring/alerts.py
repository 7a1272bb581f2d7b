"""Every alert. A new one needs an entry here, and a runbook and a rule test of that name."""

from contract import jobs, metrics
from monitoring.model import Alert, Severity
from monitoring.selectors import of_job
from monitoring.slo import AVAILABILITY, FAST, SLOW

__all__ = ["ALERTS", "MASTERS", "NAMED", "SILENCES"]

_OURS = of_job(metrics.GATEWAY_JOB)
_BLACKBOX = of_job(jobs.BLACKBOX)
_REDIS = of_job(jobs.REDIS)
_SENTINEL = of_job(jobs.SENTINEL)
_ROLES = f"redis_instance_info{{{_REDIS}"
MASTERS = (
    f'(timestamp({_ROLES},role="master"}}) >= on (instance) group_left ()'
    f" max by (instance) (timestamp({_ROLES}}})))"
)
"""The masters, by each Redis' last report. The role is a label. After a restart of Prometheus,
which marks no series as ended, the series of the previous role stays for five minutes next to the
current one."""
NAMED = f"redis_sentinel_master_status{{{_SENTINEL}}}"
"""One series for each Sentinel and each master that it names."""

ALERTS: tuple[Alert, ...] = (
    Alert(
        name="GatewayDown",
        expression=f"(sum(up{{{_OURS}}}) or vector(0)) < 1",
        lasting="1m",
        severity=Severity.PAGE,
        summary="No gateway pod answers: every request of every user fails.",
        description=f"No target of job {metrics.GATEWAY_JOB} has answered for a minute.",
        why=(
            "A minute is four scrapes at 15 s, so one lost scrape does not page. Missing data"
            " counts as down: a gateway without targets serves nobody."
        ),
    ),
    Alert(
        name="GatewayAvailabilityBurnFast",
        expression=AVAILABILITY.burns(FAST),
        lasting="2m",
        severity=Severity.PAGE,
        summary="At the current error rate, the error budget of 30 days is used up within days.",
        description=(
            "{{ $value | humanizePercentage }} of the requests fail; "
            f"{AVAILABILITY.budget * 100:g} % are allowed over 30 days."
        ),
        why=(
            "14.4 times the allowed rate for an hour spends 2 % of the budget, 6 times for six"
            " hours 5 %. Without requests this alert does not fire; GatewayDown covers that."
        ),
        objective=AVAILABILITY.name,
    ),
    Alert(
        name="GatewayAvailabilityBurnSlow",
        expression=AVAILABILITY.burns(SLOW),
        lasting="15m",
        severity=Severity.TICKET,
        summary="Users get more errors than the error budget of 30 days allows.",
        description=(
            "{{ $value | humanizePercentage }} of the requests fail; "
            f"{AVAILABILITY.budget * 100:g} % are allowed over 30 days."
        ),
        why="3 times the allowed rate for a day, or the allowed rate for three days, spends 10 %.",
        objective=AVAILABILITY.name,
    ),
    Alert(
        name="ProviderBreakerOpen",
        # Half-open counts: a breaker alternates between open and half-open while its probes fail.
        expression=(
            f"max by (provider, model) ({metrics.BREAKER_STATE}{{{_OURS}}}) > 0 and on (provider)"
            f' sum by (provider) (increase({metrics.ATTEMPTS}{{{_OURS},outcome!="ok"}}[5m])) > 0'
        ),
        lasting="2m",
        severity=Severity.TICKET,
        summary="A provider fails, and its requests go to other targets.",
        description=(
            "A circuit breaker of {{ $labels.provider }} for {{ $labels.model }} has not been"
            " closed for two minutes in at least one pod."
        ),
        why=(
            "A breaker probes after 5 to 20 s, so two minutes are several failed probes. Users have"
            " another provider, so this does not page. A breaker without requests stays half-open,"
            " so there must also have been failures. GatewayDown covers missing data."
        ),
    ),
    Alert(
        name="ProviderKeyOrModelRefused",
        expression=(
            f"max by (provider) ({metrics.KEYS_REFUSED}{{{_OURS}}}) > 0 or sum by (provider)"
            f' (increase({metrics.ATTEMPTS}{{{_OURS},outcome=~"key_refused|no_model"}}[5m])) > 0'
        ),
        lasting="2m",
        severity=Severity.TICKET,
        summary="A provider refuses the gateway's key, its account or a model: a person must act.",
        description=(
            "{{ $labels.provider }} has refused a key or a model for two minutes: the key expired,"
            " the account has no credit, or the model was retired."
        ),
        why=(
            "A key, an account or a retired model does not recover by itself, and breakers and"
            " spare keys hide the failure from users. A rotation takes less than two minutes."
            " GatewayDown covers missing data."
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
        summary="No provider answers: every request for a model fails.",
        description="All attempts at all providers failed for three minutes.",
        why=(
            "Two minutes of attempts and one more minute: a short disturbance of a provider is over"
            " by then. Without attempts there are no requests, and nothing is wrong."
        ),
    ),
    Alert(
        name="OutsideProbeFailing",
        expression=(
            f"avg_over_time(probe_success{{{_BLACKBOX}}}[2m]) < 0.75"
            f" and probe_success{{{_BLACKBOX}}} offset 90s >= 0"
        ),
        lasting="1m",
        severity=Severity.PAGE,
        summary="The blackbox probe, which requests a completion as users do, fails.",
        description=(
            "{{ $value | humanizePercentage }} of the probe's requests in the last two minutes got"
            " a complete answer."
        ),
        why=(
            "One failed request of four is a short disturbance; more is an outage that the"
            " gateway's own metrics may not show. The first 90 s of a deployment are its start."
            " Missing data does not fire the alert: then the probe is down, or not configured."
            " GatewayDown fires when the gateway is down."
        ),
    ),
    Alert(
        name="RedisNoMaster",
        expression=f"(count({MASTERS}) or vector(0)) < 1",
        lasting="1m",
        severity=Severity.PAGE,
        summary="No Redis is master: each gateway pod keeps the limits by itself.",
        description="For a minute, no Redis that answers has reported that it is master.",
        why=(
            "A failover takes some ten seconds; a minute without a master is a failover that"
            " failed. Missing data counts as no master, because a master cannot be confirmed."
        ),
    ),
    Alert(
        name="RedisMoreThanOneMaster",
        expression=f"count({MASTERS}) > 1",
        lasting="30s",
        severity=Severity.PAGE,
        summary="Several Redis pods are master: writes to all but one will be lost.",
        description="{{ $value }} Redis pods report that they are master.",
        why=(
            "Sentinel turns a master that returns into a replica within some ten seconds."
            " RedisNoMaster covers missing data."
        ),
    ),
    Alert(
        name="SentinelQuorumLost",
        expression=f"(max(redis_sentinel_master_ckquorum_status{{{_SENTINEL}}}) or vector(0)) < 1",
        lasting="1m",
        severity=Severity.PAGE,
        summary="Too few Sentinels are there to replace a Redis master that fails.",
        description="For a minute, no Sentinel has seen enough others for a failover.",
        why=(
            "One Sentinel that sees the quorum is enough: in a partition the minority never does. A"
            " pod that is replaced is back within a minute. Missing data counts as a lost quorum."
        ),
    ),
    Alert(
        name="RedisFailover",
        # The address is a label, so its change creates another series, and changes() cannot see it.
        # The address that most Sentinels name now, and only where they named another one before.
        expression=(
            f"topk by (master_name) (1, count by (master_name, master_address) ({NAMED}))"
            " and on (master_name) count by (master_name) (count by (master_name, master_address)"
            f" (count_over_time({NAMED}[15m]))) > 1"
        ),
        lasting="0s",
        severity=Severity.INFO,
        summary="Another Redis became master.",
        description=(
            "The Sentinels name {{ $labels.master_address }} as master; within the last 15 minutes"
            " they named another one."
        ),
        why=(
            "It explains why a few writes waited, and needs no action. It ends by itself after 15"
            " minutes. SentinelQuorumLost covers missing data."
        ),
    ),
)

SILENCES = {
    "GatewayDown": ("OutsideProbeFailing",),
    "ProvidersAllDown": ("ProviderBreakerOpen",),
}
"""Alerts that are silenced while another one fires, so that people receive the cause, not its
effects."""
