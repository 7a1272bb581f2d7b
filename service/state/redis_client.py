"""The one module of the service that imports redis: connections, scripts, and the library's errors.

The client finds Redis through its sentinels, which it asks again before every reconnect.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
)
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from typing_extensions import override

from service.errors import SettingsError, StateUnavailable
from service.files import SecretFile
from service.settings import RedisState
from service.state.runtime_keys import KeyStore
from service.state.scripts import Call

__all__ = ["FileCredentials", "Numbers", "RedisClient", "in_background", "translated"]

CONNECT_S = 0.5
COMMAND_S = 1.0
REPLICATE_MS = 500
"""Milliseconds that a write waits for the acknowledgement of a replica."""
REDISCOVER = ("READONLY", "NOREPLICAS", "MASTERDOWN", "LOADING", "UNBLOCKED")
"""Errors of a node that is not, or not yet, the writable master."""

Numbers = list[Any]
"""Integers; the fleet's script returns lists of integers and strings."""


class FileCredentials(CredentialProvider):
    """Reads the password again at every connect, so that a rotation needs no restart."""

    def __init__(self, user: str | None, secret: SecretFile) -> None:
        self._user = user
        self._secret = secret

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """User and password, or the password alone.

        Raises:
            RedisConnectionError: the file is missing.
        """
        try:
            password = self._secret.value()
        except SettingsError as error:
            raise RedisConnectionError(str(error)) from error
        return (password,) if self._user is None else (self._user, password)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        """The same; reading a file of a few bytes needs no thread."""
        return self.get_credentials()


class _MasterConnection(SentinelManagedConnection):
    """A connection to the master that the sentinels name when it connects.

    An error that shows a wrong node closes the connection, so that the next use asks the sentinels
    again.
    """

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the library's
        read: Any = super().read_response
        try:
            return await read(*args, **kwargs)
        except (ResponseError, RedisConnectionError) as error:
            if str(error).startswith(REDISCOVER) or type(error).__name__ in _REDISCOVER_TYPES:
                await self.disconnect()
                raise RedisConnectionError(f"not the master any more: {error}") from error
            raise


_REDISCOVER_TYPES = frozenset(("ReadOnlyError", "MasterDownError", "BusyLoadingError"))


class RedisClient(KeyStore):
    """Runs scripts, and stores runtime keys."""

    def __init__(self, state: RedisState, secrets_dir: Path) -> None:
        no_retry = Retry(NoBackoff(), 0)
        timeouts: dict[str, Any] = {
            "socket_connect_timeout": CONNECT_S,
            "socket_timeout": COMMAND_S,
            "retry": no_retry,
            "protocol": 2,
        }
        sentinel_options = dict(timeouts)
        if state.sentinel_password_file is not None:
            sentinel_options["credential_provider"] = FileCredentials(
                None, SecretFile(secrets_dir / state.sentinel_password_file)
            )
        addresses = [address.rsplit(":", 1) for address in state.sentinels]
        self._sentinel = Sentinel(
            [(host, int(port)) for host, port in addresses], sentinel_kwargs=sentinel_options
        )
        self._pool = SentinelConnectionPool(
            state.master,
            self._sentinel,
            connection_class=cast("type[Connection]", _MasterConnection),
            credential_provider=FileCredentials(
                state.user, SecretFile(secrets_dir / state.password_file)
            ),
            **timeouts,
        )
        self._redis = Redis.from_pool(self._pool)

    async def run(self, calls: Sequence[Call]) -> list[Numbers | StateUnavailable]:
        """Run scripts in one pipeline; return for each its answer, or an error.

        Raises:
            Exception: whatever the library raises when the connection fails; see `translated`.
        """
        answers = await self._pipeline(calls, by_digest=True)
        unknown = [n for n, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            again = await self._pipeline([calls[n] for n in unknown], by_digest=False)
            for n, answer in zip(unknown, again, strict=True):
                answers[n] = answer
        return [_numbers(answer) for answer in answers]

    async def run_at_leisure(
        self, calls: Sequence[Call], seconds: float = CONNECT_S + COMMAND_S
    ) -> list[Numbers | StateUnavailable]:
        """Run scripts that no request waits for.

        Raises:
            StateUnavailable: the connection failed, or there was no answer within `seconds`.
        """
        async with in_background(seconds):
            return await self.run(calls)

    @override
    async def read_hash(self, key: str) -> Mapping[str, bytes]:
        async with in_background():
            found = cast("dict[bytes, bytes]", await cast("Any", self._redis.hgetall(key)))
        return {field.decode(errors="replace"): value for field, value in found.items()}

    @override
    async def write_hash(self, key: str, field: str, value: bytes) -> bool:
        # One pipeline uses one connection, and WAIT covers the writes of its connection.
        pipeline: Any = self._redis.pipeline(transaction=False)
        pipeline.hset(key, field, value)
        pipeline.execute_command("WAIT", 1, REPLICATE_MS)
        async with in_background():
            _, replicas = await pipeline.execute()
        return cast("int", replicas) > 0

    @override
    async def forget_fields(self, key: str, fields: Sequence[str]) -> None:
        async with in_background():
            await cast("Any", self._redis.hdel(key, *fields))

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()
        await self._pool.disconnect()
        await self._sentinel.aclose()

    async def _pipeline(self, calls: Sequence[Call], *, by_digest: bool) -> list[object]:
        pipeline: Any = self._redis.pipeline(transaction=False)
        for call in calls:
            command = ("EVALSHA", call.script.sha) if by_digest else ("EVAL", call.script.text)
            pipeline.execute_command(*command, len(call.keys), *call.keys, *call.arguments)
        return cast("list[object]", await pipeline.execute(raise_on_error=False))


@contextlib.asynccontextmanager
async def in_background(seconds: float = CONNECT_S + COMMAND_S) -> AsyncGenerator[None]:
    """Run calls that no request waits for; every exception becomes StateUnavailable."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except Exception as error:
        raise translated(error) from error


def _numbers(answer: object) -> Numbers | StateUnavailable:
    if isinstance(answer, list):
        return cast("Numbers", answer)
    return StateUnavailable("other", type(answer).__name__)


def translated(error: Exception) -> StateUnavailable:
    """The StateUnavailable for an exception of the library or a timeout."""
    if isinstance(error, TimeoutError | RedisTimeoutError):
        return StateUnavailable("timeout", "no answer in time")
    if isinstance(error, RedisConnectionError | OSError):
        return StateUnavailable("connection", type(error).__name__)
    return StateUnavailable("other", type(error).__name__)
