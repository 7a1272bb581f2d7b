"""Sends all calls of one iteration of the event loop as one Redis pipeline.

Calls that arrive while a pipeline is in flight wait for the next one. A few large pipelines cost
less than many small ones, and need one connection.
"""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from service.errors import StateUnavailable
from service.state.event_loop_timeout import event_loop_timeout
from service.state.redis_client import Numbers, RedisClient, translated
from service.state.scripts import Call

__all__ = ["HOT_PATH_S", "Batches"]

HOT_PATH_S = 0.05
"""The longest time in seconds that a request waits for Redis."""
BATCH = 64
"""Calls in one pipeline: they take Redis a few milliseconds, far below the timeout."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A waiting call, and the future for its answer."""

    call: Call
    answer: "asyncio.Future[Numbers]"


class Batches:
    """Gathers calls into pipelines, and resolves their futures."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._waiting: list[_Waiting] = []
        self._batch: asyncio.Task[None] | None = None

    def answer(self, call: Call) -> "asyncio.Future[Numbers]":
        """Add a call to the batch of this iteration of the event loop.

        The future raises StateUnavailable if there is no answer within 50 ms.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(call, loop.create_future())
        if not self._waiting and self._batch is None:
            loop.call_soon(self._send)
        self._waiting.append(waiting)
        return waiting.answer

    def _send(self) -> None:
        if self._batch is not None or not self._waiting:
            return
        # Callers that gave up meanwhile must not be charged.
        waiting = [one for one in self._waiting if not one.answer.done()]
        batch, self._waiting = waiting[:BATCH], waiting[BATCH:]
        if not batch:
            return
        self._batch = asyncio.get_running_loop().create_task(self._serve(batch))
        self._batch.add_done_callback(self._served)

    def _served(self, _: asyncio.Task[None]) -> None:
        self._batch = None
        self._send()

    async def _serve(self, batch: list[_Waiting]) -> None:
        """Run a batch; every future of it is resolved, whatever happens."""
        answers: Sequence[Numbers | StateUnavailable] = ()
        try:
            async with event_loop_timeout(HOT_PATH_S):
                answers = await self._client.run([waiting.call for waiting in batch])
        except Exception as error:  # noqa: BLE001 - callers wait, whatever the library raises
            # Calls that arrived meanwhile would wait for the same failure.
            batch += self._waiting
            self._waiting = []
            answers = [translated(error)] * len(batch)
        finally:
            self._resolve(batch, answers)

    @staticmethod
    def _resolve(batch: list[_Waiting], answers: Sequence[Numbers | StateUnavailable]) -> None:
        missing = itertools.repeat(StateUnavailable("other", "no answer"))
        every = itertools.chain(answers, missing)
        for waiting, answer in zip(batch, every, strict=False):
            if waiting.answer.done():
                continue
            if isinstance(answer, StateUnavailable):
                waiting.answer.set_exception(answer)
            else:
                waiting.answer.set_result(answer)
