"""A circuit breaker for one (provider, model): when to stop calling, when to try again.

It decides and counts; it neither calls nor waits. Callers ask for a permit and give it back with
an outcome, for streams at the stream's end; a probe ends at a stream's first content.

What a breaker found out it tells as a `Change`, and it hears those of the other replicas; who
carries them is `service.state.fleet`. A breaker that hears nothing goes by its own calls alone.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

__all__ = ["BreakerState", "Change", "CircuitBreaker", "Outcome", "Permit"]

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
JUST_OPENED_S = 1.0
"""So long the others may be probed for the first time since they are needed."""
WANTED_S = 5.0
"""After the last request that would have gone to the target nobody waits for its probe."""


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


class Permit(NamedTuple):
    """The right to one call; outcomes of permits from an earlier state are ignored."""

    generation: int
    probe: bool


@dataclass(frozen=True, slots=True)
class Change:
    """An opening or a closing; times are those of the clock of the breaker that has it."""

    opened: bool
    at: float
    until: float = 0.0
    """Of an opening: when its time is over."""
    open_s: float = OPEN_BASE_S
    """Of an opening: its length without jitter, which a failed probe doubles."""


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
        self._opened_at = 0.0
        self._ok_at = float("-inf")
        self._wanted_at = float("-inf")
        self._held_until = 0.0
        self._change: Change | None = None
        self.learned = False
        """Whether it opened because another replica's did; read it while it is open."""

    @property
    def state(self) -> BreakerState:
        """The state now; an open breaker whose time is over, and that may probe, is half_open."""
        if self._state is BreakerState.OPEN and self._clock() >= self._spared_until():
            self._move(BreakerState.HALF_OPEN)
        return self._state

    @property
    def probing(self) -> bool:
        """Whether a probe is out from here."""
        return self._probe_out

    @property
    def just_opened(self) -> bool:
        """Whether it is not closed and its target failed within the last second."""
        return (
            self._state is not BreakerState.CLOSED
            and self._clock() - self._opened_at < JUST_OPENED_S
        )

    @property
    def wanted(self) -> bool:
        """Whether requests asked for the target while it was not closed, in the last 5 s."""
        return self._clock() - self._wanted_at < WANTED_S

    def want(self) -> None:
        """A request would have gone to the target, were the breaker not open."""
        self._wanted_at = self._clock()

    def retry_in_s(self) -> float:
        """Seconds until a call may be tried; 0 when it may be tried now."""
        if self.state is BreakerState.OPEN:
            return max(0.0, self._spared_until() - self._clock())
        return 0.0

    def available(self, *, early: bool = False) -> bool:
        """Whether `acquire` would give a permit."""
        state = self.state
        if state is BreakerState.CLOSED:
            return True
        if self._probe_out:
            return False
        now = self._clock()
        due = state is BreakerState.HALF_OPEN and now >= self._held_until
        return due or (early and now >= self._early_from)

    def acquire(self, *, early: bool = False) -> Permit | None:
        """Ask to call; None means no.

        With `early`, an open breaker also permits one probe at a time, four in a second: for
        callers that have no other target left.
        """
        if self.state is BreakerState.CLOSED:
            return Permit(self._generation, probe=False)
        if not self.available(early=early):
            return None
        now = self._clock()
        if now < self._spared_until():
            self._early_from = now + EARLY_PAUSE_S
        self._probe_out = True
        return Permit(self._generation, probe=True)

    def confirm(self, permit: Permit) -> Permit:
        """The target gives valid content, though not all of it yet; the permit for the rest.

        That answers a probe's question, so that a long answer does not keep the others waiting;
        how the rest ends counts like any other call.
        """
        if not permit.probe:
            self._ok_at = self._clock()
            return permit
        self.record(permit, Outcome.OK)
        return Permit(self._generation, probe=False)

    def record(self, permit: Permit, outcome: Outcome) -> None:
        """Give a permit back with how the call ended. Each permit is given back once."""
        if outcome is Outcome.OK:
            self._ok_at = self._clock()
        if permit.probe:
            self._probe_out = False
            self._record_probe(permit, outcome)
        elif permit.generation == self._generation and outcome is not Outcome.NEUTRAL:
            self._record_call(failed=outcome is Outcome.FAILED)

    def news(self) -> Change | None:
        """The last opening or closing that happened here, as long as it was not `told`."""
        return self._change

    def told(self, change: Change) -> None:
        """The others know of `change`."""
        if self._change is change:
            self._change = None

    def hear(self, change: Change | None, *, may_probe: bool, held_until: float) -> None:
        """Take what the fleet says: another replica's last change, and who sends the probe.

        An opening is taken over unless a call from here went well since. A closing ends an opening
        that was taken over, and so does silence after its time: an idle replica has no probe of its
        own. One that came from calls from here may be probed at once after a closing. Before
        `held_until` no other probe goes out, unless this replica `may_probe`.
        """
        closing = change is not None and not change.opened and change.at > self._opened_at
        free = may_probe or closing or self._state is BreakerState.CLOSED
        self._held_until = 0.0 if free else held_until
        if self._probe_out:
            return
        if change is None:
            if self.learned and self._clock() >= self._open_until:
                self._forget()
        elif change.opened:
            self._learn_opening(change)
        elif closing and self.learned:
            self._forget()
        elif closing:
            self._open_until = min(self._open_until, self._clock())

    def alone(self) -> None:
        """Nothing is heard of the fleet any more."""
        self._held_until = 0.0

    def _learn_opening(self, change: Change) -> None:
        seen = max(self._ok_at, self._opened_at)
        if change.at <= seen or change.until <= self._clock():
            return
        if self._state is BreakerState.CLOSED:
            self.learned = True
        self._opened_at = change.at
        self._open_until = change.until
        self._open_s = change.open_s
        if self._state is not BreakerState.OPEN:
            self._move(BreakerState.OPEN)

    def _forget(self) -> None:
        if self._state is not BreakerState.CLOSED:
            self._open_s = OPEN_BASE_S
            self._move(BreakerState.CLOSED)

    def _spared_until(self) -> float:
        return max(self._open_until, self._held_until)

    def _record_probe(self, permit: Permit, outcome: Outcome) -> None:
        if outcome is Outcome.OK:
            self._open_s = OPEN_BASE_S
            self._change = Change(opened=False, at=self._clock())
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
        self._opened_at = self._clock()
        self._open_until = self._opened_at + self._open_s * jitter
        self._change = Change(
            opened=True, at=self._opened_at, until=self._open_until, open_s=self._open_s
        )
        self.learned = False
        self._move(BreakerState.OPEN)

    def _move(self, state: BreakerState) -> None:
        self._state = state
        self._generation += 1
        self._calls.clear()
        self._failed = 0
        self._in_a_row = 0
        self._on_change(state)
