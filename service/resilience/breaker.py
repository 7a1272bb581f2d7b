"""A circuit breaker for one (provider, model): it decides when to stop calls and when to try again.

The breaker counts and decides; it makes no calls and never waits. Callers acquire a permit and give
it back with the outcome of the call. For a stream that is at its end; a probe ends at the stream's
first content.

The breaker reports its openings and closings as a `Change`, and takes in those of other replicas.
`service.state.fleet` carries them. Without the fleet, a breaker uses only its own calls.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

__all__ = ["BreakerState", "Change", "CircuitBreaker", "Outcome", "Permit"]

WINDOW_S = 30.0
"""Long enough for 10 calls at low traffic, and short enough to forget a provider's restart."""
MIN_CALLS = 10
FAILURE_RATIO = 0.5
CONSECUTIVE = 5
OPEN_BASE_S = 5.0
OPEN_MAX_S = 20.0
"""Even with the jitter, a recovered provider gets traffic again within 30 s."""
JITTER = 0.2
EARLY_PAUSE_S = 0.25
"""Seconds between early probes, so that an open breaker still protects its target."""
JUST_OPENED_S = 1.0
"""Seconds after an opening in which requests wait for the first probes of the other targets."""
WANTED_S = 5.0
"""Seconds after the last request for the target; after that, no request needs a probe."""


class BreakerState(Enum):
    """The three states; the value is what the metric shows."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Outcome(Enum):
    """How a permitted call ended; NEUTRAL does not affect the breaker."""

    OK = "ok"
    FAILED = "failed"
    NEUTRAL = "neutral"


class Permit(NamedTuple):
    """Permission for one call. The outcome of a permit from an earlier state is ignored."""

    generation: int
    probe: bool


@dataclass(frozen=True, slots=True)
class Change:
    """An opening or a closing; times are in seconds of the local breaker's clock."""

    opened: bool
    at: float
    until: float = 0.0
    """For an opening: when its open time ends."""
    open_s: float = OPEN_BASE_S
    """For an opening: its open time without jitter, which a failed probe doubles."""


class CircuitBreaker:
    """Opens at >= 10 calls with >= 50 % failed in 30 s, or at 5 failures in a row.

    The open time is 5 s, doubling up to 20 s while probes fail, with a jitter of plus or minus
    20 %. A half-open breaker permits one probe at a time, and closes when a probe succeeds.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        on_change: Callable[[BreakerState], None],
    ) -> None:
        """`random` returns a number in [0, 1); `on_change` is called with every new state."""
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
        """Whether it opened because another replica's breaker did; valid while it is open."""

    @property
    def state(self) -> BreakerState:
        """The state now; an open breaker becomes half-open when it may send a probe."""
        if self._state is BreakerState.OPEN and self._clock() >= self._spared_until():
            self._move(BreakerState.HALF_OPEN)
        return self._state

    @property
    def probing(self) -> bool:
        """Whether this replica has a probe in flight."""
        return self._probe_out

    @property
    def just_opened(self) -> bool:
        """Whether the breaker is not closed and opened within the last second."""
        return (
            self._state is not BreakerState.CLOSED
            and self._clock() - self._opened_at < JUST_OPENED_S
        )

    @property
    def wanted(self) -> bool:
        """Whether a request in the last 5 s would have used the target, but for the breaker."""
        return self._clock() - self._wanted_at < WANTED_S

    def want(self) -> None:
        """Note that a request would have gone to the target if the breaker were closed."""
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
        """Ask for a permit to call; None means that the call is not allowed.

        With `early`, an open breaker also permits one probe at a time, and at most four in a
        second. That is for callers that have no other target left.
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
        """Record that a stream delivered valid content; return the permit for its rest.

        A probe succeeds at this point, so that a long answer does not delay other requests. The
        end of the stream counts like any other call.
        """
        if not permit.probe:
            self._ok_at = self._clock()
            return permit
        self.record(permit, Outcome.OK)
        return Permit(self._generation, probe=False)

    def record(self, permit: Permit, outcome: Outcome) -> None:
        """Give a permit back with the outcome of its call. Each permit is given back once."""
        if outcome is Outcome.OK:
            self._ok_at = self._clock()
        if permit.probe:
            self._probe_out = False
            self._record_probe(permit, outcome)
        elif permit.generation == self._generation and outcome is not Outcome.NEUTRAL:
            self._record_call(failed=outcome is Outcome.FAILED)

    def news(self) -> Change | None:
        """The last opening or closing here, until `acknowledge` notes that it was sent."""
        return self._change

    def acknowledge(self, change: Change) -> None:
        """Note that `change` was sent to the other replicas."""
        if self._change is change:
            self._change = None

    def hear(self, change: Change | None, *, may_probe: bool, held_until: float) -> None:
        """Take in the state of the fleet.

        An opening by another replica is taken over, unless a local call succeeded since. Such an
        opening ends with a closing by another replica. It also ends when its open time is over and
        the fleet reports no change any more, because an idle replica sends no probe. A closing by
        another replica does not close a breaker that opened by local calls, but lets it probe at
        once.

        Args:
            change: the last opening or closing of another replica; None when there is none.
            may_probe: whether this replica may send the fleet's probe.
            held_until: when this replica may probe otherwise, by the breaker's clock.
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
        """Note that the fleet cannot be reached; the breaker uses only its own calls."""
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
