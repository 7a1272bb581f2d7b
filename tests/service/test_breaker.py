import pytest

from service.resilience.breaker import BreakerState, CircuitBreaker, Outcome, Permit


class Bench:
    """A breaker on a clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.states: list[BreakerState] = []
        self.breaker = CircuitBreaker(
            clock=lambda: self.now, random=lambda: 0.5, on_change=self.states.append
        )

    def permit(self, *, early: bool = False) -> Permit:
        permit = self.breaker.acquire(early=early)
        assert permit is not None
        return permit

    def call(self, *outcomes: Outcome) -> None:
        for outcome in outcomes:
            self.breaker.record(self.permit(), outcome)

    def open(self) -> None:
        self.call(*[Outcome.FAILED] * 5)
        assert self.breaker.state is BreakerState.OPEN


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_five_failures_in_a_row_open_it(bench: Bench) -> None:
    bench.call(*[Outcome.FAILED] * 4)
    assert bench.breaker.state is BreakerState.CLOSED
    bench.call(Outcome.FAILED)
    assert bench.breaker.state is BreakerState.OPEN
    assert bench.breaker.acquire() is None


def test_half_of_ten_calls_failing_opens_it(bench: Bench) -> None:
    bench.call(*[Outcome.OK, Outcome.FAILED] * 4, Outcome.OK)
    assert bench.breaker.state is BreakerState.CLOSED, "nine calls are too few to judge"
    bench.call(Outcome.FAILED)
    assert bench.breaker.state is BreakerState.OPEN


def test_failures_older_than_the_window_are_forgotten(bench: Bench) -> None:
    bench.call(*[Outcome.OK, Outcome.FAILED] * 4)
    bench.now += 30
    bench.call(Outcome.OK, Outcome.FAILED)
    assert bench.breaker.state is BreakerState.CLOSED


def test_neutral_outcomes_count_for_nothing(bench: Bench) -> None:
    bench.call(*[Outcome.FAILED] * 4, *[Outcome.NEUTRAL] * 20)
    assert bench.breaker.state is BreakerState.CLOSED
    bench.call(Outcome.FAILED)
    assert bench.breaker.state is BreakerState.OPEN, "a neutral outcome does not end the row"


def test_a_half_open_breaker_admits_one_probe(bench: Bench) -> None:
    bench.open()
    bench.now += 5
    assert bench.breaker.state is BreakerState.HALF_OPEN
    bench.permit()
    assert bench.breaker.acquire() is None


def test_a_probe_that_succeeds_closes_it(bench: Bench) -> None:
    bench.open()
    bench.now += 5
    bench.call(Outcome.OK)
    assert bench.breaker.state is BreakerState.CLOSED
    assert bench.states == [BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED]


def test_a_probe_that_fails_doubles_the_wait_up_to_twenty_seconds(bench: Bench) -> None:
    bench.open()
    for wait_s in (5, 10, 20, 20):
        assert bench.breaker.retry_in_s() == pytest.approx(wait_s)
        bench.now += wait_s
        bench.call(Outcome.FAILED)


def test_a_cancelled_probe_gives_its_place_back(bench: Bench) -> None:
    bench.open()
    bench.now += 5
    bench.call(Outcome.NEUTRAL)
    assert bench.breaker.state is BreakerState.HALF_OPEN
    assert bench.breaker.available()


def test_an_early_probe_is_alone_and_its_failure_does_not_lengthen_the_wait(bench: Bench) -> None:
    bench.open()
    probe = bench.permit(early=True)
    assert bench.breaker.acquire(early=True) is None
    bench.breaker.record(probe, Outcome.FAILED)
    assert bench.breaker.retry_in_s() == pytest.approx(5)


def test_an_early_probe_that_succeeds_closes_it(bench: Bench) -> None:
    bench.open()
    bench.breaker.record(bench.permit(early=True), Outcome.OK)
    assert bench.breaker.state is BreakerState.CLOSED


def test_calls_from_before_the_opening_do_not_judge_the_recovered_target(bench: Bench) -> None:
    slow = [bench.permit() for _ in range(5)]
    bench.open()
    bench.now += 5
    bench.call(Outcome.OK)
    for permit in slow:
        bench.breaker.record(permit, Outcome.FAILED)
    assert bench.breaker.state is BreakerState.CLOSED


def test_a_probe_ends_at_the_first_content_and_a_later_cut_is_an_ordinary_failure(
    bench: Bench,
) -> None:
    bench.open()
    bench.now += 5
    rest = bench.breaker.confirm(bench.permit())
    assert bench.breaker.state is BreakerState.CLOSED
    bench.call(*[Outcome.FAILED] * 4)
    bench.breaker.record(rest, Outcome.FAILED)
    assert bench.breaker.state is BreakerState.OPEN, "the cut is the fifth failure in a row"


def test_content_says_nothing_about_a_call_that_is_no_probe(bench: Bench) -> None:
    bench.call(*[Outcome.FAILED] * 4)
    permit = bench.breaker.confirm(bench.permit())
    bench.breaker.record(permit, Outcome.FAILED)
    assert bench.breaker.state is BreakerState.OPEN
