"""Dashboards: their contents as values, and their rendering for Grafana."""

from monitoring.dashboards.gateway import GATEWAY
from monitoring.dashboards.model import Board, Mark, Panel, Query, Row
from monitoring.dashboards.redis import REDIS

__all__ = ["BOARDS", "Board", "Mark", "Panel", "Query", "Row"]

BOARDS = (GATEWAY, REDIS)
"""Every dashboard."""
