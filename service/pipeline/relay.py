"""Stage: the last. Passes the committed answer on, byte for byte, and notes how it ended.

`write` waits for a slow client, and then nothing more is read from the provider.
"""

from service.errors import StreamBroken
from service.pipeline.exchange import Committed, Exchange
from service.pipeline.services import Handler, Services
from service.providers.dialect import StreamScanner
from service.providers.failures import UpstreamFailure
from service.resilience.breaker import Outcome
from service.resilience.retry import Symptom

__all__ = ["Relay"]

_OK = 200
_PASSED_ON = ("content-type", "retry-after", "retry-after-ms", "x-should-retry")


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
        headers = [
            (name.encode(), answer.headers[name].encode("latin-1"))
            for name in _PASSED_ON
            if name in answer.headers
        ]
        await exchange.answer(answer.status, headers, committed.first)

    async def _stream(
        self, exchange: Exchange, committed: Committed, scanner: StreamScanner
    ) -> None:
        answer = committed.answer
        try:
            await exchange.start_stream()
            await exchange.write(committed.first, more=True)
            while not scanner.done:
                data = await answer.next(self._gap_s, "the next chunk")
                passed = scanner.feed(data) if data else scanner.finish()
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

    def _end(self, committed: Committed, outcome: Outcome, label: str) -> None:
        lane = committed.lane
        lane.breaker.record(committed.permit, outcome)
        self._metrics.attempt(lane.provider, label)
