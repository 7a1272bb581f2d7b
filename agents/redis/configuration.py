"""The configuration files of Redis and Sentinel, generated from the settings at each start."""

import hashlib
from pathlib import Path

from agents.redis.settings import Settings

__all__ = ["redis_configuration", "sentinel_configuration", "users", "write_private"]

_RIGHTS = {
    # The gateway's keys, and only the commands that it uses.
    "app": (
        "~seawall:* -@all +ping +eval +evalsha +time +wait +get +set +del +expire +pexpire"
        " +hmget +hset +hgetall +hdel +zadd +zrem +zcard +zrangebyscore +zremrangebyscore"
    ),
    # From Redis' own Sentinel documentation.
    "sentinel": "&* +multi +slaveof +ping +exec +subscribe +config|rewrite +role +publish +info"
    " +client|setname +client|kill +script|kill",
    "replica": "+psync +sync +replconf +ping",
    "exporter": "+@connection +info +config|get +slowlog +latency +memory +client|list",
    "operator": "~* &* +@all",
}

_EXPORTER_ASKS_SENTINEL = (
    "+@connection +info +sentinel|masters +sentinel|sentinels +sentinel|slaves +sentinel|ckquorum"
)
"""The commands that redis_exporter sends to a sentinel; gateway and peers use the default user."""

_STATIC_SENTINEL = (
    "port ",
    "dir ",
    "protected-mode ",
    "requirepass ",
    "user ",
    "sentinel resolve-hostnames",
    "sentinel announce-",
    "sentinel auth-",
    "sentinel sentinel-pass",
    "sentinel down-after-milliseconds",
    "sentinel failover-timeout",
    "sentinel parallel-syncs",
)
"""Lines that are generated at each start; every other line is Sentinel's own state and is kept."""


def users(settings: Settings) -> str:
    """The ACL file: passwords as SHA-256, the default user switched off."""
    lines = ["user default off nopass nocommands"]
    for name, rights in _RIGHTS.items():
        lines.append(f"user {name} on #{_hash_of(settings, name)} {rights}")
    return "\n".join(lines) + "\n"


def _hash_of(settings: Settings, user: str) -> str:
    password = settings.password(f"redis-{user}-password")
    return hashlib.sha256(password.encode()).hexdigest()


def redis_configuration(settings: Settings, *, master: str | None) -> str:
    """redis.conf for this pod; `master` is the host to replicate from, or None for a master."""
    lines = [
        f"port {settings.redis_port}",
        "bind * -::*",
        "protected-mode no",  # access is decided by the ACL file
        f"dir {settings.redis_folder}",
        f"aclfile {settings.run / 'users.acl'}",
        "masteruser replica",
        f"masterauth {_quoted(settings.password('redis-replica-password'))}",
        f"replica-announce-ip {settings.own_host}",
        f"replica-announce-port {settings.redis_port}",
        "appendonly yes",
        "appendfsync everysec",
        "aof-use-rdb-preamble yes",
        "save 900 1 300 100",
        "min-replicas-to-write 1",
        f"min-replicas-max-lag {settings.max_lag_s}",
        f"maxmemory {settings.maxmemory}",
        "maxmemory-policy noeviction",  # limits and budgets must not be evicted
    ]
    if master:
        lines.append(f"replicaof {master} {settings.redis_port}")
    return "\n".join(lines) + "\n"


def sentinel_configuration(settings: Settings, earlier: str) -> str:
    """sentinel.conf: the settings, then the state that Sentinel wrote into its earlier file.

    On the first start there is no state, and every sentinel begins with the first host as master.
    """
    name = settings.master_name
    memory = [line for line in earlier.splitlines() if not line.startswith(_STATIC_SENTINEL)]
    watch = f"sentinel monitor {name} "
    if not any(line.startswith(watch) for line in memory):
        memory.append(f"{watch}{settings.hosts[0]} {settings.redis_port} {settings.quorum}")
    # The monitor line creates the master that later lines refer to, so it is first.
    memory.sort(key=lambda line: not line.startswith(watch))
    password = _quoted(settings.password("sentinel-password"))
    return "\n".join(
        [
            f"port {settings.sentinel_port}",
            f"dir {settings.sentinel_file.parent}",
            "protected-mode no",
            f"requirepass {password}",
            f"user exporter on #{_hash_of(settings, 'exporter')} -@all {_EXPORTER_ASKS_SENTINEL}",
            f"sentinel sentinel-pass {password}",
            "sentinel resolve-hostnames yes",
            "sentinel announce-hostnames yes",
            f"sentinel announce-ip {settings.own_host}",
            f"sentinel announce-port {settings.sentinel_port}",
            *memory[:1],
            f"sentinel auth-user {name} sentinel",
            f"sentinel auth-pass {name} {_quoted(settings.password('redis-sentinel-password'))}",
            f"sentinel down-after-milliseconds {name} {settings.down_after_ms}",
            f"sentinel failover-timeout {name} {settings.failover_timeout_ms}",
            f"sentinel parallel-syncs {name} 1",
            *memory[1:],
            "",
        ]
    )


def _quoted(text: str) -> str:
    """Quote a text as one word of a configuration file (`sdssplitargs` in Redis' src/sds.c)."""
    escaped = (
        chr(byte) if 0x20 <= byte < 0x7F and chr(byte) not in '"\\' else f"\\x{byte:02x}"  # noqa: PLR2004 - printable ASCII
        for byte in text.encode()
    )
    return f'"{"".join(escaped)}"'


def write_private(file: Path, text: str) -> None:
    """Write a file atomically, which only its owner can read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.new")
    fresh.touch(mode=0o600)
    fresh.chmod(0o600)
    fresh.write_text(text)
    fresh.replace(file)
