"""The gateway's dashboard: users' answers, providers, and the load of the pods."""

from contract import jobs, metrics
from monitoring.dashboards.model import Board, Panel, Query, Row, Unit
from monitoring.selectors import of_job, of_objective
from monitoring.slo import AVAILABILITY

__all__ = ["GATEWAY"]

_OURS = of_job(metrics.GATEWAY_JOB)
_SLO = of_objective(AVAILABILITY.name)
_RATE = "[$__rate_interval]"
_BUCKETS = f"rate({metrics.REQUEST_SECONDS}_bucket{{{_OURS}}}{_RATE})"


def _quantile(share: float) -> Query:
    inner = f"sum by (le) ({_BUCKETS})"
    return Query(f"histogram_quantile({share}, {inner})", f"p{share * 100:g}")


_USERS = Row(
    "Users",
    (
        Panel(
            title="Error budget left",
            why="Share of the error budget that is left. The budget is the"
            f" {AVAILABILITY.budget:.1%} of requests that may fail in 30 days.",
            unit=Unit.SHARE,
            queries=(Query(f"slo:error_budget_remaining:ratio{{{_SLO}}}", "left"),),
            number=True,
        ),
        Panel(
            title="Blackbox probe",
            why="Share of the probe's completions, requested as users do, that were answered.",
            unit=Unit.SHARE,
            queries=(
                Query(
                    f"avg_over_time(probe_success{{{of_job(jobs.BLACKBOX)}}}[5m])", "{{instance}}"
                ),
            ),
            number=True,
        ),
        Panel(
            title="Requests",
            why="Rate of requests by the status code that the client received.",
            unit=Unit.PER_SECOND,
            queries=(
                Query(
                    f"sum by (status) (rate({metrics.REQUESTS}{{{_OURS}}}{_RATE}))", "{{status}}"
                ),
            ),
        ),
        Panel(
            title="Failures",
            why="Share of requests with a 5xx or an answer that broke off, in the windows that the"
            " paging alert uses.",
            unit=Unit.SHARE,
            queries=tuple(
                Query(f"slo:sli_error:ratio_rate{window}{{{_SLO}}}", window)
                for window in ("5m", "1h", "6h")
            ),
        ),
        Panel(
            title="Duration",
            why="From the first byte of a request to the last byte of its answer. Streams take"
            " long.",
            unit=Unit.SECONDS,
            queries=(_quantile(0.5), _quantile(0.95), _quantile(0.99)),
        ),
        Panel(
            title="Answers that broke off",
            why="Answers that began with a 200 and ended with an error, because a provider failed"
            " in between.",
            unit=Unit.PER_SECOND,
            queries=(
                Query(
                    f"sum by (route) (rate({metrics.ANSWERS_BROKEN}{{{_OURS}}}{_RATE}))",
                    "{{route}}",
                ),
            ),
        ),
    ),
)
_PROVIDERS = Row(
    "Providers",
    (
        Panel(
            title="Attempts",
            why="Outcomes of the calls to each provider. A call with another outcome than ok went"
            " to another target, or failed.",
            unit=Unit.PER_SECOND,
            queries=(
                Query(
                    f"sum by (provider, outcome) (rate({metrics.ATTEMPTS}{{{_OURS}}}{_RATE}))",
                    "{{provider}} {{outcome}}",
                ),
            ),
        ),
        Panel(
            title="Time until an answer begins",
            why="95 of 100 attempts were faster. A provider that slows down shows here first.",
            unit=Unit.SECONDS,
            queries=(
                Query(
                    "histogram_quantile(0.95, sum by (provider, le)"
                    f" (rate({metrics.ATTEMPT_SECONDS}_bucket{{{_OURS}}}{_RATE})))",
                    "{{provider}}",
                ),
            ),
        ),
        Panel(
            title="Circuit breakers",
            why="The worst pod of each target: 0 is closed, 1 half-open, 2 open.",
            unit=Unit.NUMBER,
            queries=(
                Query(
                    f"max by (provider, model) ({metrics.BREAKER_STATE}{{{_OURS}}})",
                    "{{provider}} {{model}}",
                ),
            ),
        ),
        Panel(
            title="Breaker openings",
            why="Openings in 5 minutes. A breaker that opens again and again shows a provider that"
            " fails partly.",
            unit=Unit.NUMBER,
            queries=(
                Query(
                    "sum by (provider, model)"
                    f" (increase({metrics.BREAKER_OPENINGS}{{{_OURS}}}[5m]))",
                    "{{provider}} {{model}}",
                ),
            ),
        ),
        Panel(
            title="Tokens",
            why="Tokens per second by kind, as the providers count and bill them.",
            unit=Unit.NUMBER,
            queries=(
                Query(
                    f"sum by (provider, kind) (rate({metrics.TOKENS}{{{_OURS}}}{_RATE}))",
                    "{{provider}} {{kind}}",
                ),
            ),
        ),
        Panel(
            title="Degraded answers",
            why="Answers of a fallback model, or repeated from an earlier answer, because no target"
            " answered.",
            unit=Unit.PER_SECOND,
            queries=(
                Query(f"sum by (kind) (rate({metrics.DEGRADED}{{{_OURS}}}{_RATE}))", "{{kind}}"),
            ),
        ),
        Panel(
            title="Requests adapted",
            why="Requests of which a field was changed or left out for the provider. The header"
            " x-seawall-adapted of the answer names it.",
            unit=Unit.PER_SECOND,
            queries=(
                Query(
                    f"sum by (provider) (rate({metrics.ADAPTED}{{{_OURS}}}{_RATE}))",
                    "{{provider}}",
                ),
            ),
        ),
        Panel(
            title="Keys refused",
            why="API keys that a provider does not accept, because they expired or were withdrawn.",
            unit=Unit.NUMBER,
            queries=(
                Query(f"max by (provider) ({metrics.KEYS_REFUSED}{{{_OURS}}})", "{{provider}}"),
            ),
        ),
    ),
)
_PODS = Row(
    "Pods and limits",
    (
        Panel(
            title="In flight",
            why="Requests in progress or queued, by pod. The autoscaler uses this metric.",
            unit=Unit.NUMBER,
            queries=(Query(f"sum by (pod) ({metrics.IN_FLIGHT}{{{_OURS}}})", "{{pod}}"),),
        ),
        Panel(
            title="Queued",
            why="Requests that wait in the queue. More than a few for a long time mean too few"
            " pods.",
            unit=Unit.NUMBER,
            queries=(Query(f"sum by (pod) ({metrics.QUEUED}{{{_OURS}}})", "{{pod}}"),),
        ),
        Panel(
            title="Refused by limits",
            why="429 answers of the gateway itself, for clients that exceed their limits.",
            unit=Unit.PER_SECOND,
            queries=(Query(f"sum(rate({metrics.RATE_LIMITED}{{{_OURS}}}{_RATE}))", "refused"),),
        ),
        Panel(
            title="Limits",
            why="Pods that keep the limits by themselves because Redis does not answer, failed"
            " calls to Redis, and the share of their rates that keys get where"
            " `admission.adaptive` is on.",
            unit=Unit.NUMBER,
            queries=(
                Query(f"sum({metrics.LIMITER_LOCAL}{{{_OURS}}})", "pods without Redis"),
                Query(f"min({metrics.LIMIT_SHARE}{{{_OURS}}})", "lowest share of the rates"),
                Query(f"min({metrics.REPLICAS}{{{_OURS}}})", "fewest pods that one pod sees"),
                Query(
                    f"sum by (kind) (rate({metrics.STATE_ERRORS}{{{_OURS}}}{_RATE}))",
                    "errors/s {{kind}}",
                ),
            ),
        ),
        Panel(
            title="Budgets",
            why="API keys that reached 80 or 100 % of a budget in the last hour; the log names"
            " them. Costs that wait for Redis, lost costs, and answers without a known price.",
            unit=Unit.NUMBER,
            queries=(
                Query(
                    "sum by (window, percent) (increase("
                    f"{metrics.BUDGET_CROSSINGS}{{{_OURS}}}[1h]))",
                    "{{percent}} % of a {{window}}'s budget",
                ),
                Query(f"sum({metrics.UNBOOKED}{{{_OURS}}})", "costs that wait"),
                Query(f"sum(increase({metrics.UNBOOKED_LOST}{{{_OURS}}}[1h]))", "costs lost"),
                Query(f"sum(increase({metrics.UNPRICED}{{{_OURS}}}[1h]))", "answers without price"),
            ),
        ),
        Panel(
            title="Settings refused",
            why="Pods that do not use their current settings file, because it is wrong or needs a"
            " restart.",
            unit=Unit.NUMBER,
            queries=(Query(f"sum({metrics.SETTINGS_REFUSED}{{{_OURS}}})", "pods"),),
        ),
    ),
)

GATEWAY = Board(name="seawall-gateway", title="Seawall / Gateway", rows=(_USERS, _PROVIDERS, _PODS))
