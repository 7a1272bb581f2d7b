"""TCP ports, the same in every environment."""

__all__ = [
    "ALERTMANAGER",
    "ENTRANCE_HEALTH",
    "ENTRANCE_HTTP",
    "ENTRANCE_HTTPS",
    "ENTRANCE_NAMES",
    "ENTRANCE_NAMES_HEALTH",
    "GATEWAY_HEALTH",
    "GATEWAY_HTTP",
    "METRICS_ADAPTER",
    "PROBE",
    "PROMETHEUS",
    "REDIS",
    "REDIS_EXPORTER",
    "REDIS_HEALTH",
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
REDIS_HEALTH = 6380
"""Whether the pod of a Redis and its sentinel is ready, by HTTP."""
PROMETHEUS = 9090
ALERTMANAGER = 9093
PROBE = 9115
"""Where Prometheus asks blackbox_exporter to try the gateway."""
REDIS_EXPORTER = 9121
METRICS_ADAPTER = 6443
"""Where the API server asks prometheus-adapter."""
SIMULATOR_HTTP = 8090
"""The provider simulator's OpenAI-compatible API."""
SIMULATOR_ADMIN = 8091
"""The port on which the provider simulator is told to fail."""
ENTRANCE_HTTP = 8000
"""The bundled entrance: nginx in front of the gateway's pods."""
ENTRANCE_HTTPS = 8443
"""The same with TLS, in place of the other."""
ENTRANCE_HEALTH = 8001
"""Its probes, where no client's limit counts them."""
ENTRANCE_NAMES = 8053
"""DNS by UDP for nginx alone, on the pod's loopback address."""
ENTRANCE_NAMES_HEALTH = 8054
"""Probes of what serves it."""
