"""The choice of the Redis server for the dump: a replica in sync, or else the master.

A replica is preferred because a dump takes processor time.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from agents.backup.errors import BackupError
from agents.backup.settings import BackupSettings
from agents.redis.server import Server, ServerError
from contract import paths
from contract.majority import majority

__all__ = ["Source", "choose"]

_FRESH_S = 10
"""Redis' repl-ping-replica-period: a master pings a connected replica at least that often."""
_GONE = {"s_down", "o_down", "disconnected", "master_down"}
"""Sentinel's flags of a replica that is not usable."""

_Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Source:
    """One Redis server and its role."""

    host: str
    port: int
    role: Literal["replica", "master"]


def choose(settings: BackupSettings) -> Source:
    """The replica in sync with the highest replication offset; the master when there is none.

    Raises:
        BackupError: no majority of the sentinels agrees on a master.
        SettingsError: a password is missing.
    """
    votes = {host: vote for host in settings.hosts if (vote := _master(settings, host))}
    master, count = (Counter(votes.values()).most_common(1) or [(None, 0)])[0]
    wanted = majority(len(settings.hosts))
    if master is None or count < wanted:
        raise BackupError(
            f"{count} of {len(settings.hosts)} sentinels agree on a master of "
            f"{settings.master_name} ({', '.join(settings.hosts)}); {wanted} must"
        )
    agreeing = [host for host, vote in votes.items() if vote == master]
    offsets = {
        address: offset
        for address in sorted(set(_replicas(settings, agreeing)))
        if (offset := _offset(settings, address)) is not None
    }
    if offsets:
        return Source(*max(offsets, key=offsets.__getitem__), role="replica")
    return Source(*master, role="master")


def _sentinel(settings: BackupSettings, host: str) -> Server:
    password = settings.secret(paths.SENTINEL_PASSWORD_FILE)
    return Server(host, settings.sentinel_port, None, password)


def _master(settings: BackupSettings, host: str) -> _Address | None:
    try:
        with _sentinel(settings, host) as server:
            answer = server.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", settings.master_name)
    except ServerError:
        return None  # no answer, so it is not counted
    if not isinstance(answer, (list, tuple)):
        return None
    named, port = cast("list[object]", answer)
    return str(named), int(str(port))


def _replicas(settings: BackupSettings, sentinels: list[str]) -> Iterator[_Address]:
    """The usable replicas that any of the sentinels knows."""
    for host in sentinels:
        try:
            with _sentinel(settings, host) as server:
                answer = server.call("SENTINEL", "REPLICAS", settings.master_name)
        except ServerError:
            continue
        for entry in cast("list[object]", answer):
            known = _pairs(entry)
            if not _GONE & set(str(known.get("flags", "")).split(",")):
                yield str(known["ip"]), int(str(known["port"]))


def _offset(settings: BackupSettings, address: _Address) -> int | None:
    """A replica's replication offset; None when it is not in sync or does not answer."""
    password = settings.secret(paths.REDIS_EXPORTER_PASSWORD_FILE)
    try:
        with Server(*address, "exporter", password) as server:
            info = _pairs(server.call("INFO", "replication"))
    except ServerError:
        return None
    in_sync = (
        info.get("role") == "slave"
        and info.get("master_link_status") == "up"
        and str(info.get("master_sync_in_progress")) == "0"
        and 0 <= int(str(info.get("master_last_io_seconds_ago", -1))) <= _FRESH_S
    )
    return int(str(info["slave_repl_offset"])) if in_sync else None


def _pairs(answer: object) -> Mapping[str, object]:
    """Names and values; version 2 of Redis' protocol sends them as one flat list."""
    if isinstance(answer, Mapping):
        return cast("Mapping[str, object]", answer)
    flat = cast("list[object]", answer)
    return {str(name): value for name, value in zip(flat[::2], flat[1::2], strict=True)}
