"""Ask the sentinels and the other pods; whoever does not answer in time is simply not heard."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from agents.settings import Settings
from agents.start_rule import Observation

__all__ = ["current_master", "holds_data", "observe", "operator", "sentinel"]

_TIMEOUT_S = 1.0


def operator(settings: Settings, host: str) -> "Redis":
    """A client with all rights on one pod's Redis; every call ends within a second."""
    return Redis(
        host=host,
        port=settings.redis_port,
        username="operator",
        password=settings.password("redis-operator-password"),
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_TIMEOUT_S,
        decode_responses=True,
    )


def sentinel(settings: Settings, host: str) -> "Redis":
    """A client on one pod's sentinel; every call ends within a second."""
    return Redis(
        host=host,
        port=settings.sentinel_port,
        password=settings.password("sentinel-password"),
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_TIMEOUT_S,
        decode_responses=True,
    )


def current_master(settings: Settings, host: str) -> str | None:
    """The host that one sentinel holds for the master; None when it does not answer."""
    try:
        with sentinel(settings, host) as client:
            answer: object = client.execute_command(
                "SENTINEL", "GET-MASTER-ADDR-BY-NAME", settings.master_name
            )
    except (RedisError, OSError):
        return None
    if isinstance(answer, (list, tuple)) and answer:
        return str(answer[0])  # pyright: ignore[reportUnknownArgumentType]
    return None


def holds_data(folder: Path) -> bool:
    """Whether Redis has saved anything here before, be it an empty data set."""
    return (folder / "dump.rdb").exists() or (folder / "appendonlydir").is_dir()


def observe(settings: Settings) -> Observation:
    """Look at everything once, in parallel."""
    with ThreadPoolExecutor(max_workers=2 * len(settings.hosts)) as pool:
        votes = pool.map(lambda h: current_master(settings, h), settings.hosts)
        keys = pool.map(lambda h: _keys(settings, h), settings.peers)
        return Observation(
            me=settings.own_host,
            votes=_answered(zip(settings.hosts, votes, strict=True)),
            holds_data=holds_data(settings.redis_folder),
            peer_keys=dict(zip(settings.peers, keys, strict=True)),
        )


def _answered(pairs: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    return {host: vote for host, vote in pairs if vote is not None}


def _keys(settings: Settings, host: str) -> int | None:
    try:
        with operator(settings, host) as client:
            return int(client.execute_command("DBSIZE"))
    except (RedisError, OSError):
        return None
