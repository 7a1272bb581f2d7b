"""Monitoring as Python values: objectives, alerts and dashboards, rendered for Prometheus."""
