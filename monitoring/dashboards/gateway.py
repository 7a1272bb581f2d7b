"""The gateway: what users get, what providers do, and how full the pods are."""

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
    "What users get",
    (
        Panel(
            title="Budget left",
            why=f"1 is all of the {AVAILABILITY.budget:.1%} that may fail in 30 days.",
            unit=Unit.SHARE,
            queries=(Query(f"slo:error_budget_remaining:ratio{{{_SLO}}}", "left"),),
            number=True,
        ),
        Panel(
            title="Asked from outside",
            why="The share of completions, asked as users ask them, that were answered.",
            unit=Unit.SHARE,
            queries=(
                Query(
                    f"avg_over_time(probe_success{{{of_job(jobs.OUTSIDE)}}}[5m])", "{{instance}}"
                ),
            ),
            number=True,
        ),
        Panel(
            title="Requests",
            why="Rate by the status that the client saw.",
            unit=Unit.PER_SECOND,
            queries=(
                Query(
                    f"sum by (status) (rate({metrics.REQUESTS}{{{_OURS}}}{_RATE}))", "{{status}}"
                ),
            ),
        ),
        Panel(
            title="Failures",
            why="The share of 5xx and of answers that broke off, in the windows that page.",
            unit=Unit.SHARE,
            queries=tuple(
                Query(f"slo:sli_error:ratio_rate{window}{{{_SLO}}}", window)
                for window in ("5m", "1h", "6h")
            ),
        ),
        Panel(
            title="Duration",
            why="From the first byte of a request to the last of its answer; streams take long.",
            unit=Unit.SECONDS,
            queries=(_quantile(0.5), _quantile(0.95), _quantile(0.99)),
        ),
        Panel(
            title="Answers that broke off",
            why="They began with a 200 and ended with an error: a provider failed in between.",
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
            why="How calls of each provider end; anything but ok went elsewhere, or failed.",
            unit=Unit.PER_SECOND,
            queries=(
                Query(
                    f"sum by (provider, outcome) (rate({metrics.ATTEMPTS}{{{_OURS}}}{_RATE}))",
                    "{{provider}} {{outcome}}",
                ),
            ),
        ),
        Panel(
            title="Until an answer begins",
            why="95 of 100 attempts were faster; a provider that slows down shows here first.",
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
            title="Breakers",
            why="0 closed, 1 half-open, 2 open: the worst pod of each target.",
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
            why="One that opens again and again is a provider that is half well.",
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
            why="As the providers count them, and bill them: the rate by kind.",
            unit=Unit.NUMBER,
            queries=(
                Query(
                    f"sum by (provider, kind) (rate({metrics.TOKENS}{{{_OURS}}}{_RATE}))",
                    "{{provider}} {{kind}}",
                ),
            ),
        ),
        Panel(
            title="Answers of the ladder",
            why="Given by another model, or from an earlier answer: better than none.",
            unit=Unit.PER_SECOND,
            queries=(
                Query(f"sum by (rung) (rate({metrics.DEGRADED}{{{_OURS}}}{_RATE}))", "{{rung}}"),
            ),
        ),
        Panel(
            title="Requests adapted",
            why="Something was changed or left out for the provider; an answer's header says what.",
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
            why="API keys that a provider does not accept: expired, or withdrawn.",
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
            why="Requests that are worked on, by pod; the autoscaler follows it.",
            unit=Unit.NUMBER,
            queries=(Query(f"sum by (pod) ({metrics.IN_FLIGHT}{{{_OURS}}})", "{{pod}}"),),
        ),
        Panel(
            title="Queued",
            why="Requests that wait for a place: more than a few for long is too few pods.",
            unit=Unit.NUMBER,
            queries=(Query(f"sum by (pod) ({metrics.QUEUED}{{{_OURS}}})", "{{pod}}"),),
        ),
        Panel(
            title="Refused by limits",
            why="429 of the gateway itself: clients that ask more than they were promised.",
            unit=Unit.PER_SECOND,
            queries=(Query(f"sum(rate({metrics.RATE_LIMITED}{{{_OURS}}}{_RATE}))", "refused"),),
        ),
        Panel(
            title="Limits",
            why="Pods that keep them by themselves, calls of Redis that failed, and the share of"
            " their rates that keys get where `admission.adaptive` is on.",
            unit=Unit.NUMBER,
            queries=(
                Query(f"sum({metrics.LIMITER_LOCAL}{{{_OURS}}})", "pods"),
                Query(f"min({metrics.LIMIT_SHARE}{{{_OURS}}})", "least share of the rates"),
                Query(f"min({metrics.REPLICAS}{{{_OURS}}})", "least pods that one knows of"),
                Query(
                    f"sum by (kind) (rate({metrics.STATE_ERRORS}{{{_OURS}}}{_RATE}))",
                    "errors/s {{kind}}",
                ),
            ),
        ),
        Panel(
            title="Budgets",
            why="Keys that came to 80 or 100 % of a budget in the last hour; which, is in the log."
            " Costs that wait for Redis, those that are lost, and answers without a known price.",
            unit=Unit.NUMBER,
            queries=(
                Query(
                    "sum by (window, percent) (increase("
                    f"{metrics.BUDGET_CROSSINGS}{{{_OURS}}}[1h]))",
                    "{{percent}} % of a {{window}}'s",
                ),
                Query(f"sum({metrics.UNBOOKED}{{{_OURS}}})", "costs that wait"),
                Query(f"sum(increase({metrics.UNBOOKED_LOST}{{{_OURS}}}[1h]))", "costs lost"),
                Query(f"sum(increase({metrics.UNPRICED}{{{_OURS}}}[1h]))", "answers without price"),
            ),
        ),
        Panel(
            title="Settings refused",
            why="Pods whose settings file is not the one in use: it is wrong, or needs a restart.",
            unit=Unit.NUMBER,
            queries=(Query(f"sum({metrics.SETTINGS_REFUSED}{{{_OURS}}})", "pods"),),
        ),
    ),
)

GATEWAY = Board(name="seawall-gateway", title="Seawall / Gateway", rows=(_USERS, _PROVIDERS, _PODS))
