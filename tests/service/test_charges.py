"""Charges and settlements: the in-memory store and a real Redis give the same answers."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.resilience.gcra import Limit
from service.settings import RedisState
from service.state import redis_batches, redis_client
from service.state.charge_script import CHARGE
from service.state.charges import Account, Bucket, Budget, Charge, Settlement, window_starts
from service.state.memory import MemoryStore
from service.state.redis_store import RedisStore
from service.state.store import Store
from tests.service.redis_kit import RedisUnderTest

pytestmark = [pytest.mark.servers]

DOLLAR = 1_000_000_000
HOLD_S = 600


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
    """Raise the timeouts: these tests check answers, not the speed of a busy machine."""
    monkeypatch.setattr(redis_batches, "HOT_PATH_S", 20.0)
    monkeypatch.setattr(redis_client, "CONNECT_S", 20.0)
    monkeypatch.setattr(redis_client, "COMMAND_S", 20.0)
    # The default timeout.
    monkeypatch.setattr(redis_client.RedisClient.run_at_leisure, "__defaults__", (20.0,))


@pytest.fixture(params=["memory", "redis"])
async def store(
    request: pytest.FixtureRequest, redis: RedisUnderTest, tmp_path: Path
) -> AsyncGenerator[Store]:
    redis.master.command("FLUSHALL")
    made = MemoryStore() if request.param == "memory" else redis_store(redis, tmp_path)
    yield made
    await made.close()


_made: list[RedisStore] = []


@pytest.fixture(autouse=True)
async def _closed() -> AsyncGenerator[None]:  # pyright: ignore[reportUnusedFunction] - used by itself
    """Close the stores that a test created, also after a failure."""
    yield
    while _made:
        await _made.pop().close()


def redis_store(redis: RedisUnderTest, folder: Path) -> RedisStore:
    store = RedisStore(RedisState.model_validate(redis.settings(folder), strict=False), folder)
    _made.append(store)
    return store


def charge(
    number: int,
    *buckets: tuple[Bucket, int],
    held: int = 0,
    day: int = 0,
    hold_s: int = HOLD_S,
    hour: int = 0,
) -> Charge:
    budget = Budget((hour, day, 0)) if hour or day else None
    account = Account("seawall:{t}:account:k", "k", budget)
    return Charge(str(number), account, buckets, held, hold_s)


def bucket(name: str, rate: float, burst: int, *, of_tokens: bool = False) -> Bucket:
    return Bucket(f"seawall:{{t}}:{name}", Limit(rate, burst), name, of_tokens)


async def test_charge_takes_from_all_buckets_or_from_none(store: Store) -> None:
    requests, tokens = bucket("requests", 0.001, 5), bucket("tokens", 0.001, 100, of_tokens=True)
    first = await store.charge(charge(1, (requests, 1), (tokens, 90)))
    assert not first.refused
    assert [one.remaining for one in first.decisions] == [4, 10]
    second = await store.charge(charge(2, (requests, 1), (tokens, 11)))
    assert second.refused == "tokens"
    assert second.retry_after_s == pytest.approx(1000, rel=0.01), "one token in 1000 s is missing"
    third = await store.charge(charge(3, (requests, 1), (tokens, 10)))
    assert not third.refused
    assert [one.remaining for one in third.decisions] == [3, 0], "the refused one took no request"


async def test_settlement_corrects_the_token_bucket(store: Store) -> None:
    tokens = bucket("tokens", 0.001, 100, of_tokens=True)
    taken = charge(1, (tokens, 100))
    await store.charge(taken)
    await store.settle([Settlement(taken, 0, 40)])
    assert (await store.charge(charge(2, (tokens, 60)))).decisions[0].remaining == 0
    more = charge(3, (tokens, 0))
    await store.settle([Settlement(more, 0, 10)])
    refused = await store.charge(charge(4, (tokens, 1)))
    assert refused.retry_after_s == pytest.approx(11_000, rel=0.01), "ten are owed"


async def test_reservation_blocks_its_amount_and_returns_the_unused_part(store: Store) -> None:
    first = charge(1, held=6, day=10)
    assert not (await store.charge(first)).refused
    refused = await store.charge(charge(2, held=5, day=10))
    assert refused.refused == "day"
    assert refused.spent == (6, 6, 6)
    await store.settle([Settlement(first, 2, None)])
    third = await store.charge(charge(3, held=8, day=10))
    assert not third.refused
    assert third.spent == (10, 10, 10)


async def test_unsettled_reservation_expires(store: Store) -> None:
    assert not (await store.charge(charge(1, held=10, day=10, hold_s=3))).refused
    assert (await store.charge(charge(2, held=1, day=10))).refused == "day"
    number = 2

    async def admitted() -> bool:
        nonlocal number
        number += 1
        return not (await store.charge(charge(number, held=1, day=10))).refused

    until = time.monotonic() + 5
    while not await admitted():
        assert time.monotonic() < until, "the reservation is still there"


async def test_crossings_of_80_and_100_percent_are_reported_once(store: Store) -> None:
    told: list[tuple[str, int]] = []
    for number in range(12):
        asked = charge(number, held=1, day=10, hour=1000)
        verdict = await store.charge(asked)
        told += [(one.window, one.percent) for one in verdict.crossings]
        if not verdict.refused:
            told += [
                (one.window, one.percent)
                for one in (await store.settle([Settlement(asked, 1, None)]))[0]
            ]
    assert told == [("day", 80), ("day", 100)]


async def test_refusal_of_a_too_large_request_reports_no_crossing(store: Store) -> None:
    verdict = await store.charge(charge(1, held=11, day=10))
    assert (verdict.refused, list(verdict.crossings)) == ("day", [])
    asked = charge(2, held=10, day=10)
    await store.charge(asked)
    crossings, left = await store.settle([Settlement(asked, 10, None)])
    assert [(one.key_id, one.window, one.percent) for one in crossings] == [("k", "day", 100)]
    assert not left


async def test_reservations_expire_with_the_books_and_may_be_lost(
    redis: RedisUnderTest, tmp_path: Path
) -> None:
    redis.master.command("FLUSHALL")
    store = redis_store(redis, tmp_path)
    assert not (await store.charge(charge(1, held=10, day=10, hold_s=1))).refused
    key = "seawall:{t}:account:k:holds"
    assert int(redis.master.command("TTL", key).strip(":\r\n")) > 86_400, "as long as the books"
    redis.master.command("DEL", key)
    assert not (await store.charge(charge(2, held=10, day=10))).refused, "or lost"
    await store.close()


async def test_charge_that_arrives_after_its_settlement_takes_nothing(
    redis: RedisUnderTest, tmp_path: Path
) -> None:
    redis.master.command("FLUSHALL")
    store = redis_store(redis, tmp_path)
    late = charge(1, (bucket("requests", 1e-6, 1), 1), held=7, day=10)
    await store.settle([Settlement(late, 0, None)])
    assert not (await store.charge(late)).refused
    found = await store.charge(charge(2, (bucket("requests", 1e-6, 1), 1), held=10, day=10))
    assert not found.refused
    await store.close()


async def test_failed_settlement_is_kept_for_retry_and_the_others_are_booked(
    redis: RedisUnderTest, tmp_path: Path
) -> None:
    redis.master.command("FLUSHALL")
    store = redis_store(redis, tmp_path)
    redis.master.command("SET", "seawall:{t}:account:k:books", "no hash")
    broken, other = (
        charge(1, held=1, day=10),
        Charge(
            "2", Account("seawall:{t}:account:other", "other", Budget((0, 10, 0))), (), 1, HOLD_S
        ),
    )
    _, left = await store.settle([Settlement(broken, 1, None), Settlement(other, 9, None)])
    assert [one.charge.id for one in left] == ["1"]
    redis.master.command("DEL", "seawall:{t}:account:k:books")
    crossings, left = await store.settle([Settlement(broken, 10, None)])
    assert not left
    assert [one.percent for one in crossings] == [100], "it was not marked as settled before"
    await store.close()


async def test_repeated_settlement_is_counted_once(redis: RedisUnderTest, tmp_path: Path) -> None:
    redis.master.command("FLUSHALL")
    store = redis_store(redis, tmp_path)
    asked = charge(1, held=4, day=10)
    await store.charge(asked)
    await store.settle([Settlement(asked, 4, None)] * 3)
    await store.settle([Settlement(asked, 4, None)])
    assert (await store.charge(charge(2, held=1, day=10))).spent[1] == 5
    await store.close()


async def test_a_million_dollars_are_counted_to_the_nano_dollar(store: Store) -> None:
    limit = 1_000_000 * DOLLAR
    asked = charge(1, held=limit - 1, day=limit)
    assert not (await store.charge(asked)).refused
    await store.settle([Settlement(asked, limit - 1, None)])
    assert not (await store.charge(charge(2, held=1, day=limit))).refused
    assert (await store.charge(charge(3, held=1, day=limit))).refused == "day"


async def test_a_thousand_concurrent_charges_from_two_replicas_never_overspend(
    redis: RedisUnderTest, tmp_path: Path
) -> None:
    redis.master.command("FLUSHALL")
    replicas = [redis_store(redis, tmp_path) for _ in range(2)]

    async def ask(number: int) -> bool:
        store, asked = replicas[number % 2], charge(number, held=15, day=1000)
        if (await store.charge(asked)).refused:
            return False
        await store.settle([Settlement(asked, 10, None)])
        return True

    admitted = sum(await asyncio.gather(*(ask(number) for number in range(1000))))
    assert 1000 // 15 <= admitted <= 1000 // 10
    last = await replicas[0].charge(charge(1000, held=1, day=10_000))
    assert last.spent[1] == admitted * 10 + 1, "nothing is held any more"
    for store in replicas:
        await store.close()


async def test_redis_and_memory_stores_answer_random_sequences_equally(
    redis: RedisUnderTest, tmp_path: Path
) -> None:
    redis.master.command("FLUSHALL")
    shared, local = redis_store(redis, tmp_path), MemoryStore()
    # The rates are so slow that the time between two calls adds nothing to a bucket.
    buckets = [
        bucket("requests", 1e-6, 15),
        bucket("tokens", 1e-6, 250, of_tokens=True),
        bucket("user's tokens", 1e-6, 150, of_tokens=True),
    ]
    rng = random.Random(7)  # noqa: S311 - the same sequence every time
    open_charges: list[Charge] = []
    refusals: set[str] = set()
    for number in range(400):
        if open_charges and rng.random() < 0.45:
            asked = open_charges.pop(rng.randrange(len(open_charges)))
            settled = Settlement(asked, rng.randrange(60), rng.choice([None, rng.randrange(60)]))
            assert (await shared.settle([settled]))[0] == (await local.settle([settled]))[0]
            continue
        share = rng.choice([0, 0, 0.5])
        some = [one for one in buckets if rng.random() < share]
        taken = [(one, rng.randrange(1, 30) if one.of_tokens else 1) for one in some]
        asked = charge(number, *taken, held=rng.randrange(100), day=4000, hour=2500)
        verdict = await shared.charge(asked)
        expected = await local.charge(asked)
        assert (verdict.refused, verdict.spent) == (expected.refused, expected.spent)
        assert list(verdict.crossings) == list(expected.crossings)
        assert [(one.allowed, one.remaining) for one in verdict.decisions] == [
            (one.allowed, one.remaining) for one in expected.decisions
        ]
        refusals.add(verdict.refused)
        if not verdict.refused:
            open_charges.append(asked)
    await shared.close()
    assert refusals >= {"", "tokens", "hour"}, "the sequence is too tame"


def test_lua_script_computes_the_same_window_starts_as_python(redis: RedisUnderTest) -> None:
    head = CHARGE.text.partition("local function whole")[0]
    assert "redis.call('TIME')" in head
    script = " ".join(
        (head.replace("redis.call('TIME')", "{ARGV[1], '0'}") + "return starts()").split()
    )
    day = datetime(2024, 1, 31, 23, 59, 59, tzinfo=UTC)
    for _ in range(60):
        second = int(day.timestamp())
        found = redis.master.command("EVAL", script, "0", str(second))
        numbers = tuple(int(line[1:]) for line in found.split("\r\n") if line.startswith(":"))
        assert numbers == window_starts(second), day
        day += timedelta(days=37, seconds=1)


def test_buckets_of_idle_users_are_evicted() -> None:
    now = 0.0
    store = MemoryStore(clock=lambda: now)
    for number in range(20_000):
        now = number / 100
        store.charge_now(charge(number, (bucket(f"user-{number}", 1, 1), 1)))
    assert store.buckets < 10_000


def test_token_rate_is_accurate_to_two_percent() -> None:
    now = 0.0
    store = MemoryStore(clock=lambda: now)
    requests, tokens = bucket("requests", 50, 50), bucket("tokens", 700, 1400, of_tokens=True)
    admitted = 0
    for tick in range(6000):
        now = tick / 100
        verdict = store.charge_now(charge(tick, (requests, 1), (tokens, 35)))
        admitted += 35 * (not verdict.refused)
    assert admitted == pytest.approx(1400 + 700 * 60, rel=0.02)
