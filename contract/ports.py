"""TCP ports, the same in every environment."""

__all__ = [
    "ALERTMANAGER",
    "EDGE_HEALTH",
    "EDGE_HTTP",
    "EDGE_HTTPS",
    "EDGE_NAMES",
    "EDGE_NAMES_HEALTH",
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
"""Probes and metrics, in a separate thread, so that a busy event loop cannot fail a probe."""
REDIS = 6379
SENTINEL = 26379
REDIS_HEALTH = 6380
"""HTTP: whether the pod of a Redis and its Sentinel is ready."""
PROMETHEUS = 9090
ALERTMANAGER = 9093
PROBE = 9115
"""Prometheus requests a probe from blackbox_exporter here."""
REDIS_EXPORTER = 9121
METRICS_ADAPTER = 6443
"""The API server queries prometheus-adapter here."""
SIMULATOR_HTTP = 8090
"""The provider simulator's OpenAI-compatible API."""
SIMULATOR_ADMIN = 8091
"""The admin API of the provider simulator, which makes it fail."""
EDGE_HTTP = 8000
"""The bundled edge proxy: nginx in front of the gateway's pods."""
EDGE_HTTPS = 8443
"""The bundled edge proxy with TLS; it replaces EDGE_HTTP."""
EDGE_HEALTH = 8001
"""Probes of nginx; clients' limits do not count them."""
EDGE_NAMES = 8053
"""DNS by UDP for nginx only, on the pod's loopback address."""
EDGE_NAMES_HEALTH = 8054
"""Probes of the DNS server for nginx."""
