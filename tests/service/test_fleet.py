"""The exchange between replicas through a real Redis."""

import itertools
import time
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path

import pytest

from seawall.common.wait import wait_until
from service.resilience.breaker import BreakerState, CircuitBreaker, Outcome
from service.settings import RedisState
from service.state import redis_client, redis_store
from service.state.fleet import Fleet
from service.state.fleet_script import Heard, Report, Wish
from service.state.memory import MemoryStore
from service.state.redis_store import RedisStore
from service.state.store import Store
from tests.service.redis_kit import RedisUnderTest


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisUnderTest]:
    server = RedisUnderTest(tmp_path_factory.mktemp("redis"))
    try:
        server.wait_until_up()
        yield server
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def _long_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise the timeouts: these tests check the content, not the speed of a busy machine."""
    monkeypatch.setattr(redis_store, "EXCHANGE_S", 5.0)
    monkeypatch.setattr(redis_client, "CONNECT_S", 5.0)
    monkeypatch.setattr(redis_client, "COMMAND_S", 5.0)


@pytest.fixture
async def store(redis: RedisUnderTest, folder: Path) -> AsyncGenerator[RedisStore]:
    redis.master.command("FLUSHALL")
    found = RedisStore(RedisState.model_validate(redis.settings(folder), strict=False), folder)
    yield found
    await found.close()


async def say(store: Store, replica: str, report: Report) -> Heard:
    view = await store.exchange(replica, [report])
    assert view is not None
    return view.heard[0]


def opening(left_s: float = 5.0, age_s: float = 0.0) -> Report:
    return Report("p/m", opened=True, age_s=age_s, left_s=left_s, open_s=5)


NOTHING = Report("p/m")
WANTED = Report("p/m", Wish.LEASE)


async def test_opening_reaches_other_replicas_as_durations(store: RedisStore) -> None:
    assert (await say(store, "a", opening(age_s=1))).opened is None, "not its own"
    heard = await say(store, "b", NOTHING)
    assert heard.opened is True
    assert heard.age_s == pytest.approx(1, abs=0.3)
    assert heard.left_s == pytest.approx(5, abs=0.3)
    assert heard.open_s == 5


async def test_latest_change_wins_regardless_of_arrival_order(store: RedisStore) -> None:
    await say(store, "a", Report("p/m", opened=False, age_s=0.5))
    await say(store, "b", opening(age_s=2))
    assert (await say(store, "c", NOTHING)).opened is False


async def test_one_replica_holds_the_probe_lease_until_it_expires(
    store: RedisStore, redis: RedisUnderTest
) -> None:
    await say(store, "a", opening(left_s=1))
    assert [(await say(store, one, WANTED)).may_probe for one in "bcb"] == [True, False, True]
    assert not (await say(store, "c", Report("p/m", Wish.KEEP))).may_probe
    left_ms = int(redis.master.command("PTTL", "seawall:{fleet}:probe:p/m").strip(":\r\n"))
    assert 2000 < left_ms <= 3000, "who sends no probe gives it up by itself"
    redis.master.command("DEL", "seawall:{fleet}:probe:p/m")
    assert (await say(store, "c", WANTED)).may_probe


async def test_replica_that_does_not_want_to_probe_gets_no_lease(store: RedisStore) -> None:
    await say(store, "a", opening(left_s=0))
    assert not (await say(store, "b", NOTHING)).may_probe
    assert (await say(store, "a", WANTED)).may_probe, "nobody else wanted it"


async def test_lease_is_granted_shortly_before_the_end_and_to_the_reporter_last(
    store: RedisStore,
) -> None:
    await say(store, "a", opening(left_s=4, age_s=1))
    assert not (await say(store, "b", WANTED)).may_probe, "too early for anybody"
    await say(store, "a", opening(left_s=1.5))
    assert not (await say(store, "a", WANTED)).may_probe, "it reported: the others come first"
    assert (await say(store, "b", WANTED)).may_probe


async def test_all_fleet_keys_expire_and_share_one_hash_slot(
    store: RedisStore, redis: RedisUnderTest
) -> None:
    await say(store, "a", Report("p/m", Wish.LEASE, True, 0, 0, 5))  # noqa: FBT003
    found = redis.master.command("KEYS", "*").split("\r\n")
    keys = [line for line in found if line.startswith("seawall:")]
    assert sorted(keys) == [
        "seawall:{fleet}:breaker:p/m",
        "seawall:{fleet}:probe:p/m",
        "seawall:{fleet}:replicas",
    ]
    assert all(int(redis.master.command("PTTL", key).strip(":\r\n")) > 0 for key in keys)


class Replica:
    """A breaker and its fleet, with a clock from the test."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self.breaker = CircuitBreaker(clock=clock, random=lambda: 0.5, on_change=lambda _: None)
        self.errors: list[str] = []
        self.fleet = Fleet(
            store,
            lambda: {"p/m": self.breaker},
            replicas=7,
            clock=clock,
            on_error=self.errors.append,
        )

    def call(self, *outcomes: Outcome) -> None:
        for outcome in outcomes:
            permit = self.breaker.acquire()
            assert permit is not None
            self.breaker.record(permit, outcome)


async def test_opening_and_recovery_reach_the_other_replica(store: RedisStore) -> None:
    # Use the real clock: reports carry their age, and Redis' own clock runs on.
    first, second = (Replica(store, time.monotonic) for _ in range(2))
    first.call(*[Outcome.FAILED] * 5)
    await first.fleet.exchange()
    await second.fleet.exchange()
    assert second.breaker.state is BreakerState.OPEN
    assert second.breaker.retry_in_s() == pytest.approx(5, abs=2)
    assert second.fleet.replicas == 2
    told = time.monotonic()
    # Redis counts milliseconds: a report in the same millisecond is not later.
    wait_until(lambda: time.monotonic() - told > 0.002, deadline_s=1, what="2 ms", interval_s=0.001)
    permit = second.breaker.acquire(early=True)
    assert permit is not None
    second.breaker.record(permit, Outcome.OK)
    await second.fleet.exchange()
    await first.fleet.exchange()
    assert first.breaker.state is BreakerState.HALF_OPEN, "its own failures, its own probe"


async def test_replica_uses_the_configured_count_and_probes_alone_without_redis(
    store: RedisStore, redis: RedisUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    replica = Replica(store, lambda: now[0])
    replica.call(*[Outcome.FAILED] * 5)
    await replica.fleet.exchange()
    assert replica.fleet.replicas == 1
    monkeypatch.setattr(redis_store, "EXCHANGE_S", 0.2)
    redis.master.freeze()
    try:
        await replica.fleet.exchange()
    finally:
        redis.master.thaw()
    assert replica.errors == ["timeout"]
    assert replica.fleet.replicas == 7, "as configured"
    now[0] += 5
    assert replica.breaker.state is BreakerState.HALF_OPEN


async def test_memory_store_reports_the_configured_number_of_replicas() -> None:
    counter = itertools.count()
    replica = Replica(MemoryStore(), lambda: float(next(counter)))
    await replica.fleet.exchange()
    assert (replica.fleet.replicas, replica.errors) == (7, [])
