import pytest

from service.resilience.breaker import BreakerState, Change, CircuitBreaker, Outcome, Permit


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

    def hear(
        self, change: Change | None, *, may_probe: bool = False, held_for_s: float = 2
    ) -> None:
        held_until = self.now + held_for_s
        self.breaker.hear(change, may_probe=may_probe, held_until=held_until)

    def opening(self, *, ago_s: float = 0, left_s: float = 5, open_s: float = 5) -> Change:
        return Change(opened=True, at=self.now - ago_s, until=self.now + left_s, open_s=open_s)

    def closing(self, *, ago_s: float = 0) -> Change:
        return Change(opened=False, at=self.now - ago_s)


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


def test_an_opening_is_told_once_with_its_time_and_so_is_a_closing(bench: Bench) -> None:
    assert bench.breaker.news() is None
    bench.open()
    opening = bench.breaker.news()
    assert opening is not None
    assert opening == Change(opened=True, at=100, until=105, open_s=5)
    bench.breaker.told(opening)
    assert bench.breaker.news() is None
    bench.now += 5
    bench.call(Outcome.OK)
    closing = bench.breaker.news()
    assert closing is not None
    assert closing == Change(opened=False, at=105)
    bench.call(*[Outcome.FAILED] * 5)
    bench.breaker.told(closing)
    assert bench.breaker.news() is not None, "it opened while the closing was on its way"


def test_another_replicas_opening_is_taken_over_for_the_time_that_is_left(bench: Bench) -> None:
    bench.hear(bench.opening(ago_s=1, left_s=3, open_s=20))
    assert bench.breaker.state is BreakerState.OPEN
    assert bench.breaker.learned
    assert bench.breaker.news() is None, "what was heard is not told again"
    assert bench.breaker.retry_in_s() == pytest.approx(3)
    bench.now += 3
    bench.call(Outcome.FAILED)
    assert bench.breaker.retry_in_s() == pytest.approx(20), (
        "a failed probe doubles the fleet's time"
    )


def test_who_had_a_success_since_the_report_does_not_take_it_over(bench: Bench) -> None:
    bench.call(Outcome.OK)
    bench.now += 0.5
    bench.hear(bench.opening(ago_s=1))
    assert bench.breaker.state is BreakerState.CLOSED
    bench.now += 1
    bench.breaker.confirm(bench.permit())
    bench.hear(bench.opening(ago_s=0.5))
    assert bench.breaker.state is BreakerState.CLOSED, "a stream's first content is a success, too"


def test_a_success_before_the_report_proves_nothing(bench: Bench) -> None:
    bench.call(Outcome.OK)
    bench.now += 1
    bench.hear(bench.opening(ago_s=0.5))
    assert bench.breaker.state is BreakerState.OPEN


def test_an_opening_whose_time_is_over_is_not_taken_over(bench: Bench) -> None:
    bench.hear(bench.opening(ago_s=6, left_s=0))
    assert bench.breaker.state is BreakerState.CLOSED


def test_without_the_lease_an_open_breaker_stays_so_when_its_time_is_over(bench: Bench) -> None:
    bench.open()
    bench.now += 4
    bench.hear(None)
    bench.now += 1
    assert bench.breaker.state is BreakerState.OPEN
    assert bench.breaker.acquire() is None
    assert bench.breaker.retry_in_s() == pytest.approx(1)
    bench.hear(None, may_probe=True)
    assert bench.breaker.state is BreakerState.HALF_OPEN
    bench.hear(None)
    assert not bench.breaker.available(), "the lease is another's by now"
    assert bench.permit(early=True).probe, "who has no other target left does not wait for anybody"


@pytest.mark.parametrize("told", [True, False], ids=["store gone", "exchange lost"])
def test_a_replica_that_hears_nothing_more_goes_on_alone(bench: Bench, told: bool) -> None:  # noqa: FBT001
    bench.open()
    bench.now += 4
    bench.hear(None)
    bench.now += 1
    if told:
        bench.breaker.alone()
    else:
        bench.now += 1
    assert bench.breaker.state is BreakerState.HALF_OPEN


def test_a_closing_ends_an_opening_that_was_taken_over(bench: Bench) -> None:
    bench.hear(bench.opening())
    bench.now += 1
    bench.hear(bench.closing())
    assert bench.breaker.state is BreakerState.CLOSED
    bench.open()
    assert bench.breaker.retry_in_s() == pytest.approx(5)


def test_an_opening_that_was_taken_over_ends_when_nobody_speaks_of_it_any_more(
    bench: Bench,
) -> None:
    bench.hear(bench.opening())
    bench.now += 4
    bench.hear(None)
    assert bench.breaker.state is BreakerState.OPEN
    bench.now += 1
    bench.hear(None)
    assert bench.breaker.state is BreakerState.CLOSED, "an idle replica would keep it for ever"
    bench.open()
    bench.now += 6
    bench.hear(None)
    assert bench.breaker.state is not BreakerState.CLOSED, "its own opening wants a probe"


def test_a_closing_lets_who_saw_failures_itself_probe_at_once(bench: Bench) -> None:
    bench.open()
    bench.now += 1
    closing = bench.closing()
    bench.hear(closing)
    assert bench.breaker.state is BreakerState.HALF_OPEN
    bench.now += 1
    bench.hear(closing)
    bench.call(Outcome.FAILED)
    assert bench.breaker.state is BreakerState.OPEN
    bench.hear(closing)
    assert bench.breaker.state is BreakerState.OPEN, "the closing is older than this opening"
    assert bench.breaker.retry_in_s() == pytest.approx(10)


def test_a_closing_from_before_the_opening_changes_nothing(bench: Bench) -> None:
    bench.open()
    bench.hear(bench.closing(ago_s=1))
    assert bench.breaker.state is BreakerState.OPEN


def test_what_is_heard_does_not_disturb_a_probe_that_is_out(bench: Bench) -> None:
    bench.open()
    bench.now += 5
    probe = bench.permit()
    bench.hear(bench.opening(left_s=9))
    bench.breaker.record(probe, Outcome.OK)
    assert bench.breaker.state is BreakerState.CLOSED


def test_a_later_failure_of_another_replica_lengthens_an_opening(bench: Bench) -> None:
    bench.open()
    bench.now += 1
    bench.hear(bench.opening(left_s=10, open_s=10))
    assert bench.breaker.retry_in_s() == pytest.approx(10)


def test_only_requests_make_a_probe_wanted(bench: Bench) -> None:
    bench.open()
    assert not bench.breaker.wanted
    bench.breaker.want()
    assert bench.breaker.wanted
    bench.now += 5
    assert not bench.breaker.wanted
