"""Stage: calls targets until one answer is committed, with three attempts a step and five in all.

The client never sees an attempt that fails before its first valid content.
`service.resilience.retry` decides what to do after a failure.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from service.errors import (
    AllTargetsFailed,
    GatewayError,
    InvalidRequest,
    PassedOn,
    ProvidersRateLimited,
)
from service.pipeline.attempt import Attempt, Encoded
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Committed, Exchange
from service.pipeline.keep_alive import KeepAlive
from service.pipeline.stages.trace import begin_attempt
from service.pipeline.upstreams import Upstream
from service.providers.dialect import MISREAD, Untranslatable, as_failure
from service.providers.encoding import MAY_BE_MISSING, SAY_NOTHING, Encoding
from service.providers.failures import UpstreamFailure
from service.resilience.breaker import Outcome, Permit
from service.resilience.retry import (
    MAX_ATTEMPTS,
    MAX_ATTEMPTS_IN_ALL,
    Step,
    Symptom,
    decide,
    full_jitter_s,
)

__all__ = ["Failover"]

_log = logging.getLogger("seawall.attempts")
PROBE_S = 0.5
"""How long a failed request waits for the probes of others, in seconds. A healthy target begins its
answer within about this time, and a dead one delays the request no longer than this."""
PROBE_LOOK_S = 0.02


@dataclass(slots=True)
class _Found:
    """What the attempts of one request have found out; `most` bounds their number."""

    most: int
    failure: UpstreamFailure | None = None
    refused: list[Untranslatable] = field(default_factory=list[Untranslatable])
    spared: list[Upstream] = field(default_factory=list[Upstream])
    unreached: list[Upstream] = field(default_factory=list[Upstream])
    had: list[Upstream] = field(default_factory=list[Upstream])
    """Targets that `_left` chose already, since no other target was left."""
    rate_limited: bool = False
    others: bool = False
    """Whether a target that could be reached failed for another reason than a rate limit."""
    soonest_s: float | None = None
    """The shortest Retry-After of the targets that are rate limited."""

    def note(self, upstream: Upstream, failure: UpstreamFailure) -> None:
        """Remember how an attempt failed."""
        self.failure = failure
        if failure.symptom is Symptom.KEY_REFUSED and failure.refusal is not None:
            pass  # no quota here: the answer may still be a 429, since other targets may recover
        elif failure.symptom is Symptom.RATE_LIMITED:
            self.rate_limited = True
            retry_after_s, soonest_s = failure.retry_after_s, self.soonest_s
            if retry_after_s is not None:
                self.soonest_s = (
                    retry_after_s if soonest_s is None else min(retry_after_s, soonest_s)
                )
        elif failure.symptom is Symptom.CONNECT:
            self.unreached.append(upstream)
        elif failure.symptom.asks_for_another_form:
            self.most = min(self.most + 1, MAX_ATTEMPTS_IN_ALL)
        else:
            self.others = True


class Failover:
    """Sets `exchange.committed`, and closes its answer after the stages below."""

    def __init__(self, dependencies: Dependencies, proceed: Handler) -> None:
        self._attempt = Attempt(dependencies.client)
        self._metrics = dependencies.metrics
        self._random = dependencies.random
        self._proceed = proceed

    async def __call__(self, exchange: Exchange) -> None:
        committed: Committed | None = None
        try:
            if exchange.call.stream:
                async with KeepAlive(exchange, exchange.timeouts.quiet.seconds):
                    committed = await self._commit(exchange)
            else:
                committed = await self._commit(exchange)
            exchange.committed = committed
        except BaseException:
            if committed is not None:
                # Cancelled after the commit: the stages below will not release these.
                committed.upstream.breaker.record(committed.permit, Outcome.NEUTRAL)
                committed.answer.close()
                committed.upstream.load.end()
            raise
        exchange.provider = committed.upstream.provider
        exchange.adapted = committed.adapted
        if committed.adapted:
            self._metrics.adapted(exchange.provider)
            _log.debug(
                "request %s was adapted for %s: %s",
                exchange.request_id,
                committed.upstream.name,
                ", ".join(committed.adapted),
            )
        try:
            await self._proceed(exchange)
        finally:
            committed.answer.close()
            committed.upstream.load.end()

    async def _commit(self, exchange: Exchange) -> Committed:
        found = _Found(min(exchange.attempts + MAX_ATTEMPTS, MAX_ATTEMPTS_IN_ALL))
        for number, upstream in enumerate(exchange.plan, start=1):
            committed = await self._ask(exchange, upstream, found, exchange.plan[number:])
            if committed is not None:
                return committed
        while exchange.attempts < found.most:
            left = await self._left(found)
            if left is None:
                break
            committed = await self._ask(exchange, left, found, (), tries=left in found.unreached)
            if committed is not None:
                return committed
        raise self._all_failed(exchange, found)

    async def _ask(
        self,
        exchange: Exchange,
        upstream: Upstream,
        found: "_Found",
        others: Sequence[Upstream],
        *,
        tries: int = 0,
    ) -> Committed | None:
        """Try one target; return None when every attempt at it failed.

        Args:
            exchange: the request.
            upstream: the target.
            found: what earlier attempts found out; updated.
            others: the targets that follow in the plan.
            tries: the number of earlier tries at this target.
        """
        try:
            request = self._encoded(exchange, upstream)
        except Untranslatable as caught:
            found.refused.append(caught.with_traceback(None))
            return None
        # An early probe is only for the first try: a breaker that this request opened stays open.
        early = True
        while exchange.attempts < found.most:
            if tries and not self._may_retry(upstream, found.failure):
                return None
            permit = upstream.breaker.acquire(early=early)
            if permit is None:
                found.spared += () if tries else (upstream,)
                return None
            if not tries:
                upstream.budget.count_request()
            early = False
            tries += 1
            exchange.attempts += 1
            if upstream.quota is not None:
                upstream.quota.count()
            try:
                return await self._try(exchange, upstream, permit, request)
            except UpstreamFailure as caught:
                # Drop the traceback: its frame would hold the body until a garbage collection.
                failure = caught.with_traceback(None)
            found.note(upstream, failure)
            if failure.symptom.asks_for_another_form:
                request = self._encoded(exchange, upstream, failure.most_tokens)
            # No attempt is reserved for targets with open breakers: a retry here is better.
            untried = sum(other.breaker.available() for other in others)
            following = decide(
                failure.symptom,
                tries=tries,
                spare=found.most - exchange.attempts - untried,
                retry_after_s=failure.retry_after_s,
                remaining_s=exchange.deadline - asyncio.get_running_loop().time(),
                spare_key=upstream.keys.has_spare(upstream.model),
                random=self._random,
            )
            if following.step is Step.NEXT_TARGET:
                return None
            await asyncio.sleep(following.wait_s)
        return None

    async def _left(self, found: "_Found") -> Upstream | None:
        """Choose a target to try once more after the whole plan has failed; None if there is none.

        Targets whose breakers gave no permit come first. While other requests probe them, this
        request waits up to `PROBE_S` for the results: an unused target may have recovered
        unnoticed, and when the targets before it fail, all of their requests come to it. Targets
        that could not be connected to come next, because a lost packet says nothing about their
        health. Each target is chosen once.
        """
        upstreams = [
            upstream for upstream in (*found.spared, *found.unreached) if upstream not in found.had
        ]
        if found.unreached and upstreams:
            await asyncio.sleep(full_jitter_s(1, self._random))
        loop = asyncio.get_running_loop()
        until = loop.time() + PROBE_S
        while True:
            for upstream in upstreams:
                if upstream.breaker.available(early=True):
                    found.had.append(upstream)
                    return upstream
            if loop.time() >= until or not any(upstream.breaker.probing for upstream in upstreams):
                return None
            await asyncio.sleep(PROBE_LOOK_S)

    @staticmethod
    def _may_retry(upstream: Upstream, failure: UpstreamFailure | None) -> bool:
        """Whether the retry budget allows a retry; a refused key costs the provider nothing."""
        refused = failure is not None and failure.symptom is Symptom.KEY_REFUSED
        return refused or upstream.budget.take_retry()

    @staticmethod
    def _encoded(exchange: Exchange, upstream: Upstream, most_tokens: int | None = None) -> Encoded:
        """Encode the request for the target.

        This comes before the breaker's permit, because permits for probes are few. `most_tokens`
        caps the length of the answer when the target has refused a longer one.

        Raises:
            Untranslatable: the request cannot be expressed in the target's format.
        """
        try:
            how = Encoding(upstream.learned.refuses, upstream.learned.calls)
            call = exchange.call
            if call.mended:
                how.adapted.add("messages")
            most = most_tokens or upstream.learned.most_tokens
            if most is not None:
                call = call.at_most(most)
                if call is not exchange.call:
                    how.adapted.add("max_tokens")
            refused = upstream.learned.refuses
            if refused:
                how.adapted |= (MAY_BE_MISSING & refused & call.fields.keys()) - SAY_NOTHING
                call = call.without(MAY_BE_MISSING & refused)
            gathers = upstream.gathers and not call.stream and "audio" not in call.fields
            gathers = gathers and how.may_add("stream")
            if gathers:
                call = msgspec.structs.replace(call, stream=True)
            return Encoded(upstream.dialect(call).encode(call, upstream.model, how), how, gathers)
        except MISREAD as error:
            raise Untranslatable(f"The request cannot be read: {error}", "messages") from None

    async def _try(
        self, exchange: Exchange, upstream: Upstream, permit: Permit, request: Encoded
    ) -> Committed:
        """Make one attempt. A failure is recorded with the breaker; an answer keeps the permit."""
        began = time.perf_counter()
        upstream.load.begin()
        exchange.last_tried = upstream
        spans = exchange.spans
        try:
            if spans is not None:
                begin_attempt(exchange, upstream)
            committed = await self._attempt.run(exchange, upstream, permit, request)
            committed.adapted = sorted(request.how.adapted)
        except (UpstreamFailure, *MISREAD) as caught:
            failure = as_failure(caught)
            upstream.load.end()
            upstream.stats.note(time.perf_counter() - began, failure.symptom.value)
            self._note(upstream, failure)
            if spans is not None:
                spans.end_attempt(failure.symptom.value)
            blamed = failure.symptom.blames_the_target
            upstream.breaker.record(permit, Outcome.FAILED if blamed else Outcome.NEUTRAL)
            try:
                raise failure from (None if failure is caught else caught)
            finally:
                del failure  # it and this frame would hold each other
        except BaseException:
            # Cancelled: the target is not to blame, but the permit must come back.
            upstream.load.end()
            upstream.breaker.record(permit, Outcome.NEUTRAL)
            self._metrics.attempt(upstream.provider, "cancelled")
            if spans is not None:
                spans.end_attempt("cancelled")
            raise
        seconds = time.perf_counter() - began
        upstream.stats.note(seconds)
        upstream.load.note(seconds)
        self._metrics.answered(upstream.provider, seconds)
        return committed

    def _note(self, upstream: Upstream, failure: UpstreamFailure) -> None:
        self._metrics.attempt(upstream.provider, failure.symptom.value)
        _log.debug("attempt at %s/%s failed: %s", upstream.provider, upstream.model, failure)

    @staticmethod
    def _all_failed(exchange: Exchange, found: "_Found") -> GatewayError:
        failure, refused = found.failure, found.refused
        if len(refused) == len(exchange.plan):
            return InvalidRequest(str(refused[0]), param=refused[0].param)
        if found.rate_limited and not found.others:
            return ProvidersRateLimited(
                f"Every provider of '{exchange.name}' is rate limited now; try again later.",
                retry_after_s=max(1.0, found.soonest_s or 0.0),
            )
        if failure is not None and failure.refusal is not None:
            return PassedOn(*failure.refusal)
        waits = [upstream.breaker.retry_in_s() for upstream in exchange.plan]
        retry_after_s = failure.retry_after_s if failure is not None else None
        reason = failure.symptom.value if failure is not None else "breaker open"
        return AllTargetsFailed(
            f"No provider of '{exchange.name}' could answer (last: {reason}).",
            retry_after_s=max(1.0, min(waits), retry_after_s or 0.0),
        )
