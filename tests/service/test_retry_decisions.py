import pytest

from service.resilience.retry import Next, Step, Symptom, decide, full_jitter_s
from service.resilience.retry_budget import RetryBudget

NEXT = Next(Step.NEXT_TARGET)


def after(
    symptom: Symptom,
    *,
    tries: int = 1,
    spare: int = 1,
    retry_after_s: float | None = None,
    remaining_s: float = 60,
    spare_key: bool = False,
) -> Next:
    return decide(
        symptom,
        tries=tries,
        spare=spare,
        retry_after_s=retry_after_s,
        remaining_s=remaining_s,
        spare_key=spare_key,
        random=lambda: 0.5,
    )


@pytest.mark.parametrize(
    "symptom", [Symptom.CONNECT, Symptom.TIMEOUT, Symptom.MALFORMED, Symptom.KEY_REFUSED]
)
def test_timeouts_and_malformed_answers_move_to_the_next_target(symptom: Symptom) -> None:
    assert after(symptom) == NEXT


@pytest.mark.parametrize("symptom", [Symptom.SERVER_ERROR, Symptom.RESET])
def test_a_5xx_or_a_reset_gets_one_retry_on_the_same_target(symptom: Symptom) -> None:
    assert after(symptom).step is Step.SAME_TARGET
    assert after(symptom, tries=2) == NEXT


def test_a_429_waits_once_for_a_short_retry_after() -> None:
    assert after(Symptom.RATE_LIMITED, retry_after_s=3) == Next(Step.SAME_TARGET, 3)
    assert after(Symptom.RATE_LIMITED, retry_after_s=3, tries=2) == NEXT


@pytest.mark.parametrize("retry_after_s", [None, 3.1, 60])
def test_a_429_with_a_long_or_no_retry_after_moves_on(retry_after_s: float | None) -> None:
    assert after(Symptom.RATE_LIMITED, retry_after_s=retry_after_s) == NEXT


@pytest.mark.parametrize("symptom", [Symptom.SERVER_ERROR, Symptom.RATE_LIMITED])
def test_last_retry_is_reserved_for_targets_not_yet_tried(symptom: Symptom) -> None:
    assert after(symptom, retry_after_s=1, spare=1).step is Step.SAME_TARGET
    assert after(symptom, retry_after_s=1, spare=0) == NEXT


def test_no_retry_waits_past_the_deadline() -> None:
    assert after(Symptom.RATE_LIMITED, retry_after_s=2, remaining_s=1) == NEXT
    assert after(Symptom.SERVER_ERROR, remaining_s=0.01) == NEXT


def test_rate_limits_and_key_errors_are_not_breaker_failures() -> None:
    blameless = {symptom for symptom in Symptom if not symptom.blames_the_target}
    assert blameless == {
        Symptom.RATE_LIMITED,
        Symptom.KEY_REFUSED,
        Symptom.TOO_LONG,
        Symptom.UNABLE,
        Symptom.UNTRANSLATED,
        Symptom.TOO_MANY_TOKENS,
        Symptom.OWN_FIELD,
    }


def test_jitter_is_full_and_capped() -> None:
    assert full_jitter_s(1, lambda: 0.0) == 0
    assert full_jitter_s(20, lambda: 1.0) == 1.0


def test_retry_budget_is_a_fifth_of_recent_requests_and_at_least_three() -> None:
    now = 0.0
    budget = RetryBudget(lambda: now)
    assert [budget.take_retry() for _ in range(4)] == [True, True, True, False]
    for _ in range(100):
        budget.count_request()
    assert sum(budget.take_retry() for _ in range(100)) == 17, "3 were taken before"
    now = 10.0
    assert budget.take_retry(), "the window has passed"


@pytest.mark.parametrize("symptom", [Symptom.KEY_REFUSED, Symptom.RATE_LIMITED, Symptom.NO_MODEL])
def test_a_spare_key_is_tried_at_once(symptom: Symptom) -> None:
    found = after(symptom, spare_key=True, retry_after_s=30)
    assert found == Next(Step.SAME_TARGET, 0.0)
    assert after(symptom, tries=2, spare_key=True) == NEXT
