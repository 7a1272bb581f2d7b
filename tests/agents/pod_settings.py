"""Settings of a Redis pod with defaults, for tests that change only a few of them."""

from dataclasses import replace
from pathlib import Path

from agents.redis.settings import Settings


def pod_settings(secrets: Path, **different: object) -> Settings:
    """The settings of the first of three pods, with its secrets in this folder."""
    usual = Settings(
        pod="redis-0",
        hosts=("redis-0.test", "redis-1.test", "redis-2.test"),
        master_name="seawall",
        quorum=2,
        down_after_ms=5000,
        failover_timeout_ms=15000,
        max_lag_s=3,
        maxmemory=64 * 2**20,
        secrets=secrets,
    )
    return replace(usual, **different)
