"""Prometheus jobs: what is scraped. Alerts and dashboards select by these names."""

__all__ = ["OUTSIDE", "REDIS", "SENTINEL"]

REDIS = "seawall-redis"
"""Every Redis, as redis_exporter sees it; `instance` is the pod."""
SENTINEL = "seawall-sentinel"
"""Every Sentinel, by the same exporter."""
OUTSIDE = "seawall-outside"
"""The gateway, asked as a user asks it, by blackbox_exporter."""
