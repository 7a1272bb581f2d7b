"""Stage: how much the process accepts. Bounds requests in flight, bodies and time."""

import asyncio

from starlette.types import Message

from service.errors import BodyTooLarge, InvalidRequest, Overloaded, SlowRequest
from service.pipeline.exchange import Exchange
from service.pipeline.services import Handler, Services
from service.resilience.gate import GateFullError

__all__ = ["Admission"]

BODY_SECONDS = 30.0
"""32 MiB at 9 Mbit/s; a client that is slower than that holds a place for nothing."""
RETRY_AFTER_S = 1.0
"""A queue of 64 turns over in about a second at any load worth having."""


class Admission:
    """Takes a place at the gate, sets the total deadline, and reads the body."""

    def __init__(self, services: Services, proceed: Handler) -> None:
        self._gate = services.gate
        self._in_flight = services.in_flight
        self._limits = services.settings.admission
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        """See `Stage`."""
        loop = asyncio.get_running_loop()
        exchange.deadline = loop.time() + self._limits.deadline_seconds
        self._refuse_a_declared_giant(exchange)
        await self._enter(exchange)
        try:
            exchange.body = await self._read(exchange, loop.time() + BODY_SECONDS)
            self._in_flight.add(exchange)
            await self._proceed(exchange)
        finally:
            self._in_flight.discard(exchange)
            self._gate.leave()

    async def _enter(self, exchange: Exchange) -> None:
        try:
            async with asyncio.timeout_at(exchange.deadline):
                await self._gate.enter()
        except (GateFullError, TimeoutError):
            raise Overloaded(
                "Too many requests are in flight here.", retry_after_s=RETRY_AFTER_S
            ) from None

    def _refuse_a_declared_giant(self, exchange: Exchange) -> None:
        for name, value in exchange.scope["headers"]:
            if name == b"content-length" and int(value) > self._limits.max_body_bytes:
                raise BodyTooLarge(self._limits.max_body_bytes)

    async def _read(self, exchange: Exchange, until: float) -> bytes:
        """The whole body; most arrive in one message, and then nothing waits."""
        message = await self._next(exchange, until)
        body: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            return self._checked(len(body), body)
        parts = [body]
        size = len(body)
        while message.get("more_body", False):
            message = await self._next(exchange, until)
            part: bytes = message.get("body", b"")
            parts.append(part)
            size += len(part)
            self._checked(size, b"")
        return b"".join(parts)

    def _checked(self, size: int, body: bytes) -> bytes:
        if size > self._limits.max_body_bytes:
            raise BodyTooLarge(self._limits.max_body_bytes)
        return body

    @staticmethod
    async def _next(exchange: Exchange, until: float) -> Message:
        try:
            async with asyncio.timeout_at(min(until, exchange.deadline)):
                message = await exchange.receive()
        except TimeoutError:
            raise SlowRequest("The request body did not arrive in time.") from None
        if message["type"] == "http.disconnect":
            raise InvalidRequest("The client left before its request was whole.")
        return message
