"""Queries the sentinels and the other pods; those that do not answer in time are left out."""

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

from agents.redis.server import ServerError, operator, sentinel
from agents.redis.settings import Settings
from agents.redis.start_rule import Observation

__all__ = ["current_master", "holds_data", "observe"]


def current_master(settings: Settings, host: str) -> str | None:
    """The master's host according to one sentinel; None when the sentinel does not answer."""
    try:
        with sentinel(settings, host) as server:
            return server.master_host(settings.master_name)
    except ServerError:
        return None


def holds_data(folder: Path) -> bool:
    """Whether Redis has saved data here before; an empty data set counts, too."""
    return (folder / "dump.rdb").exists() or (folder / "appendonlydir").is_dir()


def observe(settings: Settings) -> Observation:
    """Query all sentinels and pods once, in parallel."""
    hosts, peers = settings.hosts, settings.peers
    with ThreadPoolExecutor(max_workers=len(hosts) + len(peers)) as pool:
        answers = pool.map(current_master, repeat(settings), hosts)
        keys = pool.map(_keys, repeat(settings), peers)
        votes = zip(hosts, answers, strict=False)
        return Observation(
            me=settings.own_host,
            votes={host: vote for host, vote in votes if vote is not None},
            holds_data=holds_data(settings.redis_folder),
            peer_keys=dict(zip(peers, keys, strict=False)),
        )


def _keys(settings: Settings, host: str) -> int | None:
    try:
        with operator(settings, host) as server:
            return server.keys()
    except ServerError:
        return None
