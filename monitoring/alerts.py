"""Every alert of the kit. To add one: an entry here, a runbook and a rule test of that name."""

from contract import jobs, metrics
from monitoring.model import Alert, Severity
from monitoring.selectors import of_job
from monitoring.slo import AVAILABILITY, FAST, SLOW

__all__ = ["ALERTS", "MASTERS", "NAMED", "SILENCES"]

_OURS = of_job(metrics.GATEWAY_JOB)
_OUTSIDE = of_job(jobs.OUTSIDE)
_REDIS = of_job(jobs.REDIS)
_SENTINEL = of_job(jobs.SENTINEL)
_ROLES = f"redis_instance_info{{{_REDIS}"
MASTERS = (
    f'(timestamp({_ROLES},role="master"}}) >= on (instance) group_left ()'
    f" max by (instance) (timestamp({_ROLES}}})))"
)
"""By what each said last. The role is a label: after a restart of Prometheus, which marks no series
as ended, the role of before stays for five minutes beside the one of now."""
NAMED = f"redis_sentinel_master_status{{{_SENTINEL}}}"
"""One series for each sentinel and each master that it names."""

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
        objective=AVAILABILITY.name,
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
        objective=AVAILABILITY.name,
    ),
    Alert(
        name="ProviderBreakerOpen",
        # Half-open counts: a breaker goes there and back while its probes fail.
        expression=(
            f"max by (provider, model) ({metrics.BREAKER_STATE}{{{_OURS}}}) > 0 and on (provider)"
            f' sum by (provider) (increase({metrics.ATTEMPTS}{{{_OURS},outcome!="ok"}}[5m])) > 0'
        ),
        lasting="2m",
        severity=Severity.TICKET,
        summary="A provider fails, and its requests go elsewhere.",
        description=(
            "A circuit breaker of {{ $labels.provider }} for {{ $labels.model }} has not been"
            " closed for two minutes in at least one pod."
        ),
        why=(
            "A breaker probes after 5 to 20 s, so two minutes are several failed probes. Users have"
            " another provider: nobody is woken. A breaker that nobody needs stays half-open until"
            " somebody does, so there must have been failures. Missing data is GatewayDown's."
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
            "Neither a key nor an account nor a retired model recovers by itself, while breakers"
            " and spare keys hide it from users. A rotation takes less than two minutes. Missing"
            " data is GatewayDown's."
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
    Alert(
        name="OutsideProbeFailing",
        expression=(
            f"avg_over_time(probe_success{{{_OUTSIDE}}}[2m]) < 0.75"
            f" and probe_success{{{_OUTSIDE}}} offset 90s >= 0"
        ),
        lasting="1m",
        severity=Severity.PAGE,
        summary="A completion asked as users ask it fails.",
        description=(
            "{{ $value | humanizePercentage }} of the questions of the last two minutes were"
            " answered, and answered whole."
        ),
        why=(
            "One lost question of four is a stumble; more is an outage that the gateway's own"
            " figures may not show. The first 90 s of a deployment are its start. Missing data"
            " stays quiet: who asks is down then, or not wished, and GatewayDown speaks when the"
            " gateway is."
        ),
    ),
    Alert(
        name="RedisNoMaster",
        expression=f"(count({MASTERS}) or vector(0)) < 1",
        lasting="1m",
        severity=Severity.PAGE,
        summary="No Redis is master: limits are kept by each gateway pod alone.",
        description="For a minute no Redis that answers has said that it is master.",
        why=(
            "A failover takes some ten seconds; a minute without a master is one that failed."
            " Missing data counts as no master: who cannot look cannot promise one."
        ),
    ),
    Alert(
        name="RedisMoreThanOneMaster",
        expression=f"count({MASTERS}) > 1",
        lasting="30s",
        severity=Severity.PAGE,
        summary="Several Redis pods are master: writes to all but one will be lost.",
        description="{{ $value }} Redis pods say that they are master.",
        why=(
            "Sentinel turns a master that returns into a replica within some ten seconds. Missing"
            " data is RedisNoMaster's."
        ),
    ),
    Alert(
        name="SentinelQuorumLost",
        expression=f"(max(redis_sentinel_master_ckquorum_status{{{_SENTINEL}}}) or vector(0)) < 1",
        lasting="1m",
        severity=Severity.PAGE,
        summary="Too few sentinels to replace a Redis master that dies.",
        description="For a minute no sentinel has seen enough others for a failover.",
        why=(
            "One sentinel that sees the quorum is enough: in a partition the minority never does. A"
            " pod that is replaced is back within a minute. Missing data counts as lost."
        ),
    ),
    Alert(
        name="RedisFailover",
        # The address is a label, so that a change of it makes another series: changes() is blind.
        # Of what sentinels name now, that of most; and only where there was another one.
        expression=(
            f"topk by (master_name) (1, count by (master_name, master_address) ({NAMED}))"
            " and on (master_name) count by (master_name) (count by (master_name, master_address)"
            f" (count_over_time({NAMED}[15m]))) > 1"
        ),
        lasting="0s",
        severity=Severity.INFO,
        summary="Another Redis became master.",
        description="Sentinels name {{ $labels.master_address }}, and another one 15 minutes ago.",
        why=(
            "It happened, and tells why a few writes waited; nobody has to do anything. It ends by"
            " itself after 15 minutes. Missing data is SentinelQuorumLost's."
        ),
    ),
)

SILENCES = {
    "GatewayDown": ("OutsideProbeFailing",),
    "ProvidersAllDown": ("ProviderBreakerOpen",),
}
"""Alerts that say nothing new while another one fires: people are told the cause, not its echo."""
