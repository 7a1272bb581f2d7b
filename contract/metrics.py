"""Names and labels of the metrics that the gateway emits and that alerts and dashboards read.

Form: seawall_<noun>_<unit>[_total]. No label carries a user, a key or a prompt.
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
ATTEMPT_SECONDS = "seawall_provider_attempt_duration_seconds"
"""Histogram: seconds until a provider's answer could begin: its first content, or all of a plain
one. Labels: provider."""
BREAKER_STATE = "seawall_breaker_state"
"""Gauge: 0 closed, 1 half_open, 2 open. Labels: provider, model."""
BREAKER_OPENINGS = "seawall_breaker_openings_total"
"""Labels: provider, model."""
KEYS_REFUSED = "seawall_provider_keys_refused"
"""Gauge: API keys that the provider does not accept now. Labels: provider."""
ADAPTED = "seawall_requests_adapted_total"
"""Requests of which something was changed or left out for the provider that answered; what it was
is in the answer's header. Labels: provider."""
DEGRADED = "seawall_answers_degraded_total"
"""Answers that the model's own targets did not give. Labels: rung (fallback, stale)."""
TOKENS = "seawall_tokens_total"
"""Tokens as the providers count them. Labels: provider, kind (prompt, completion, cached)."""
RATE_LIMITED = "seawall_rate_limited_total"
"""Requests refused with 429 by the gateway itself."""
BUDGET_CROSSINGS = "seawall_budget_crossings_total"
"""Budgets of API keys that came to a share of their limit, each once in its window; which key is in
the log. Labels: window, percent."""
UNBOOKED = "seawall_settlements_waiting"
"""Gauge: costs of requests that are not booked in Redis yet."""
UNBOOKED_LOST = "seawall_settlements_lost_total"
"""Costs of requests that will never be booked: Redis was away for too long."""
UNPRICED = "seawall_answers_without_price_total"
"""Answers to keys with a budget that counted nothing, since the target's price is not known; which
target is in the log."""
REPLICAS = "seawall_replicas"
"""Gauge: the gateway's replicas that this one knows to be alive, itself among them."""
LIMIT_SHARE = "seawall_limit_share"
"""Gauge: the share of their rates that keys get now; below 1 only with admission.adaptive."""
LIMITER_LOCAL = "seawall_limiter_local"
"""Gauge: 1 while limits are kept in the process because Redis does not answer."""
STATE_ERRORS = "seawall_state_errors_total"
"""Labels: kind (timeout, connection, other)."""
SETTINGS_REFUSED = "seawall_settings_refused"
"""Gauge: 1 while the settings file is not the one in use: it is wrong, or needs a restart."""

GATEWAY_JOB = "seawall-gateway"
"""The Prometheus job that scrapes the gateway's pods; alerts and dashboards select by it."""
