"""Stage: bounds what the process accepts: requests in flight, body sizes, total bytes and time."""

import asyncio

from starlette.types import Message

from service.errors import BodyTooLarge, InvalidRequest, Overloaded, SlowRequest
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Exchange
from service.resilience.byte_budget import ByteBudget
from service.resilience.concurrency_limiter import QueueFullError

__all__ = ["Admission"]

BODY_SECONDS = 30.0
"""Time for 32 MiB at 9 Mbit/s; a slower client would only occupy a place."""
RETRY_AFTER_S = 1.0
"""A queue of 64 turns over in about a second at any realistic load."""


class _Holding:
    """The bytes of one request's body, counted before they are stored."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self._taken = 0

    def grow_to(self, size: int) -> None:
        """Grow the reservation to `size` bytes.

        Raises:
            Overloaded: the bodies of the other requests leave no room for it.
        """
        missing = size - self._taken
        if missing <= 0:
            return
        if not self._budget.take(missing):
            raise Overloaded(
                "Too many bytes of request bodies are in flight.", retry_after_s=RETRY_AFTER_S
            )
        self._taken = size

    def give_back(self) -> None:
        """Release the whole reservation."""
        self._budget.give_back(self._taken)
        self._taken = 0


class Admission:
    """Takes a place in flight, sets the total deadline, and reads the body."""

    def __init__(self, dependencies: Dependencies, proceed: Handler) -> None:
        self._concurrency = dependencies.concurrency
        self._in_flight = dependencies.in_flight
        self._limits = dependencies.settings.admission
        self._buffered = dependencies.buffered
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        loop = asyncio.get_running_loop()
        exchange.deadline = loop.time() + self._limits.deadline.seconds
        declared = self._declared(exchange)
        if not self._concurrency.try_acquire():
            await self._queue(exchange)
        holding = _Holding(self._buffered)
        try:
            holding.grow_to(declared)
            exchange.body = await self._read(exchange, holding, loop.time() + BODY_SECONDS)
            self._in_flight.add(exchange)
            await self._proceed(exchange)
        finally:
            self._in_flight.discard(exchange)
            holding.give_back()
            self._concurrency.release()

    async def _queue(self, exchange: Exchange) -> None:
        try:
            async with asyncio.timeout_at(exchange.deadline):
                await self._concurrency.acquire()
        except (QueueFullError, TimeoutError):
            raise Overloaded(
                "Too many requests are in flight here.", retry_after_s=RETRY_AFTER_S
            ) from None

    def _declared(self, exchange: Exchange) -> int:
        """The size in the Content-Length header; 0 without one."""
        for name, value in exchange.scope["headers"]:
            if name == b"content-length":
                return self._checked(int(value))
        return 0

    async def _read(self, exchange: Exchange, holding: _Holding, until: float) -> bytes:
        """Read the whole body; most bodies arrive in one message and need no wait."""
        message = await self._next(exchange, until)
        body: bytes = message.get("body", b"")
        size = self._checked(len(body))
        holding.grow_to(size)
        if not message.get("more_body", False):
            return body
        parts = [body]
        while message.get("more_body", False):
            message = await self._next(exchange, until)
            part: bytes = message.get("body", b"")
            size = self._checked(size + len(part))
            holding.grow_to(size)
            parts.append(part)
        return b"".join(parts)

    def _checked(self, size: int) -> int:
        if size > self._limits.max_body_bytes:
            raise BodyTooLarge(self._limits.max_body_bytes)
        return size

    @staticmethod
    async def _next(exchange: Exchange, until: float) -> Message:
        connection = exchange.connection
        if connection is not None and connection.body_arrived:
            message = await exchange.receive()
        else:
            try:
                async with asyncio.timeout_at(min(until, exchange.deadline)):
                    message = await exchange.receive()
            except TimeoutError:
                raise SlowRequest("The request body did not arrive in time.") from None
        if message["type"] == "http.disconnect":
            raise InvalidRequest("The client disconnected before its request was complete.")
        return message
