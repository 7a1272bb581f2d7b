"""Stage: an admin key, or nothing. Wrong attempts are counted, logged, and rationed."""

from service.errors import Forbidden, GatewayError, RateLimited
from service.pipeline.dependencies import Handler, Services
from service.pipeline.exchange import Exchange
from service.pipeline.stages.auth import caller
from service.resilience.gcra import Limit, take

__all__ = ["AdminOnly"]

WRONG_ATTEMPTS = Limit(rate=1, burst=10)
"""Of all strangers together, a second and at once: a person who mistypes a key stays below it, and
a rotation that was forgotten in one place, too."""


class AdminOnly:
    """Sets `exchange.key`, which is an admin's from here on.

    A wrong key is refused as such while there are attempts left, and with 429 when there are none;
    then it also costs its connection. A right key is let in whatever others did.
    """

    def __init__(self, services: Services, proceed: Handler) -> None:
        self._keys = services.keys
        self._clock = services.clock
        self._arrival = 0.0
        """The theoretical arrival time of the bucket; see `gcra`."""
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        """See `Stage`."""
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
            "Too many wrong keys were tried here of late.", retry_after_s=decision.retry_after_s
        )
