"""Limits that never depend on the store: shared while it answers, local while it does not.

A breaker of its own stands before the store: 3 failures in a row open it, and from then on no
request waits for the store; a question once a second in the background closes it.
"""

import asyncio
import logging
from collections.abc import Callable

from service.errors import LimitsUnavailable, StateUnavailable
from service.resilience.gcra import Decision
from service.state.key_ring import ApiKey
from service.state.memory import MemoryStore
from service.state.protocol import Store

__all__ = ["Limiter"]

_log = logging.getLogger("seawall.limiter")

FAILURES_TO_OPEN = 3
PING_EVERY_S = 1.0


class Limiter:
    """Decides every request; takes at most the store's 50 ms."""

    def __init__(
        self,
        store: Store,
        *,
        replicas: int,
        on_local: Callable[[bool], None],
        on_error: Callable[[str], None],
    ) -> None:
        """`on_local` is told when limits become local or shared, `on_error` each failure's kind."""
        self._store = store
        self._replicas = replicas
        self._local = MemoryStore()
        self._on_local = on_local
        self._on_error = on_error
        self._failures = 0
        self._open = False

    async def take(self, key: ApiKey) -> Decision:
        """Take one request of the key's rate.

        With the store gone, the limit is this replica's part of it, limit / replicas.

        Raises:
            LimitsUnavailable: the store is gone and the key asks to be refused then.
        """
        if not self._open:
            try:
                decision = await self._store.take(key.bucket, key.limit)
            except StateUnavailable as error:
                self._count(error)
            else:
                self._failures = 0
                return decision
        if key.denied_on_outage:
            raise LimitsUnavailable(
                "The shared limits do not answer, and this key is refused without them.",
                retry_after_s=PING_EVERY_S,
            )
        return self._local.take_now(key.bucket, key.limit.shared_by(self._replicas))

    async def watch(self) -> None:
        """Look after the store for ever: a task of the application."""
        while True:
            await asyncio.sleep(PING_EVERY_S)
            if self._open:
                await self._try_to_close()

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()

    def _count(self, error: StateUnavailable) -> None:
        self._on_error(error.kind)
        self._failures += 1
        if self._failures >= FAILURES_TO_OPEN and not self._open:
            self._open = True
            self._on_local(True)  # noqa: FBT003 - the callback's one argument
            _log.warning("the state store does not answer (%s): limits are local now", error)

    async def _try_to_close(self) -> None:
        try:
            await self._store.ping()
        except StateUnavailable as error:
            self._on_error(error.kind)
            return
        self._open = False
        self._failures = 0
        self._on_local(False)  # noqa: FBT003 - the callback's one argument
        _log.warning("the state store answers again: limits are shared")
