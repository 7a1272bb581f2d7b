"""A circuit breaker for one (provider, model): when to stop calling, when to try again.

It decides and counts; it neither calls nor waits. Callers ask for a permit and give it back with
an outcome, for streams at the stream's end; a probe ends at a stream's first content.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

__all__ = ["BreakerState", "CircuitBreaker", "Outcome", "Permit"]

WINDOW_S = 30.0
"""Long enough for 10 calls at low traffic, short enough to forget a restart of the provider."""
MIN_CALLS = 10
FAILURE_RATIO = 0.5
CONSECUTIVE = 5
OPEN_BASE_S = 5.0
OPEN_MAX_S = 20.0
"""With its jitter a recovered provider gets traffic again within 30 s."""
JITTER = 0.2
EARLY_PAUSE_S = 0.25
"""Between early probes, so that an open breaker goes on to spare its target."""


class BreakerState(Enum):
    """The three states; the value is what the metric shows."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Outcome(Enum):
    """How a permitted call ended; NEUTRAL says nothing about the target's health."""

    OK = "ok"
    FAILED = "failed"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to one call; outcomes of permits from an earlier state are ignored."""

    generation: int
    probe: bool


class CircuitBreaker:
    """Opens at >= 10 calls with >= 50 % failed in 30 s, or at 5 failures in a row.

    Open lasts 5 s, doubling to 20 s while probes fail, plus or minus 20 % of jitter. In
    half_open one probe is out at a time; its success closes.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        on_change: Callable[[BreakerState], None],
    ) -> None:
        """`random` gives a number in [0, 1); `on_change` is told every new state."""
        self._clock = clock
        self._random = random
        self._on_change = on_change
        self._state = BreakerState.CLOSED
        self._generation = 0
        self._calls: deque[tuple[float, bool]] = deque()
        self._failed = 0
        self._in_a_row = 0
        self._open_s = OPEN_BASE_S
        self._open_until = 0.0
        self._probe_out = False
        self._early_from = 0.0

    @property
    def state(self) -> BreakerState:
        """The state now; an open breaker whose time is over reads as half_open."""
        if self._state is BreakerState.OPEN and self._clock() >= self._open_until:
            self._move(BreakerState.HALF_OPEN)
        return self._state

    def retry_in_s(self) -> float:
        """Seconds until a call may be tried; 0 when it may be tried now."""
        if self.state is BreakerState.OPEN:
            return max(0.0, self._open_until - self._clock())
        return 0.0

    def available(self, *, early: bool = False) -> bool:
        """Whether `acquire` would give a permit."""
        state = self.state
        if state is BreakerState.CLOSED:
            return True
        if self._probe_out:
            return False
        return state is BreakerState.HALF_OPEN or (early and self._clock() >= self._early_from)

    def acquire(self, *, early: bool = False) -> Permit | None:
        """Ask to call; None means no.

        With `early`, an open breaker also permits one probe at a time, four in a second: for
        callers that have no other target left.
        """
        if self.state is BreakerState.CLOSED:
            return Permit(self._generation, probe=False)
        if not self.available(early=early):
            return None
        if self._state is BreakerState.OPEN:
            self._early_from = self._clock() + EARLY_PAUSE_S
        self._probe_out = True
        return Permit(self._generation, probe=True)

    def confirm(self, permit: Permit) -> Permit:
        """The target gives valid content, though not all of it yet; the permit for the rest.

        That answers a probe's question, so that a long answer does not keep the others waiting;
        how the rest ends counts like any other call.
        """
        if not permit.probe:
            return permit
        self.record(permit, Outcome.OK)
        return Permit(self._generation, probe=False)

    def record(self, permit: Permit, outcome: Outcome) -> None:
        """Give a permit back with how the call ended. Each permit is given back once."""
        if permit.probe:
            self._probe_out = False
            self._record_probe(permit, outcome)
        elif permit.generation == self._generation and outcome is not Outcome.NEUTRAL:
            self._record_call(failed=outcome is Outcome.FAILED)

    def _record_probe(self, permit: Permit, outcome: Outcome) -> None:
        if outcome is Outcome.OK:
            self._open_s = OPEN_BASE_S
            self._move(BreakerState.CLOSED)
        elif (
            outcome is Outcome.FAILED
            and self._state is BreakerState.HALF_OPEN
            and permit.generation == self._generation
        ):
            self._open_s = min(self._open_s * 2, OPEN_MAX_S)
            self._open()

    def _record_call(self, *, failed: bool) -> None:
        now = self._clock()
        while self._calls and self._calls[0][0] <= now - WINDOW_S:
            self._failed -= self._calls.popleft()[1]
        self._calls.append((now, failed))
        self._failed += failed
        self._in_a_row = self._in_a_row + 1 if failed else 0
        if not failed:
            return
        many = len(self._calls) >= MIN_CALLS
        if self._in_a_row >= CONSECUTIVE or (
            many and self._failed >= FAILURE_RATIO * len(self._calls)
        ):
            self._open()

    def _open(self) -> None:
        jitter = 1 + JITTER * (2 * self._random() - 1)
        self._open_until = self._clock() + self._open_s * jitter
        self._move(BreakerState.OPEN)

    def _move(self, state: BreakerState) -> None:
        self._state = state
        self._generation += 1
        self._calls.clear()
        self._failed = 0
        self._in_a_row = 0
        self._on_change(state)
