"""Stage: the last one. It passes the committed answer to the client and records how it ended.

While `write` waits for a slow client, nothing more is read from the provider.
"""

from contract.headers import SHOULD_RETRY
from service.errors import StreamBroken
from service.pipeline.attempt import END_S
from service.pipeline.dependencies import Dependencies, Handler
from service.pipeline.exchange import Committed, Exchange
from service.pipeline.keep_alive import KeepAlive
from service.providers.chat_request import Usage
from service.providers.dialect import MISREAD, StreamScanner, as_failure
from service.providers.failures import UpstreamFailure
from service.providers.http import UpstreamAnswer
from service.resilience.breaker import Outcome
from service.resilience.retry import Symptom

__all__ = ["Relay"]

_OK = 200
_JSON = "application/json"
_PASSED_ON = ("retry-after", "retry-after-ms", SHOULD_RETRY)


def _passed_on(answer: UpstreamAnswer) -> list[tuple[bytes, bytes]]:
    """The provider's headers that the client gets; values that are invalid in a header are dropped.

    The content type of a successful answer is JSON, because the provider may have sent a stream.
    """
    found = {"content-type": _JSON}
    received = answer.headers
    for name in _PASSED_ON if answer.status == _OK else ("content-type", *_PASSED_ON):
        value = received.get(name, "")
        if value and value.isascii() and value.isprintable():
            found[name] = value
    return [(name.encode(), value.encode()) for name, value in found.items()]


class Relay:
    """Answers the client from `exchange.committed`."""

    def __init__(self, dependencies: Dependencies, proceed: Handler) -> None:
        del proceed
        self._metrics = dependencies.metrics

    async def __call__(self, exchange: Exchange) -> None:
        committed = exchange.committed
        if committed.scanner is None:
            await self._whole(exchange, committed)
        else:
            await self._stream(exchange, committed, committed.scanner)

    async def _whole(self, exchange: Exchange, committed: Committed) -> None:
        answer = committed.answer
        good = answer.status == _OK
        self._end(
            exchange,
            committed,
            Outcome.OK if good else Outcome.NEUTRAL,
            "ok" if good else "http_4xx",
        )
        self._count(exchange, committed.upstream.provider, committed.usage)
        if exchange.started:
            # Keep-alive events were sent with status 200, so the refusal becomes an error event.
            exchange.broken = True
            self._metrics.broken(exchange.route)
            await exchange.write(exchange.client.event(committed.first), more=False)
            return
        await exchange.answer(answer.status, _passed_on(answer), committed.first)

    async def _stream(
        self, exchange: Exchange, committed: Committed, scanner: StreamScanner
    ) -> None:
        answer = committed.answer
        try:
            if not exchange.started:
                await exchange.start_stream()
            await exchange.write(committed.first, more=True)
            async with KeepAlive(exchange, exchange.timeouts.quiet.seconds) as silence:
                while not scanner.done:
                    passed = await self._next(answer, scanner, exchange.timeouts.gap.seconds)
                    if passed:
                        silence.heard()
                        await exchange.write(passed, more=True)
        except UpstreamFailure as failure:
            symptom = failure.symptom
            # After the commit, a reset and a missing end are the same to the client: CUT.
            outcome = Symptom.CUT if symptom is Symptom.RESET else symptom
            committed.upstream.stats.note(0.0, outcome.value)
            blamed = Outcome.FAILED if symptom.blames_the_target else Outcome.NEUTRAL
            self._end(exchange, committed, blamed, outcome.value)
            raise StreamBroken(
                f"The provider's stream broke off ({outcome.value}); the answer is not complete."
            ) from failure
        except BaseException:
            self._end(exchange, committed, Outcome.NEUTRAL, "cancelled")
            raise
        finally:
            self._count(exchange, committed.upstream.provider, scanner.usage)
        self._end(exchange, committed, Outcome.OK, "ok")
        await exchange.write(b"", more=False)
        await answer.tidy()

    @staticmethod
    async def _next(answer: UpstreamAnswer, scanner: StreamScanner, gap_s: float) -> bytes:
        """The next bytes for the client. An answer that lacks only its end marker is complete."""
        wait_s = END_S if scanner.has_usage else gap_s
        try:
            data = await answer.next(wait_s, "the next chunk")
        except UpstreamFailure:
            if not scanner.finished:
                raise
            data = b""
        try:
            return scanner.feed(data) if data else scanner.finish()
        except MISREAD as error:
            raise as_failure(error) from error

    def _end(self, exchange: Exchange, committed: Committed, outcome: Outcome, label: str) -> None:
        upstream = committed.upstream
        if exchange.spans is not None:
            exchange.spans.outcome = label
        upstream.breaker.record(committed.permit, outcome)
        self._metrics.attempt(upstream.provider, label)

    def _count(self, exchange: Exchange, provider: str, usage: Usage) -> None:
        exchange.usage = usage
        self._metrics.tokens(
            provider, prompt=usage.prompt, completion=usage.completion, cached=usage.cached
        )
