"""TCP ports, the same in every environment."""

__all__ = [
    "GATEWAY_HEALTH",
    "GATEWAY_HTTP",
    "METRICS_ADAPTER",
    "PROMETHEUS",
    "REDIS",
    "SENTINEL",
    "SIMULATOR_ADMIN",
    "SIMULATOR_HTTP",
]

GATEWAY_HTTP = 8080
"""The OpenAI-compatible API."""
GATEWAY_HEALTH = 8081
"""Probes and metrics, on a thread of their own, so that a busy event loop cannot fail a probe."""
REDIS = 6379
SENTINEL = 26379
PROMETHEUS = 9090
METRICS_ADAPTER = 6443
"""Where the API server asks prometheus-adapter."""
SIMULATOR_HTTP = 8090
"""The provider simulator's OpenAI-compatible API."""
SIMULATOR_ADMIN = 8091
"""The port on which the provider simulator is told to fail."""
