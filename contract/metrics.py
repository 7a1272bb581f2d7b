"""Names and labels of the gateway's metrics that alerts and dashboards read.

Form: seawall_<noun>_<unit>[_total]. No label contains a user, a key or a prompt.
"""

__all__ = [
    "ADAPTED",
    "ANSWERS_BROKEN",
    "ATTEMPTS",
    "ATTEMPT_SECONDS",
    "BREAKER_OPENINGS",
    "BREAKER_STATE",
    "BUDGET_CROSSINGS",
    "DEGRADED",
    "GATEWAY_JOB",
    "IN_FLIGHT",
    "KEYS_REFUSED",
    "LIMITER_LOCAL",
    "LIMIT_SHARE",
    "QUEUED",
    "RATE_LIMITED",
    "REPLICAS",
    "REQUESTS",
    "REQUEST_SECONDS",
    "SETTINGS_REFUSED",
    "STATE_ERRORS",
    "TOKENS",
    "UNBOOKED",
    "UNBOOKED_LOST",
    "UNPRICED",
]

REQUESTS = "seawall_requests_total"
"""Requests. Labels: route, status (the status code that the client received)."""
ANSWERS_BROKEN = "seawall_answers_broken_total"
"""Answers that began with status 200 and ended with an error. Labels: route."""
REQUEST_SECONDS = "seawall_request_duration_seconds"
"""Histogram: duration of requests in seconds. Labels: route."""
IN_FLIGHT = "seawall_requests_in_flight"
"""Gauge: requests in progress or queued."""
QUEUED = "seawall_requests_queued"
"""Gauge: requests that wait in the queue."""
ATTEMPTS = "seawall_provider_attempts_total"
"""Attempts at providers. Labels: provider, outcome (ok, timeout, reset, http_5xx, http_429,
...)."""
ATTEMPT_SECONDS = "seawall_provider_attempt_duration_seconds"
"""Histogram: seconds until a provider's answer could begin: until the first content of a stream, or
until the end of an answer that is not streamed. Labels: provider."""
BREAKER_STATE = "seawall_breaker_state"
"""Gauge: 0 closed, 1 half_open, 2 open. Labels: provider, model."""
BREAKER_OPENINGS = "seawall_breaker_openings_total"
"""Openings of circuit breakers. Labels: provider, model."""
KEYS_REFUSED = "seawall_provider_keys_refused"
"""Gauge: API keys that the provider does not accept now. Labels: provider."""
ADAPTED = "seawall_requests_adapted_total"
"""Requests of which a field was changed or left out for the provider that answered. The answer's
header names the field. Labels: provider."""
DEGRADED = "seawall_answers_degraded_total"
"""Answers that are not from the model's own targets. Labels: kind (fallback, stale). The label
rung has the same value, for one release."""
TOKENS = "seawall_tokens_total"
"""Tokens as the providers count them. Labels: provider, kind (prompt, completion, cached)."""
RATE_LIMITED = "seawall_rate_limited_total"
"""Requests that the gateway itself refused with 429."""
BUDGET_CROSSINGS = "seawall_budget_crossings_total"
"""Budgets of API keys that reached a share of their limit, counted once per window. The log names
the key. Labels: window, percent."""
UNBOOKED = "seawall_settlements_waiting"
"""Gauge: costs of requests that are not recorded in Redis yet."""
UNBOOKED_LOST = "seawall_settlements_lost_total"
"""Costs of requests that will never be recorded, because Redis was unavailable for too long."""
UNPRICED = "seawall_answers_without_price_total"
"""Answers to keys with a budget that counted nothing, because the target's price is not known. The
log names the target."""
REPLICAS = "seawall_replicas"
"""Gauge: the live gateway replicas that this replica knows, including itself."""
LIMIT_SHARE = "seawall_limit_share"
"""Gauge: the share of their rates that keys get now; below 1 only with admission.adaptive."""
LIMITER_LOCAL = "seawall_limiter_local"
"""Gauge: 1 while the process keeps the limits by itself because Redis does not answer."""
STATE_ERRORS = "seawall_state_errors_total"
"""Failed calls to Redis. Labels: kind (timeout, connection, other)."""
SETTINGS_REFUSED = "seawall_settings_refused"
"""Gauge: 1 while the current settings file is not in use, because it is wrong or needs a
restart."""

GATEWAY_JOB = "seawall-gateway"
"""The Prometheus job of the gateway's pods; alerts and dashboards select series by it."""
