"""Prometheus metrics, named by the contract, with children bound before the first request.

No label carries a user, a key or a prompt; every label's values come from code or settings.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from contract import metrics as names

__all__ = ["Metrics"]

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
"""From a refusal to the default total deadline."""


class Metrics:
    """One process's metrics, in a registry of their own."""

    def __init__(self, *, routes: Iterable[str], providers: Iterable[str]) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._requests = Counter(
            names.REQUESTS, "Requests answered.", ["route", "status"], registry=self.registry
        )
        self._broken = Counter(
            names.ANSWERS_BROKEN,
            "Answers that broke off after they had begun.",
            ["route"],
            registry=self.registry,
        )
        seconds = Histogram(
            names.REQUEST_SECONDS,
            "Seconds from the first byte to the last.",
            ["route"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self._attempts = Counter(
            names.ATTEMPTS,
            "Attempts at a provider, by how they ended.",
            ["provider", "outcome"],
            registry=self.registry,
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
        self._state_errors = Counter(
            names.STATE_ERRORS,
            "Calls to the state store that failed.",
            ["kind"],
            registry=self.registry,
        )
        self.in_flight = Gauge(names.IN_FLIGHT, "Requests in flight.", registry=self.registry)
        self.queued = Gauge(names.QUEUED, "Requests that wait for a place.", registry=self.registry)
        self.rate_limited = Counter(
            names.RATE_LIMITED, "Requests refused with 429.", registry=self.registry
        )
        self.limiter_local = Gauge(
            names.LIMITER_LOCAL,
            "1 while limits are kept in the process.",
            registry=self.registry,
        )
        self._seconds = {route: seconds.labels(route) for route in routes}
        self._by_status = {
            (route, 200): self._requests.labels(route, "200") for route in self._seconds
        }
        for route in self._seconds:
            self._broken.labels(route)
        self._by_outcome = {(name, "ok"): self._attempts.labels(name, "ok") for name in providers}
        for kind in ("timeout", "connection", "other"):
            self._state_errors.labels(kind)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        child = self._by_status.get((route, status))
        if child is None:
            child = self._by_status[route, status] = self._requests.labels(route, str(status))
        child.inc()
        self._seconds[route].observe(seconds)

    def broken(self, route: str) -> None:
        """Count one answer that broke off after it had begun."""
        self._broken.labels(route).inc()

    def attempt(self, provider: str, outcome: str) -> None:
        """Count one attempt at a provider."""
        child = self._by_outcome.get((provider, outcome))
        if child is None:
            child = self._attempts.labels(provider, outcome)
            self._by_outcome[provider, outcome] = child
        child.inc()

    def breaker(self, provider: str, model: str) -> Gauge:
        """The gauge of one breaker."""
        return self._breakers.labels(provider, model)

    def openings(self, provider: str, model: str) -> Counter:
        """The counter of one breaker's openings."""
        return self._openings.labels(provider, model)

    def state_error(self, kind: str) -> None:
        """Count one failed call to the state store."""
        self._state_errors.labels(kind).inc()

    def render(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self.registry)
