"""Signs of life in a stream whose answer has not begun: proxies and clients give up on silence."""

import asyncio
from types import TracebackType
from typing import Self

from service.pipeline.exchange import Exchange

__all__ = ["KeepAlive"]


class KeepAlive:
    """After `quiet_s` seconds the stream begins with a comment, and gets one more every so often.

    That commits its status: what fails after that is told in the stream. A context manager around
    the wait, for streams: an answer that is not streamed cannot be kept alive so.
    """

    def __init__(self, exchange: Exchange, quiet_s: float) -> None:
        self._exchange = exchange
        self._quiet_s = quiet_s
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._quiet_s, self._begin)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        exchange = self._exchange
        if not exchange.started:
            await exchange.start_stream()
        while True:
            await exchange.write(exchange.client.sign_of_life, more=True)
            await asyncio.sleep(self._quiet_s)
