"""The dashboard of Redis and Sentinel: master, replicas and lag, with failovers marked."""

from contract import jobs
from monitoring.alerts import MASTERS, NAMED
from monitoring.dashboards.model import Board, Mark, Panel, Query, Row, Unit
from monitoring.selectors import of_job

__all__ = ["REDIS"]

_REDIS = of_job(jobs.REDIS)
_SENTINEL = of_job(jobs.SENTINEL)
_RATE = "[$__rate_interval]"
_BEFORE = f"count_over_time({NAMED}[2m] offset 1m)"


def _of_each(metric: str, *, rate: bool = False) -> tuple[Query, ...]:
    series = f"{metric}{{{_REDIS}}}"
    inner = f"rate({series}{_RATE})" if rate else series
    return (Query(f"sum by (instance) ({inner})", "{{instance}}"),)


_WHO = Row(
    "Master and replicas",
    (
        Panel(
            title="Masters",
            why="1 is right. 0 fires RedisNoMaster, more than 1 fires RedisMoreThanOneMaster.",
            unit=Unit.NUMBER,
            queries=(Query(f"count({MASTERS}) or vector(0)", "now"),),
            number=True,
        ),
        Panel(
            title="Sentinels with a quorum",
            why="0 fires SentinelQuorumLost: a master that fails is not replaced.",
            unit=Unit.NUMBER,
            queries=(
                Query(
                    f"sum(redis_sentinel_master_ckquorum_status{{{_SENTINEL}}}) or vector(0)",
                    "now",
                ),
            ),
            number=True,
        ),
        Panel(
            title="Master named by Sentinels",
            why="Number of Sentinels that name each address as master.",
            unit=Unit.NUMBER,
            queries=(Query(f"count by (master_address) ({NAMED})", "{{master_address}}"),),
        ),
        Panel(
            title="Answers",
            why="1 while the Redis or the Sentinel of the pod answers.",
            unit=Unit.NUMBER,
            queries=(
                Query(f"redis_up{{{_REDIS}}}", "{{instance}} redis"),
                Query(f"redis_up{{{_SENTINEL}}}", "{{instance}} sentinel"),
            ),
        ),
        Panel(
            title="Replication lag",
            why="The master does not count a replica that lags more than `redis.max_lag`.",
            unit=Unit.SECONDS,
            queries=(
                Query(
                    f"max by (slave_ip) (redis_connected_slave_lag_seconds{{{_REDIS}}})",
                    "{{slave_ip}}",
                ),
            ),
        ),
        Panel(
            title="Sentinel in tilt",
            why="1 means that the Sentinel's clock jumped or that it got no CPU. It then does not"
            " act for 30 s.",
            unit=Unit.NUMBER,
            queries=(Query(f"redis_sentinel_tilt{{{_SENTINEL}}}", "{{instance}}"),),
        ),
    ),
)
_WORK = Row(
    "Load",
    (
        Panel(
            title="Commands",
            why="The limits cost one call for each request.",
            unit=Unit.PER_SECOND,
            queries=_of_each("redis_commands_processed_total", rate=True),
        ),
        Panel(
            title="Memory",
            why="At the limit, Redis refuses writes and evicts nothing.",
            unit=Unit.BYTES,
            queries=(
                *_of_each("redis_memory_used_bytes"),
                Query(f"max(redis_memory_max_bytes{{{_REDIS}}})", "limit"),
            ),
        ),
        Panel(
            title="Connections",
            why="One for each gateway pod, replica and Sentinel, and a few more.",
            unit=Unit.NUMBER,
            queries=_of_each("redis_connected_clients"),
        ),
        Panel(
            title="Last snapshot and append",
            why="1 while both succeed. 0 means that the disk is full or broken.",
            unit=Unit.NUMBER,
            queries=(
                *_of_each("redis_rdb_last_bgsave_status"),
                Query(f"min(redis_aof_last_write_status{{{_REDIS}}})", "append"),
            ),
        ),
    ),
)

REDIS = Board(
    name="seawall-redis",
    title="Seawall / Redis",
    rows=(_WHO, _WORK),
    marks=(
        Mark(
            "Failover",
            Query(
                # An address that no Sentinel named some minutes ago, when they named another one.
                f"count by (master_address) ({NAMED}) unless on (master_address) {_BEFORE}"
                f" and on () count({_BEFORE})",
                "{{master_address}}",
            ),
        ),
    ),
)
