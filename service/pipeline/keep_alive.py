"""Keep-alive events in a silent stream: proxies and clients close a stream without data."""

import asyncio
from types import TracebackType
from typing import Self

from service.pipeline.exchange import Exchange

__all__ = ["KeepAlive"]


class KeepAlive:
    """Sends a keep-alive event after every `quiet_s` seconds of silence.

    The first keep-alive event commits the status, so later failures become events of the stream.
    It is a context manager around the wait for data, and only for streams: an answer that is not
    streamed cannot be kept alive this way.
    """

    def __init__(self, exchange: Exchange, quiet_s: float) -> None:
        self._exchange = exchange
        self._quiet_s = quiet_s
        self._heard_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self.heard()
        self._timer = self._loop.call_later(self._quiet_s, self._look)
        return self

    def heard(self) -> None:
        """Note that data was sent to the client just now."""
        self._heard_at = self._loop.time()

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

    def _look(self) -> None:
        """Send a keep-alive event when the stream was silent for `quiet_s`."""
        left_s = self._heard_at + self._quiet_s - self._loop.time()
        if left_s <= 0:
            self._task = self._loop.create_task(self._say())
            left_s = self._quiet_s
        self._timer = self._loop.call_later(left_s, self._look)

    async def _say(self) -> None:
        exchange = self._exchange
        if not exchange.started:
            await exchange.start_stream()
        await exchange.write(exchange.client.sign_of_life, more=True)
        self.heard()
