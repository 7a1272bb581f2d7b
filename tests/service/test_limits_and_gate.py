import asyncio

import pytest

from service.resilience.adaptive import AdaptiveShare
from service.resilience.concurrency_limiter import ConcurrencyLimiter, QueueFullError
from service.resilience.gcra import Decision, Limit, take
from service.state.memory import MemoryStore
from service.telemetry.log import redact


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    limit = Limit(rate=7, burst=13)
    tat, admitted = 0.0, 0
    for tick in range(10_000):
        tat, decision = take(limit, tat, 1000 + tick / 1000)
        admitted += decision.allowed
    assert admitted == pytest.approx(13 + 7 * 10, rel=0.02)


def test_refusal_has_a_retry_after_time() -> None:
    store = MemoryStore(clock=lambda: 50.0)
    limit = Limit(rate=2, burst=1)
    assert store.take_now("key", limit) == Decision(
        allowed=True, remaining=0, retry_after_s=0.0, reset_s=0.5
    )
    refused = store.take_now("key", limit)
    assert not refused.allowed
    assert refused.retry_after_s == pytest.approx(0.5)


def test_each_replica_gets_its_share_of_the_limit_and_at_least_one() -> None:
    assert Limit(rate=10, burst=3).shared_by(4) == Limit(rate=2.5, burst=1)


def test_adaptive_share_falls_with_failures_and_rises_without() -> None:
    shares: list[float] = []
    share = AdaptiveShare(shares.append)
    for number in range(99):
        share.note(failed=number % 5 == 0)
    assert share.now == 1, "99 requests say nothing"
    share.note(failed=False)
    assert share.now == pytest.approx(0.8)
    for number in range(100):
        share.note(failed=number % 20 == 0)
    assert share.now == pytest.approx(0.8), "5 % are neither many nor few"
    for _ in range(3000):
        share.note(failed=True)
    assert share.now == pytest.approx(0.1)
    for _ in range(1300):
        share.note(failed=False)
    assert share.now == 1
    assert shares[-1] == 1


def test_slowed_limit_scales_rate_and_burst() -> None:
    assert Limit(rate=10, burst=5).slowed(0.5) == Limit(rate=5, burst=2)
    assert Limit(rate=10, burst=1).slowed(0.1) == Limit(rate=1, burst=1)


async def test_gate_admits_waiters_in_order_and_refuses_beyond_its_queue() -> None:
    limiter = ConcurrencyLimiter(limit=1, queue=2)
    order: list[str] = []

    async def visit(name: str) -> None:
        await limiter.acquire()
        order.append(name)

    await limiter.acquire()
    waiting = [asyncio.create_task(visit(name)) for name in "ab"]
    await asyncio.sleep(0)
    with pytest.raises(QueueFullError):
        await limiter.acquire()
    limiter.release()
    limiter.release()
    await asyncio.gather(*waiting)
    assert order == ["a", "b"]


async def test_cancelled_waiter_frees_its_place_in_the_queue() -> None:
    limiter = ConcurrencyLimiter(limit=1, queue=1)
    await limiter.acquire()
    waiter = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0)
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    limiter.release()
    await limiter.acquire()
    assert limiter.in_flight == 1


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hunter2hunter2",
        "password=hunter2hunter2",
        "key sk-hunter2hunter2",
        "redis://app:hunter2hunter2@redis:6379",
        '{"api_key": "hunter2hunter2"}',
    ],
)
def test_credentials_are_redacted(text: str) -> None:
    assert "hunter2" not in redact(text)


def test_ordinary_text_is_left_alone() -> None:
    assert redact("limits are shared again, 3 keys") == "limits are shared again, 3 keys"
