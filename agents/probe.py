"""The probes of the Redis and Sentinel containers.

They use redis-cli rather than the Python client, because importing the client costs a tenth of a
second of processor time, and probes run every few seconds in every pod.
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable

from agents.settings import Settings

__all__ = ["PROBES"]

_TIMEOUT_S = 3.0
_HEARTBEAT_S = 15.0


def redis_live(settings: Settings) -> bool:
    """Redis says anything at all (also LOADING, BUSY, NOAUTH), or somebody waits to start it."""
    return _answers(settings.redis_port) or _waits(settings)


def redis_ready(settings: Settings) -> bool:
    """A master, or a replica whose link is up and whose copy is complete."""
    password = settings.password("redis-operator-password")
    info = _cli(settings.redis_port, password, "--user", "operator", "INFO", "replication")
    if "role:master" in info:
        return True
    return "master_link_status:up" in info and "master_sync_in_progress:0" in info


def sentinel_live(settings: Settings) -> bool:
    """Sentinel says anything at all."""
    return _answers(settings.sentinel_port)


def sentinel_ready(settings: Settings) -> bool:
    """Enough sentinels are there to agree on a failover."""
    password = settings.password("sentinel-password")
    answer = _cli(settings.sentinel_port, password, "SENTINEL", "CKQUORUM", settings.master_name)
    return answer.startswith("OK")


PROBES: dict[str, Callable[[Settings], bool]] = {
    "redis-live": redis_live,
    "redis-ready": redis_ready,
    "sentinel-live": sentinel_live,
    "sentinel-ready": sentinel_ready,
}


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(1) in {b"+", b"-"}
    except OSError:
        return False


def _waits(settings: Settings) -> bool:
    try:
        age = time.time() - settings.waiting_file.stat().st_mtime
    except OSError:
        return False
    return age < _HEARTBEAT_S


def _cli(port: int, password: str, *arguments: str) -> str:
    """The answer to one command; empty when there is none. The password stays off the argv."""
    try:
        done = subprocess.run(
            ["redis-cli", "-p", str(port), *arguments],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            env={**os.environ, "REDISCLI_AUTH": password},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.strip()
