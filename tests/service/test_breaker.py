import pytest

from service.resilience.breaker import BreakerState, Change, CircuitBreaker, Outcome, Permit


class Bench:
    """A breaker with a clock that only the test moves."""

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


def test_five_consecutive_failures_open_the_breaker(bench: Bench) -> None:
    bench.call(*[Outcome.FAILED] * 4)
    assert bench.breaker.state is BreakerState.CLOSED
    bench.call(Outcome.FAILED)
    assert bench.breaker.state is BreakerState.OPEN
    assert bench.breaker.acquire() is None


def test_half_of_ten_calls_failing_opens_the_breaker(bench: Bench) -> None:
    bench.call(*[Outcome.OK, Outcome.FAILED] * 4, Outcome.OK)
    assert bench.breaker.state is BreakerState.CLOSED, "nine calls are too few to judge"
    bench.call(Outcome.FAILED)
    assert bench.breaker.state is BreakerState.OPEN


def test_failures_older_than_the_window_are_forgotten(bench: Bench) -> None:
    bench.call(*[Outcome.OK, Outcome.FAILED] * 4)
    bench.now += 30
    bench.call(Outcome.OK, Outcome.FAILED)
    assert bench.breaker.state is BreakerState.CLOSED


def test_neutral_outcomes_are_not_counted(bench: Bench) -> None:
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


def test_successful_probe_closes_the_breaker(bench: Bench) -> None:
    bench.open()
    bench.now += 5
    bench.call(Outcome.OK)
    assert bench.breaker.state is BreakerState.CLOSED
    assert bench.states == [BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED]


def test_failed_probe_doubles_the_open_time_up_to_twenty_seconds(bench: Bench) -> None:
    bench.open()
    for wait_s in (5, 10, 20, 20):
        assert bench.breaker.retry_in_s() == pytest.approx(wait_s)
        bench.now += wait_s
        bench.call(Outcome.FAILED)


def test_cancelled_probe_releases_its_slot(bench: Bench) -> None:
    bench.open()
    bench.now += 5
    bench.call(Outcome.NEUTRAL)
    assert bench.breaker.state is BreakerState.HALF_OPEN
    assert bench.breaker.available()


def test_only_one_early_probe_runs_and_its_failure_keeps_the_open_time(bench: Bench) -> None:
    bench.open()
    probe = bench.permit(early=True)
    assert bench.breaker.acquire(early=True) is None
    bench.breaker.record(probe, Outcome.FAILED)
    assert bench.breaker.retry_in_s() == pytest.approx(5)


def test_successful_early_probe_closes_the_breaker(bench: Bench) -> None:
    bench.open()
    bench.breaker.record(bench.permit(early=True), Outcome.OK)
    assert bench.breaker.state is BreakerState.CLOSED


def test_results_of_calls_started_before_the_opening_are_ignored(bench: Bench) -> None:
    slow = [bench.permit() for _ in range(5)]
    bench.open()
    bench.now += 5
    bench.call(Outcome.OK)
    for permit in slow:
        bench.breaker.record(permit, Outcome.FAILED)
    assert bench.breaker.state is BreakerState.CLOSED


def test_probe_succeeds_at_first_content_and_a_later_cut_counts_as_a_failure(
    bench: Bench,
) -> None:
    bench.open()
    bench.now += 5
    rest = bench.breaker.confirm(bench.permit())
    assert bench.breaker.state is BreakerState.CLOSED
    bench.call(*[Outcome.FAILED] * 4)
    bench.breaker.record(rest, Outcome.FAILED)
    assert bench.breaker.state is BreakerState.OPEN, "the cut is the fifth failure in a row"


def test_first_content_of_an_ordinary_call_does_not_reset_the_failures(bench: Bench) -> None:
    bench.call(*[Outcome.FAILED] * 4)
    permit = bench.breaker.confirm(bench.permit())
    bench.breaker.record(permit, Outcome.FAILED)
    assert bench.breaker.state is BreakerState.OPEN


def test_opening_and_closing_are_each_reported_once_with_their_times(bench: Bench) -> None:
    assert bench.breaker.news() is None
    bench.open()
    opening = bench.breaker.news()
    assert opening is not None
    assert opening == Change(opened=True, at=100, until=105, open_s=5)
    bench.breaker.acknowledge(opening)
    assert bench.breaker.news() is None
    bench.now += 5
    bench.call(Outcome.OK)
    closing = bench.breaker.news()
    assert closing is not None
    assert closing == Change(opened=False, at=105)
    bench.call(*[Outcome.FAILED] * 5)
    bench.breaker.acknowledge(closing)
    assert bench.breaker.news() is not None, "it opened while the closing was on its way"


def test_opening_of_another_replica_is_adopted_for_its_remaining_time(bench: Bench) -> None:
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


def test_reported_opening_is_ignored_after_a_newer_local_success(bench: Bench) -> None:
    bench.call(Outcome.OK)
    bench.now += 0.5
    bench.hear(bench.opening(ago_s=1))
    assert bench.breaker.state is BreakerState.CLOSED
    bench.now += 1
    bench.breaker.confirm(bench.permit())
    bench.hear(bench.opening(ago_s=0.5))
    assert bench.breaker.state is BreakerState.CLOSED, "a stream's first content is a success, too"


def test_reported_opening_is_adopted_after_an_older_local_success(bench: Bench) -> None:
    bench.call(Outcome.OK)
    bench.now += 1
    bench.hear(bench.opening(ago_s=0.5))
    assert bench.breaker.state is BreakerState.OPEN


def test_expired_opening_is_not_adopted(bench: Bench) -> None:
    bench.hear(bench.opening(ago_s=6, left_s=0))
    assert bench.breaker.state is BreakerState.CLOSED


def test_open_breaker_stays_open_after_its_time_without_the_probe_lease(bench: Bench) -> None:
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
def test_breaker_becomes_half_open_without_the_fleet_when_exchanges_stop(
    bench: Bench,
    told: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    bench.open()
    bench.now += 4
    bench.hear(None)
    bench.now += 1
    if told:
        bench.breaker.alone()
    else:
        bench.now += 1
    assert bench.breaker.state is BreakerState.HALF_OPEN


def test_reported_closing_closes_an_adopted_opening(bench: Bench) -> None:
    bench.hear(bench.opening())
    bench.now += 1
    bench.hear(bench.closing())
    assert bench.breaker.state is BreakerState.CLOSED
    bench.open()
    assert bench.breaker.retry_in_s() == pytest.approx(5)


def test_adopted_opening_closes_when_its_time_is_over_and_no_report_repeats_it(
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


def test_reported_closing_makes_a_locally_opened_breaker_half_open(bench: Bench) -> None:
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


def test_closing_older_than_the_opening_is_ignored(bench: Bench) -> None:
    bench.open()
    bench.hear(bench.closing(ago_s=1))
    assert bench.breaker.state is BreakerState.OPEN


def test_reports_do_not_disturb_a_running_probe(bench: Bench) -> None:
    bench.open()
    bench.now += 5
    probe = bench.permit()
    bench.hear(bench.opening(left_s=9))
    bench.breaker.record(probe, Outcome.OK)
    assert bench.breaker.state is BreakerState.CLOSED


def test_later_failure_reported_by_another_replica_extends_the_opening(bench: Bench) -> None:
    bench.open()
    bench.now += 1
    bench.hear(bench.opening(left_s=10, open_s=10))
    assert bench.breaker.retry_in_s() == pytest.approx(10)


def test_probe_is_wanted_only_after_a_request_asked_for_it(bench: Bench) -> None:
    bench.open()
    assert not bench.breaker.wanted
    bench.breaker.want()
    assert bench.breaker.wanted
    bench.now += 5
    assert not bench.breaker.wanted
