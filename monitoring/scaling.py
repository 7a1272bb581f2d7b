"""The autoscaler's metrics in addition to CPU: each signal's query, as prometheus-adapter rules.

A query must be empty when nothing is known, and 0 when nothing happens. An absent metric prevents
the autoscaler from removing pods; a 0 allows it.
https://github.com/kubernetes-sigs/prometheus-adapter/blob/master/docs/config.md
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

from contract import metrics

__all__ = [
    "BREAKER_OPENINGS_PER_MINUTE",
    "REQUESTS_PER_SECOND",
    "SIGNALS",
    "AdapterRules",
    "Signal",
    "adapter_rules",
]

REQUESTS_PER_SECOND = "seawall_requests_per_second"
BREAKER_OPENINGS_PER_MINUTE = "seawall_breaker_openings_per_minute"
"""Names in the metrics API only; no series has them."""

_MINUTE_S = 60
"""Over a shorter window, one opening would count as several per minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One metric of the autoscaler.

    Attributes:
        key: its name in the configuration, in seawall:gateway.replicas.per_pod.
        metric: its name in the metrics API.
        series: the Prometheus series that it is calculated from.
        query: PromQL in the adapter's template; WINDOW is the configured window, MINUTE is at least
            a minute.
        of_pods: whether each pod has a value (custom.metrics.k8s.io); else all pods have one value
            together (external.metrics.k8s.io).
    """

    key: str
    metric: str
    series: str
    query: str
    of_pods: bool


SIGNALS = (
    Signal(
        key="requests_in_flight",
        metric=metrics.IN_FLIGHT,
        series=metrics.IN_FLIGHT,
        # A mean, because a single sample may fall between two bursts.
        query="sum by (<<.GroupBy>>) (avg_over_time(<<.Series>>{<<.LabelMatchers>>}[WINDOW]))",
        of_pods=True,
    ),
    Signal(
        key="requests_per_second",
        metric=REQUESTS_PER_SECOND,
        series=metrics.REQUESTS,
        query="sum by (<<.GroupBy>>) (rate(<<.Series>>{<<.LabelMatchers>>}[WINDOW]))",
        of_pods=True,
    ),
    Signal(
        key="queued_requests",
        metric=metrics.QUEUED,
        series=metrics.QUEUED,
        query="sum(avg_over_time(<<.Series>>{<<.LabelMatchers>>}[WINDOW]))",
        of_pods=False,
    ),
    Signal(
        key="breaker_openings_per_minute",
        metric=BREAKER_OPENINGS_PER_MINUTE,
        series=metrics.BREAKER_OPENINGS,
        # For each target the pod with the most openings: a sum over pods would grow with every new
        # pod, and ask for one more.
        query="60 * sum(max by (provider, model) (rate(<<.Series>>{<<.LabelMatchers>>}[MINUTE])))",
        of_pods=False,
    ),
)
"""Every signal that the configuration can name."""


class _Resource(TypedDict):
    resource: str


class _Resources(TypedDict):
    overrides: dict[str, _Resource]


# Written as a call because `as` cannot be a field of a class.
_Name = TypedDict("_Name", {"matches": str, "as": str})


class _Rule(TypedDict):
    seriesQuery: str
    resources: _Resources
    name: _Name
    metricsQuery: str


class AdapterRules(TypedDict):
    """A configuration file of prometheus-adapter."""

    rules: list[_Rule]
    externalRules: list[_Rule]


def adapter_rules(signals: Iterable[Signal], *, window_s: int) -> AdapterRules:
    """The adapter's configuration for `signals`; `window_s` seconds must hold two scrapes."""
    of_pods = [signal for signal in signals if signal.of_pods]
    others = [signal for signal in signals if not signal.of_pods]
    return {
        "rules": [_rule(signal, ("namespace", "pod"), window_s) for signal in of_pods],
        "externalRules": [_rule(signal, ("namespace",), window_s) for signal in others],
    }


def _rule(signal: Signal, known: tuple[str, ...], window_s: int) -> _Rule:
    matchers = ",".join(f'{label}!=""' for label in known)
    return {
        "seriesQuery": f"{signal.series}{{{matchers}}}",
        "resources": {"overrides": {label: {"resource": label} for label in known}},
        "name": {"matches": "", "as": signal.metric},
        "metricsQuery": signal.query.replace("WINDOW", f"{window_s}s").replace(
            "MINUTE", f"{max(window_s, _MINUTE_S)}s"
        ),
    }
