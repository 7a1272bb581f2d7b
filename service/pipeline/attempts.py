"""Stage: calls targets until one commits to an answer. At most three attempts.

Nothing reaches the client from here: an attempt that fails before its first valid content is
invisible. What to do after a failure is decided by `service.resilience.retry`.
"""

import asyncio
import logging

from service.errors import AllTargetsFailed
from service.pipeline.attempt import Attempt
from service.pipeline.exchange import Committed, Exchange
from service.pipeline.lanes import Lane
from service.pipeline.services import Handler, Services
from service.providers.failures import UpstreamFailure
from service.resilience.breaker import Outcome
from service.resilience.retry import MAX_ATTEMPTS, Next, Step, decide

__all__ = ["Attempts"]

_log = logging.getLogger("seawall.attempts")


class Attempts:
    """Sets `exchange.committed`, and closes it after the stages below."""

    def __init__(self, services: Services, proceed: Handler) -> None:
        self._attempt = Attempt(services.upstream, services.settings.timeouts)
        self._metrics = services.metrics
        self._random = services.random
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        """See `Stage`."""
        exchange.committed = await self._commit(exchange)
        exchange.provider = exchange.committed.lane.provider
        try:
            await self._proceed(exchange)
        finally:
            exchange.committed.answer.close()

    async def _commit(self, exchange: Exchange) -> Committed:
        failure: UpstreamFailure | None = None
        for number, lane in enumerate(exchange.plan, start=1):
            tries = 0
            while exchange.attempts < MAX_ATTEMPTS:
                if tries and not lane.budget.take_retry():
                    break
                # Early the first time only: one that opened on this request is left alone.
                permit = lane.breaker.acquire(early=not tries)
                if permit is None:
                    break
                if not tries:
                    lane.budget.count_request()
                tries += 1
                exchange.attempts += 1
                try:
                    return await self._attempt.run(exchange, lane, permit)
                except UpstreamFailure as caught:
                    failure = caught
                    self._note(lane, caught)
                    lane.breaker.record(
                        permit,
                        Outcome.FAILED if caught.symptom.blames_the_target else Outcome.NEUTRAL,
                    )
                except BaseException:
                    # Cancelled: the target is not to blame, but the permit must come back.
                    lane.breaker.record(permit, Outcome.NEUTRAL)
                    self._metrics.attempt(lane.provider, "cancelled")
                    raise
                # Targets of the last resort take no try away from one that only stumbled.
                untried = sum(lane.breaker.available() for lane in exchange.plan[number:])
                following = self._decide(exchange, failure, tries, untried)
                if following.step is Step.NEXT_TARGET:
                    break
                await asyncio.sleep(following.wait_s)
        raise self._all_failed(exchange, failure)

    def _decide(
        self, exchange: Exchange, failure: UpstreamFailure, tries: int, untried: int
    ) -> Next:
        return decide(
            failure.symptom,
            tries=tries,
            spare=MAX_ATTEMPTS - exchange.attempts - untried,
            retry_after_s=failure.retry_after_s,
            remaining_s=exchange.deadline - asyncio.get_running_loop().time(),
            random=self._random,
        )

    def _note(self, lane: Lane, failure: UpstreamFailure) -> None:
        self._metrics.attempt(lane.provider, failure.symptom.value)
        _log.debug("attempt at %s/%s failed: %s", lane.provider, lane.model, failure)

    @staticmethod
    def _all_failed(exchange: Exchange, failure: UpstreamFailure | None) -> AllTargetsFailed:
        waits = [lane.breaker.retry_in_s() for lane in exchange.plan]
        asked = failure.retry_after_s if failure is not None else None
        reason = failure.symptom.value if failure is not None else "breaker open"
        return AllTargetsFailed(
            f"No provider of '{exchange.model}' could answer (last: {reason}).",
            retry_after_s=max(1.0, min(waits), asked or 0.0),
        )
