"""Metrics, alerts, dashboards, the blackbox probe, and the metrics that scale the gateway."""
