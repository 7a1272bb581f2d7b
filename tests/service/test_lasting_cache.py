"""A cache whose values survive failures of their source."""

import asyncio
from collections import deque

import pytest

from service.resilience.stale_while_revalidate import StaleWhileRevalidateCache

FRESH_S = 10.0
OLD_S = 60.0
MAX_WAIT_S = 0.05


class Source:
    """A stub source that returns numbers, fails or blocks, as the test configures it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.failing = False
        self.gates: deque[asyncio.Event] = deque()
        self.cache = StaleWhileRevalidateCache(
            self.fetch,
            fresh_s=FRESH_S,
            old_s=OLD_S,
            max_wait_s=MAX_WAIT_S,
            clock=lambda: self.now,
        )

    async def fetch(self, key: str) -> str:
        self.asked += 1
        number = self.asked
        if self.gates:
            await self.gates.popleft().wait()
        if self.failing:
            raise OSError("no answer")
        return f"{key}{number}"

    def closed_gate(self) -> asyncio.Event:
        gate = asyncio.Event()
        self.gates.append(gate)
        return gate


@pytest.fixture
def source() -> Source:
    return Source()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_fresh_value_is_not_fetched_again(source: Source) -> None:
    assert [await source.cache.get("a") for _ in range(3)] == ["a1"] * 3
    assert source.asked == 1


async def test_expired_value_is_returned_at_once_and_refreshed_in_the_background(
    source: Source,
) -> None:
    await source.cache.get("a")
    source.now = FRESH_S
    gate = source.closed_gate()
    assert await source.cache.get("a") == "a1"
    assert await source.cache.get("a") == "a1"
    gate.set()
    await settle()
    assert await source.cache.get("a") == "a2"
    assert source.asked == 2, "one fetch, however many asked"


async def test_last_value_is_returned_while_its_source_fails(source: Source) -> None:
    await source.cache.get("a")
    source.failing = True
    for later in range(1, 100):
        source.now = FRESH_S * later
        assert await source.cache.get("a") == "a1"
        await settle()
    source.failing = False
    source.now += FRESH_S
    await source.cache.get("a")
    await settle()
    assert await source.cache.get("a") != "a1"


async def test_failing_source_is_asked_at_most_once_a_second(source: Source) -> None:
    await source.cache.get("a")
    source.failing, source.now = True, FRESH_S
    for _ in range(50):
        await source.cache.get("a")
        await settle()
    assert source.asked == 2
    source.now += 1.0
    await source.cache.get("a")
    await settle()
    assert source.asked == 3


async def test_first_load_failure_is_raised_and_retried(
    source: Source,
) -> None:
    source.failing = True
    with pytest.raises(OSError, match="no answer"):
        await source.cache.get("a")
    source.failing = False
    assert await source.cache.get("a") == "a2"


async def test_cancelled_waiter_does_not_cancel_the_shared_fetch(source: Source) -> None:
    gate = source.closed_gate()
    first = asyncio.ensure_future(source.cache.get("a"))
    second = asyncio.ensure_future(source.cache.get("a"))
    await settle()
    first.cancel()
    await settle()
    gate.set()
    assert await second == "a1"
    assert source.asked == 1


async def test_too_old_value_waits_for_a_new_fetch(source: Source) -> None:
    await source.cache.get("a")
    source.now = OLD_S
    assert await source.cache.get("a") == "a2"


async def test_too_old_value_is_returned_after_one_timed_out_wait(
    source: Source,
) -> None:
    await source.cache.get("a")
    source.now = OLD_S
    source.closed_gate()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert await source.cache.get("a") == "a1"
    assert loop.time() - begun >= MAX_WAIT_S * 0.9
    begun = loop.time()
    assert [await source.cache.get("a") for _ in range(100)] == ["a1"] * 100
    assert loop.time() - begun < MAX_WAIT_S
    source.cache.close()


async def test_close_cancels_running_fetches(source: Source) -> None:
    source.closed_gate()
    waiting = asyncio.ensure_future(source.cache.get("a"))
    await settle()
    source.cache.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
