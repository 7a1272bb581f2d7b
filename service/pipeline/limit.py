"""Stage: the key's rate. Shared over all replicas while Redis answers; see `state.limiter`."""

from service.errors import RateLimited, Unauthorized
from service.pipeline.exchange import Exchange
from service.pipeline.services import Handler, Services
from service.resilience.gcra import Decision

__all__ = ["Limit", "duration_text"]


def duration_text(seconds: float) -> str:
    """A duration as OpenAI's headers write it: 12ms, 1.5s, 6m0s."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    return f"{int(minutes)}m{rest:g}s" if minutes else f"{rest:g}s"


class Limit:
    """Takes one request of the key's rate, and tells the client what is left."""

    def __init__(self, services: Services, proceed: Handler) -> None:
        self._limiter = services.limiter
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        """See `Stage`."""
        key = exchange.key
        if key is None:
            raise Unauthorized("No API key.")
        decision = await self._limiter.take(key)
        self._tell(exchange, decision, key.limit.burst)
        if not decision.allowed:
            raise RateLimited(
                f"The rate of {key.limit.rate:g} requests a second is used up; "
                f"try again in {duration_text(decision.retry_after_s)}.",
                retry_after_s=decision.retry_after_s,
            )
        await self._proceed(exchange)

    @staticmethod
    def _tell(exchange: Exchange, decision: Decision, burst: int) -> None:
        exchange.extra_headers += (
            (b"x-ratelimit-limit-requests", str(burst).encode()),
            (b"x-ratelimit-remaining-requests", str(decision.remaining).encode()),
            (b"x-ratelimit-reset-requests", duration_text(decision.reset_s).encode()),
        )
        if not decision.allowed:
            milliseconds = max(1, round(decision.retry_after_s * 1000))
            exchange.extra_headers.append((b"retry-after-ms", str(milliseconds).encode()))
