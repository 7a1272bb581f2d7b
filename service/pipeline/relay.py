"""Stage: the last. Passes the committed answer on, byte for byte, and notes how it ended.

`write` waits for a slow client, and then nothing more is read from the provider.
"""

from collections.abc import Mapping

from contract.headers import SHOULD_RETRY
from service.errors import StreamBroken
from service.pipeline.exchange import Committed, Exchange
from service.pipeline.services import Handler, Services
from service.providers.dialect import StreamScanner
from service.providers.failures import UpstreamFailure
from service.providers.http import UpstreamAnswer
from service.resilience.breaker import Outcome
from service.resilience.retry import Symptom

__all__ = ["Relay"]

END_S = 0.1
"""The end marker comes together with the usage chunk, or never."""
_OK = 200
_JSON = "application/json"
_PASSED_ON = ("content-type", "retry-after", "retry-after-ms", SHOULD_RETRY)


def _passed_on(upstream: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """The headers that the client gets; what a header must not carry is dropped."""
    found = {"content-type": _JSON}
    for name in _PASSED_ON:
        value = upstream.get(name, "")
        if value and value.isascii() and value.isprintable():
            found[name] = value
    return [(name.encode(), value.encode()) for name, value in found.items()]


class Relay:
    """Answers the client from `exchange.committed`."""

    def __init__(self, services: Services, proceed: Handler) -> None:
        del proceed
        self._gap_s = services.settings.timeouts.gap_seconds
        self._metrics = services.metrics

    async def __call__(self, exchange: Exchange) -> None:
        """See `Stage`."""
        committed = exchange.committed
        if committed.scanner is None:
            await self._whole(exchange, committed)
        else:
            await self._stream(exchange, committed, committed.scanner)

    async def _whole(self, exchange: Exchange, committed: Committed) -> None:
        answer = committed.answer
        good = answer.status == _OK
        self._end(committed, Outcome.OK if good else Outcome.NEUTRAL, "ok" if good else "http_4xx")
        await exchange.answer(answer.status, _passed_on(answer.headers), committed.first)

    async def _stream(
        self, exchange: Exchange, committed: Committed, scanner: StreamScanner
    ) -> None:
        answer = committed.answer
        try:
            await exchange.start_stream()
            await exchange.write(committed.first, more=True)
            while not scanner.done:
                passed = await self._next(answer, scanner)
                if passed:
                    await exchange.write(passed, more=True)
        except UpstreamFailure as failure:
            symptom = failure.symptom
            # After the commit a reset and a missing end are the same to the client: a cut.
            outcome = Symptom.CUT if symptom is Symptom.RESET else symptom
            self._end(committed, Outcome.FAILED, outcome.value)
            raise StreamBroken(
                f"The provider's stream broke off ({outcome.value}); the answer is not complete."
            ) from failure
        except BaseException:
            self._end(committed, Outcome.NEUTRAL, "cancelled")
            raise
        self._end(committed, Outcome.OK, "ok")
        await exchange.write(b"", more=False)
        await answer.tidy()

    async def _next(self, answer: UpstreamAnswer, scanner: StreamScanner) -> bytes:
        """What the client gets next. An answer that lacks its end marker alone is whole."""
        wait_s = END_S if scanner.has_usage else self._gap_s
        try:
            data = await answer.next(wait_s, "the next chunk")
        except UpstreamFailure:
            if not scanner.finished:
                raise
            data = b""
        return scanner.feed(data) if data else scanner.finish()

    def _end(self, committed: Committed, outcome: Outcome, label: str) -> None:
        lane = committed.lane
        lane.breaker.record(committed.permit, outcome)
        self._metrics.attempt(lane.provider, label)
