"""Prometheus metrics; `contract.metrics` has their names.

Series are exported before the first request. No label has a user, a key or a prompt; the values of
all labels come from code or settings.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from contract import metrics as names
from contract.budgets import PERCENTS, WINDOWS
from service.telemetry.fast_metrics import FastCounter, FastHistogram

__all__ = ["DEGRADATIONS", "Metrics"]

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
"""From a refusal to the default total deadline."""
_ALWAYS_THERE = ("200", "500", "502", "503", "504", "529")
"""Statuses whose series exist from the start: success and each failure of the gateway. Anthropic's
clients get 529 where others get 503."""
DEGRADATIONS = ("fallback", "stale")
"""The steps of the fallback order after the model's own targets."""


class Metrics:
    """The metrics of one process, in a separate registry."""

    def __init__(self, *, routes: Iterable[str], providers: Iterable[str]) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._requests = FastCounter(
            names.REQUESTS, "Requests answered.", ["route", "status"], self.registry
        )
        self._broken = Counter(
            names.ANSWERS_BROKEN,
            "Answers that broke off after they had begun.",
            ["route"],
            registry=self.registry,
        )
        self._seconds = FastHistogram(
            names.REQUEST_SECONDS,
            "Seconds from the first byte of a request to the last byte of its answer.",
            "route",
            BUCKETS_S,
            self.registry,
        )
        self._attempts = FastCounter(
            names.ATTEMPTS,
            "Attempts at a provider, by how they ended.",
            ["provider", "outcome"],
            self.registry,
        )
        self._attempt_seconds = FastHistogram(
            names.ATTEMPT_SECONDS,
            "Seconds until a provider's answer could begin.",
            "provider",
            BUCKETS_S,
            self.registry,
        )
        self._breakers = Gauge(
            names.BREAKER_STATE,
            "Circuit breaker: 0 closed, 1 half_open, 2 open.",
            ["provider", "model"],
            registry=self.registry,
        )
        self._openings = Counter(
            names.BREAKER_OPENINGS,
            "Times that a circuit breaker opened.",
            ["provider", "model"],
            registry=self.registry,
        )
        self._keys_refused = Gauge(
            names.KEYS_REFUSED,
            "API keys that the provider does not accept now.",
            ["provider"],
            registry=self.registry,
        )
        degraded = Counter(
            names.DEGRADED,
            "Answers that the model's own targets did not give.",
            ["kind", "rung"],  # rung: the earlier name of kind, for one release
            registry=self.registry,
        )
        self._tokens = FastCounter(
            names.TOKENS,
            "Tokens as the providers count them.",
            ["provider", "kind"],
            self.registry,
        )
        self._adapted = Counter(
            names.ADAPTED,
            "Requests of which something was changed for the provider that answered.",
            ["provider"],
            registry=self.registry,
        )
        self._degraded = {kind: degraded.labels(kind, kind) for kind in DEGRADATIONS}
        self._state_errors = Counter(
            names.STATE_ERRORS,
            "Calls to the state store that failed.",
            ["kind"],
            registry=self.registry,
        )
        self.working = 0
        """Requests in flight; the event loop counts them, and any thread may read them."""
        in_flight = Gauge(names.IN_FLIGHT, "Requests in flight.", registry=self.registry)
        in_flight.set_function(lambda: self.working)
        self.queued = Gauge(names.QUEUED, "Requests that wait for a place.", registry=self.registry)
        self.rate_limited = Counter(
            names.RATE_LIMITED, "Requests refused with 429.", registry=self.registry
        )
        self.limiter_local = Gauge(
            names.LIMITER_LOCAL,
            "1 while limits are kept in the process.",
            registry=self.registry,
        )
        crossings = Counter(
            names.BUDGET_CROSSINGS,
            "Budgets that reached a share of their limit.",
            ["window", "percent"],
            registry=self.registry,
        )
        self._crossings = {
            (window, percent): crossings.labels(window, str(percent))
            for window in WINDOWS
            for percent in PERCENTS
        }
        self.replicas = Gauge(
            names.REPLICAS, "Replicas that are known to be alive.", registry=self.registry
        )
        self.limit_share = Gauge(
            names.LIMIT_SHARE, "The share of their rates that keys get.", registry=self.registry
        )
        self.limit_share.set(1)
        self.unbooked = Gauge(
            names.UNBOOKED, "Settlements that wait for Redis.", registry=self.registry
        )
        self.unbooked_lost = Counter(
            names.UNBOOKED_LOST, "Settlements that were never booked.", registry=self.registry
        )
        self.unpriced = Counter(
            names.UNPRICED, "Answers that no budget counted.", registry=self.registry
        )
        self.settings_refused = Gauge(
            names.SETTINGS_REFUSED,
            "1 while the changed settings file is refused.",
            registry=self.registry,
        )
        for route in routes:
            self._seconds.name(route)
            # Prometheus sees no increase in a series that begins at 7: the first failures of a pod
            # would not count for the objectives.
            for status in _ALWAYS_THERE:
                self._requests.name(route, status)
            self._broken.labels(route)
        self.bind(providers)
        for kind in ("timeout", "connection", "other"):
            self._state_errors.labels(kind)

    def bind(self, providers: Iterable[str]) -> None:
        """Create the series of providers; existing series stay."""
        for name in providers:
            self._attempts.name(name, "ok")
            self._attempt_seconds.name(name)
            self._adapted.labels(name)
            for kind in ("prompt", "completion", "cached"):
                self._tokens.name(name, kind)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.inc(route, str(status))
        self._seconds.observe(route, seconds)

    def broken(self, route: str) -> None:
        """Count an answer that broke off after it had begun."""
        self._broken.labels(route).inc()

    def attempt(self, provider: str, outcome: str) -> None:
        """Count one attempt at a provider."""
        self._attempts.inc(provider, outcome)

    def adapted(self, provider: str) -> None:
        """Count one request that was changed for a provider."""
        self._adapted.labels(provider).inc()

    def answered(self, provider: str, seconds: float) -> None:
        """Record how long a provider took until its answer could begin."""
        self._attempt_seconds.observe(provider, seconds)

    def breaker(self, provider: str, model: str) -> Gauge:
        """The gauge of one breaker."""
        return self._breakers.labels(provider, model)

    def openings(self, provider: str, model: str) -> Counter:
        """The counter of one breaker's openings."""
        return self._openings.labels(provider, model)

    def keys_refused(self, provider: str) -> Gauge:
        """The gauge of one provider's refused keys."""
        return self._keys_refused.labels(provider)

    def forget_target(self, provider: str, model: str) -> None:
        """Remove the breaker gauge of a target that was removed; its counters stay."""
        self._breakers.remove(provider, model)

    def forget_keys(self, provider: str) -> None:
        """Remove the refused keys of a provider that was removed."""
        self._keys_refused.remove(provider)

    def degraded(self, kind: str) -> None:
        """Count one answer of a fallback model, or one stale answer."""
        self._degraded[kind].inc()

    def tokens(self, provider: str, *, prompt: int, completion: int, cached: int) -> None:
        """Count the tokens of one answer; `prompt` includes those of the prompt cache."""
        if prompt > 0:
            self._tokens.inc(provider, "prompt", by=prompt)
        if completion > 0:
            self._tokens.inc(provider, "completion", by=completion)
        if cached > 0:
            self._tokens.inc(provider, "cached", by=cached)

    def crossed(self, window: str, percent: int) -> None:
        """Count a budget that reached `percent` of its limit."""
        self._crossings[window, percent].inc()

    def state_error(self, kind: str) -> None:
        """Count one failed call to the state store."""
        self._state_errors.labels(kind).inc()

    def render(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self.registry)
