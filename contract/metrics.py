"""Names and labels of the metrics that the gateway emits and that alerts and dashboards read.

Form: seawall_<noun>_<unit>[_total]. No label carries a user, a key or a prompt.
"""

__all__ = [
    "ANSWERS_BROKEN",
    "ATTEMPTS",
    "BREAKER_OPENINGS",
    "BREAKER_STATE",
    "GATEWAY_JOB",
    "IN_FLIGHT",
    "LIMITER_LOCAL",
    "QUEUED",
    "RATE_LIMITED",
    "REQUESTS",
    "REQUEST_SECONDS",
    "STATE_ERRORS",
]

REQUESTS = "seawall_requests_total"
"""Labels: route, status (the status code that the client saw)."""
ANSWERS_BROKEN = "seawall_answers_broken_total"
"""Answers that ended with an error after they had begun, with status 200. Labels: route."""
REQUEST_SECONDS = "seawall_request_duration_seconds"
"""Histogram. Labels: route."""
IN_FLIGHT = "seawall_requests_in_flight"
"""Gauge: requests that are worked on, and those that wait for that."""
QUEUED = "seawall_requests_queued"
"""Gauge: requests that wait for a place among those in flight."""
ATTEMPTS = "seawall_provider_attempts_total"
"""Labels: provider, outcome (ok, timeout, reset, http_5xx, http_429, ...)."""
BREAKER_STATE = "seawall_breaker_state"
"""Gauge: 0 closed, 1 half_open, 2 open. Labels: provider, model."""
BREAKER_OPENINGS = "seawall_breaker_openings_total"
"""Labels: provider, model."""
RATE_LIMITED = "seawall_rate_limited_total"
"""Requests refused with 429 by the gateway itself."""
LIMITER_LOCAL = "seawall_limiter_local"
"""Gauge: 1 while limits are kept in the process because Redis does not answer."""
STATE_ERRORS = "seawall_state_errors_total"
"""Labels: kind (timeout, connection, other)."""

GATEWAY_JOB = "seawall-gateway"
"""The Prometheus job that scrapes the gateway's pods; alerts and dashboards select by it."""
