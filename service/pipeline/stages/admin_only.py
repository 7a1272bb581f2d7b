"""Stage: admits only admin keys. Wrong attempts are counted, logged, and rate limited."""

from service.errors import Forbidden, GatewayError, RateLimited
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Exchange
from service.pipeline.stages.auth import caller
from service.resilience.gcra import Limit, take

__all__ = ["AdminOnly"]

WRONG_ATTEMPTS = Limit(rate=1, burst=10)
"""Wrong attempts of all clients together: 1 a second, 10 at once. A person who mistypes a key stays
below it, and so does one program that still uses a rotated key."""


class AdminOnly:
    """Sets `exchange.key` to an admin key.

    A wrong key is refused with 401 or 403 while attempts are left. After that it is refused with
    429, and the connection is closed. A valid admin key is always admitted, however many wrong
    attempts others made.
    """

    def __init__(self, dependencies: Dependencies, proceed: Handler) -> None:
        self._keys = dependencies.keys
        self._clock = dependencies.clock
        self._arrival = 0.0
        """The theoretical arrival time of the bucket; see `gcra`."""
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        exchange.extra_headers.append((b"cache-control", b"no-store"))
        try:
            key = exchange.key = caller(exchange.scope, self._keys)
            if not key.admin:
                raise Forbidden("This needs a key with admin: true.")
        except GatewayError as refusal:
            raise self._rationed(exchange, refusal) from None
        await self._proceed(exchange)

    def _rationed(self, exchange: Exchange, refusal: GatewayError) -> GatewayError:
        self._arrival, decision = take(WRONG_ATTEMPTS, self._arrival, self._clock())
        if decision.allowed:
            return refusal
        exchange.closing = True
        return RateLimited(
            "Too many requests came with wrong keys recently.", retry_after_s=decision.retry_after_s
        )
