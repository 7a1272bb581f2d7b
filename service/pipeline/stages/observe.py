"""Stage: the outermost one. It gives every request an id, an answer, a log line and metrics."""

import asyncio
import contextlib
import logging
import time

from service.errors import BudgetExceeded, GatewayError, InternalFault, RateLimited
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Exchange
from service.pipeline.request_id import request_id
from service.telemetry.log import RequestLine

__all__ = ["Observe"]

_log = logging.getLogger("seawall.pipeline")
LAST_WORDS_S = 1.0
"""Seconds that a client has to read an error answer after its request's deadline."""
_CLIENT_GONE = 499
"""nginx' status for a client that left; it is only logged and counted, never sent."""


class Observe:
    """Turns every exception of a stage into an answer, apart from cancellation."""

    def __init__(self, dependencies: Dependencies, proceed: Handler) -> None:
        self._health = dependencies.health
        self._metrics = dependencies.metrics
        self._log = dependencies.request_log
        self._recent_requests = dependencies.recent_requests
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        began = time.perf_counter()
        exchange.request_id = request_id(exchange.scope)
        exchange.closing = self._health.draining
        error = ""
        self._metrics.working += 1
        try:
            await self._proceed(exchange)
        except GatewayError as failure:
            error = f"{failure.code or failure.type}: {failure.message}"
            if isinstance(failure, RateLimited | BudgetExceeded):
                self._metrics.rate_limited.inc()
            if exchange.started and not exchange.complete and not exchange.broken:
                exchange.broken = True
                self._metrics.broken(exchange.route)
            await self._answer(exchange, failure)
        except asyncio.CancelledError:
            error = "cancelled"
            raise
        except Exception:  # noqa: BLE001 - the supervisor of a request: a bug must not become a reset
            error = "internal"
            _log.exception("request %s failed by a bug of the gateway", exchange.request_id)
            await self._answer(exchange, InternalFault("The gateway failed; see its log."))
        finally:
            self._metrics.working -= 1
            self._report(exchange, error, time.perf_counter() - began)
        self._part(exchange)

    @staticmethod
    async def _answer(exchange: Exchange, failure: GatewayError) -> None:
        if exchange.complete:
            return
        body = exchange.client.body(failure, exchange.request_id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                if not exchange.started:
                    status = exchange.client.status(failure)
                    await exchange.answer(status, failure.headers(), body)
                elif exchange.streaming:
                    # No [DONE]: SDKs would take the partial answer for a complete one.
                    await exchange.write(exchange.client.event(body), more=False)

    @staticmethod
    def _part(exchange: Exchange) -> None:
        """Make sure that nothing waits for the client beyond the total deadline."""
        connection = exchange.connection
        if connection is None:
            return
        if exchange.complete:
            connection.flush_by(exchange.deadline, at_least_s=LAST_WORDS_S)
        else:
            connection.hang_up()

    def _report(self, exchange: Exchange, error: str, seconds: float) -> None:
        status = exchange.status if exchange.complete else _CLIENT_GONE
        self._metrics.request(exchange.route, status, seconds)
        seen = 500 if exchange.broken else status
        if exchange.name:
            # Only requests to models: other requests would push them out of the window.
            self._recent_requests.note(seconds, seen, degraded=bool(exchange.degraded))
        self._log.write(
            RequestLine(
                request_id=exchange.request_id,
                route=exchange.route,
                status=status,
                ms=int(seconds * 100_000) / 100,
                level="warning" if error else "info",
                key=exchange.key.id if exchange.key else "",
                model=exchange.model,
                provider=exchange.provider,
                attempts=exchange.attempts,
                stream=exchange.streaming,
                error=error[:200],
                bytes_out=exchange.bytes_out,
                tokens_in=exchange.usage.prompt,
                tokens_out=exchange.usage.completion,
                degraded=exchange.degraded,
                trace=exchange.trace.get("traceparent", ""),
            )
        )
