"""Prometheus jobs. Alerts and dashboards select series by these names."""

__all__ = ["BLACKBOX", "REDIS", "SENTINEL"]

REDIS = "seawall-redis"
"""Every Redis, through redis_exporter; `instance` is the pod."""
SENTINEL = "seawall-sentinel"
"""Every Sentinel, through the same exporter."""
BLACKBOX = "seawall-outside"
"""The blackbox probe: blackbox_exporter requests a completion as a user does."""
