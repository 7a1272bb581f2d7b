"""Talk to one Redis or Sentinel server; the only module that imports the redis client."""

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
"""Where the state of its link stands in a replica's answer to ROLE."""


class ServerError(Exception):
    """The server did not answer in time, or answered with an error."""


class Server:
    """A connection to one server; each reply is waited for a second.

    Args:
        host: its stable name.
        port: TCP port.
        username: ACL user; None for a server with one password.
        password: that user's.
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
            # Redis' client would try three times more, for some 14 s: rules and probes ask again.
            retry=Retry(NoBackoff(), 0),
        )

    def call(self, *words: str) -> object:
        """One command.

        Raises:
            ServerError: see there.
        """
        try:
            return cast("object", self._client.execute_command(*words))  # pyright: ignore[reportUnknownMemberType]
        except (RedisError, OSError, UnicodeError) as failed:
            raise ServerError(f"{words[0]}: {type(failed).__name__}: {failed}") from failed

    def role(self) -> str:
        """master, slave or sentinel.

        Raises:
            ServerError: see there.
        """
        return _first(self.call("ROLE")) or "unknown"

    def link(self) -> str:
        """The state of the link to its master, in Redis' words; a master is connected to itself.

        Raises:
            ServerError: see there.
        """
        answer = self.call("ROLE")
        words = cast("list[object]", answer) if isinstance(answer, list) else []
        if words and words[0] == "master":
            return "connected"
        if len(words) > _LINK and words[0] == "slave":
            return str(words[_LINK])
        raise ServerError(f"ROLE: {answer} is neither a master's answer nor a replica's")

    def keys(self) -> int:
        """How many keys it holds.

        Raises:
            ServerError: see there.
        """
        return int(str(self.call("DBSIZE")))

    def rewrites_its_file(self) -> bool:
        """Whether a rewrite of its append-only file runs or is scheduled.

        Raises:
            ServerError: see there.
        """
        info = cast("dict[str, int]", self.call("INFO", "persistence"))
        return bool(info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"])

    def cpu_s(self) -> float:
        """The processor time that its process has spent, in seconds.

        Raises:
            ServerError: see there.
        """
        info = cast("dict[str, float]", self.call("INFO", "cpu"))
        return info["used_cpu_sys"] + info["used_cpu_user"]

    def master_host(self, master_name: str) -> str | None:
        """Asked of a sentinel: the host that it holds for the master.

        Raises:
            ServerError: see there.
        """
        return _first(self.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master_name))

    def close(self) -> None:
        """Close the connection; the next call makes another."""
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
    """One pod's Redis, with all rights."""
    password = settings.password("redis-operator-password")
    return Server(host, settings.redis_port, "operator", password)


def sentinel(settings: Settings, host: str) -> Server:
    """One pod's sentinel."""
    return Server(host, settings.sentinel_port, None, settings.password("sentinel-password"))


def _first(answer: object) -> str | None:
    if isinstance(answer, (list, tuple)) and answer:
        return str(cast("list[object]", answer)[0])
    return None
