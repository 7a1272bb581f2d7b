"""Limits in Redis: the one module of the service that imports redis.

Redis is found through its sentinels, and asked for again before every reconnect. The calls of one
turn of the event loop go out in one pipeline. Nothing is retried here: whoever asks has a local
answer, and a late decision is worth nothing.
"""

import asyncio
import itertools
from collections.abc import Sequence
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
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from service.errors import SettingsError, StateUnavailable
from service.files import SecretFile
from service.resilience.gcra import Decision, Limit
from service.settings import RedisState
from service.state.limit_script import LIMIT_SCRIPT, LIMIT_SCRIPT_SHA, limit_key

__all__ = ["FileCredentials", "RedisStore"]

CONNECT_S = 0.5
COMMAND_S = 1.0
HOT_PATH_S = 0.05
"""What a request waits for Redis at most."""
_PING_KEY = limit_key("seawall", "ping")
_PING_LIMIT = Limit(rate=1000, burst=1000)
REDISCOVER = ("READONLY", "NOREPLICAS", "MASTERDOWN", "LOADING", "UNBLOCKED")
"""Errors of a node that is not, or not yet, the master to write to."""


class FileCredentials(CredentialProvider):
    """Reads the password again at every connect, so that a rotated one needs no restart."""

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
        """The same: a file of a few bytes needs no thread."""
        return self.get_credentials()


class _MasterConnection(SentinelManagedConnection):
    """A connection to the master that the sentinels name at the moment of connecting.

    An answer that only a wrong node gives closes the connection, so that the next use asks again.
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


class RedisStore:
    """See `Store`."""

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
        self._waiting: list[tuple[str, Limit, asyncio.Future[Decision]]] = []
        self._batches: set[asyncio.Task[None]] = set()

    async def take(self, key: str, limit: Limit) -> Decision:
        """See `Store.take`; joins the batch of this turn of the loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Decision] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._send)
        self._waiting.append((key, limit, future))
        return await future

    async def ping(self) -> None:
        """See `Store.ping`; may take as long as a connect and a command, 1.5 s.

        Takes from a bucket of its own: a PING alone is answered by a node that refuses writes.
        """
        try:
            async with asyncio.timeout(CONNECT_S + COMMAND_S):
                (answer,) = await self._decide([(_PING_KEY, _PING_LIMIT)])
        except (TimeoutError, RedisError, OSError) as error:
            raise _translated(error) from error
        if isinstance(answer, StateUnavailable):
            raise answer

    async def close(self) -> None:
        """See `Store.close`."""
        await self._redis.aclose()
        await self._pool.disconnect()
        await self._sentinel.aclose()

    def _send(self) -> None:
        batch, self._waiting = self._waiting, []
        task = asyncio.get_running_loop().create_task(self._run(batch))
        self._batches.add(task)
        task.add_done_callback(self._batches.discard)

    async def _run(self, batch: list[tuple[str, Limit, asyncio.Future[Decision]]]) -> None:
        """Decide a batch; everyone who waits is answered, whatever happens."""
        answers: Sequence[Decision | StateUnavailable] = ()
        try:
            async with asyncio.timeout(HOT_PATH_S):
                answers = await self._decide([(key, limit) for key, limit, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever the library raises, someone waits
            answers = [_translated(error)] * len(batch)
        finally:
            self._tell(batch, answers)

    @staticmethod
    def _tell(
        batch: list[tuple[str, Limit, asyncio.Future[Decision]]],
        answers: Sequence[Decision | StateUnavailable],
    ) -> None:
        missing = itertools.repeat(StateUnavailable("other", "no answer"))
        every = itertools.chain(answers, missing)
        for (_, _, future), answer in zip(batch, every, strict=False):
            if future.done():
                continue
            if isinstance(answer, Decision):
                future.set_result(answer)
            else:
                future.set_exception(answer)

    async def _decide(self, asked: list[tuple[str, Limit]]) -> list[Decision | StateUnavailable]:
        answers = await self._pipeline("EVALSHA", LIMIT_SCRIPT_SHA, asked)
        unknown = [n for n, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            again = await self._pipeline("EVAL", LIMIT_SCRIPT, [asked[n] for n in unknown])
            for n, answer in zip(unknown, again, strict=True):
                answers[n] = answer
        return [_decision(answer) for answer in answers]

    async def _pipeline(
        self, command: str, script: str, asked: list[tuple[str, Limit]]
    ) -> list[object]:
        pipeline: Any = self._redis.pipeline(transaction=False)
        for key, limit in asked:
            interval = 1e6 / limit.rate
            pipeline.execute_command(command, script, 1, key, interval, interval * limit.burst)
        return cast("list[object]", await pipeline.execute(raise_on_error=False))


def _decision(answer: object) -> Decision | StateUnavailable:
    if not isinstance(answer, list):
        return StateUnavailable("other", type(answer).__name__)
    allowed, remaining, retry_after, reset = cast("list[int]", answer)
    return Decision(
        allowed=allowed == 1,
        remaining=remaining,
        retry_after_s=retry_after / 1e6,
        reset_s=reset / 1e6,
    )


def _translated(error: Exception) -> StateUnavailable:
    if isinstance(error, TimeoutError | RedisTimeoutError):
        return StateUnavailable("timeout", "no answer in time")
    if isinstance(error, RedisConnectionError | OSError):
        return StateUnavailable("connection", type(error).__name__)
    return StateUnavailable("other", type(error).__name__)
