"""Stage: cancels a request when its client leaves, its deadline passes, or the replica drains.

The stages below are cancelled, so that the call to the provider ends too. The breaker records a
neutral outcome, because the target did nothing wrong.
"""

import asyncio
from functools import partial

from service.errors import DeadlineExceeded, ShuttingDown
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Abort, Exchange

__all__ = ["Cancellation"]


class Cancellation:
    """Watches for these events from the first byte to the last."""

    def __init__(self, dependencies: Dependencies, proceed: Handler) -> None:
        del dependencies
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        exchange.task = task
        alarm = loop.call_at(exchange.deadline, exchange.abort, Abort.DEADLINE)
        on_lost = partial(exchange.abort, Abort.CLIENT_GONE)
        connection = exchange.connection
        watcher: asyncio.Task[None] | None = None
        if connection is not None:
            connection.when_lost(on_lost)
        else:
            watcher = loop.create_task(self._wait_for_the_client_to_leave(exchange))
        try:
            await self._proceed(exchange)
        except asyncio.CancelledError:
            if exchange.aborted is None or task is None or task.uncancel() > 0:
                raise
            self._explain(exchange.aborted)
        finally:
            exchange.task = None
            alarm.cancel()
            if connection is not None:
                connection.forget(on_lost)
            if watcher is not None:
                watcher.cancel()

    @staticmethod
    async def _wait_for_the_client_to_leave(exchange: Exchange) -> None:
        while (await exchange.receive())["type"] != "http.disconnect":
            pass
        exchange.abort(Abort.CLIENT_GONE)

    @staticmethod
    def _explain(reason: Abort) -> None:
        if reason is Abort.DEADLINE:
            raise DeadlineExceeded("The total deadline of the request passed.")
        if reason is Abort.SHUTDOWN:
            raise ShuttingDown("This replica is shutting down.", retry_after_s=1)
