"""Prometheus jobs. Alerts and dashboards select series by these names."""

__all__ = ["OUTSIDE", "REDIS", "SENTINEL"]

REDIS = "seawall-redis"
"""Every Redis, through redis_exporter; `instance` is the pod."""
SENTINEL = "seawall-sentinel"
"""Every Sentinel, through the same exporter."""
OUTSIDE = "seawall-outside"
"""The blackbox probe: blackbox_exporter requests a completion as a user does."""
