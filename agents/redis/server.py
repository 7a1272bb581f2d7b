"""A connection to a Redis or Sentinel server; the only module that imports the redis client."""

from types import TracebackType
from typing import Self, cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from agents.redis.settings import Settings

__all__ = ["Server", "ServerError", "operator", "sentinel"]

_TIMEOUT_S = 1.0
_LINK = 3
"""The index of the link's state in a replica's answer to ROLE."""


class ServerError(Exception):
    """The server did not answer in time, or answered with an error."""


class Server:
    """A connection to one server, with a timeout of a second for each reply.

    Args:
        host: the server's stable name.
        port: TCP port.
        username: ACL user; None for a server with a single password.
        password: the password of the user.
    """

    def __init__(self, host: str, port: int, username: str | None, password: str) -> None:
        self._client = Redis(
            host=host,
            port=port,
            username=username,
            password=password,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            decode_responses=True,
            # The client would retry three times, for about 14 s; the rules and probes ask again.
            retry=Retry(NoBackoff(), 0),
        )

    def call(self, *words: str) -> object:
        """Run one command.

        Raises:
            ServerError: there was no answer in time, or it was an error.
        """
        try:
            return cast("object", self._client.execute_command(*words))  # pyright: ignore[reportUnknownMemberType]
        except (RedisError, OSError, UnicodeError) as failed:
            raise ServerError(f"{words[0]}: {type(failed).__name__}: {failed}") from failed

    def role(self) -> str:
        """The server's role: master, slave or sentinel.

        Raises:
            ServerError: see `call`.
        """
        return _first(self.call("ROLE")) or "unknown"

    def link(self) -> str:
        """The state of the link to its master, as Redis names it; `connected` for a master.

        Raises:
            ServerError: see `call`.
        """
        answer = self.call("ROLE")
        words = cast("list[object]", answer) if isinstance(answer, list) else []
        if words and words[0] == "master":
            return "connected"
        if len(words) > _LINK and words[0] == "slave":
            return str(words[_LINK])
        raise ServerError(f"ROLE: {answer} is neither a master's answer nor a replica's")

    def keys(self) -> int:
        """The number of keys.

        Raises:
            ServerError: see `call`.
        """
        return int(str(self.call("DBSIZE")))

    def rewrites_its_file(self) -> bool:
        """Whether a rewrite of its append-only file is running or scheduled.

        Raises:
            ServerError: see `call`.
        """
        info = cast("dict[str, int]", self.call("INFO", "persistence"))
        return bool(info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"])

    def cpu_s(self) -> float:
        """The processor time that its process has used, in seconds.

        Raises:
            ServerError: see `call`.
        """
        info = cast("dict[str, float]", self.call("INFO", "cpu"))
        return info["used_cpu_sys"] + info["used_cpu_user"]

    def master_host(self, master_name: str) -> str | None:
        """The master's host, according to this server, which must be a sentinel.

        Raises:
            ServerError: see `call`.
        """
        return _first(self.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master_name))

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        self._client.close()

    def __enter__(self) -> Self:
        """The server itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()


def operator(settings: Settings, host: str) -> Server:
    """Connect to the Redis of one pod, as a user with all rights."""
    password = settings.password("redis-operator-password")
    return Server(host, settings.redis_port, "operator", password)


def sentinel(settings: Settings, host: str) -> Server:
    """Connect to the sentinel of one pod."""
    return Server(host, settings.sentinel_port, None, settings.password("sentinel-password"))


def _first(answer: object) -> str | None:
    if isinstance(answer, (list, tuple)) and answer:
        return str(cast("list[object]", answer)[0])
    return None
