"""A provider's keys: refused, exhausted and replaced keys."""

from pathlib import Path

import pytest

from service.files import SecretFile
from service.providers.failures import UpstreamFailure
from service.providers.keys import REFUSED_REST_S, KeyPool
from tests.service.kit import Gateway, Simulator

pytestmark = [pytest.mark.servers]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def write(folder: Path, **keys: str) -> None:
    for name, value in keys.items():
        fresh = folder / f"{name}.new"
        fresh.write_text(value)
        fresh.replace(folder / name)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> list[int]:
    return []


@pytest.fixture
def pool(folder: Path, clock: Clock, told: list[int]) -> KeyPool:
    write(folder, first="one", second="two")
    files = [SecretFile(folder / name, clock) for name in ("first", "second")]
    return KeyPool(files, on_refused=told.append, clock=clock)


def test_the_first_key_is_used_until_it_is_refused(
    pool: KeyPool, clock: Clock, told: list[int]
) -> None:
    assert [pool.take("m").value for _ in range(3)] == ["one"] * 3
    pool.refused(pool.take("m"))
    assert (pool.take("m").value, told) == ("two", [1])
    pool.refused(pool.take("m"))
    assert not pool.has_spare("m")
    assert told == [1, 2]
    clock.now += REFUSED_REST_S
    first = pool.take("m")
    assert first.value == "one", "the one that is due soonest"
    pool.accepted(first, "m")
    assert told[-1] == 1


def test_a_replaced_key_is_tried_at_once(
    pool: KeyPool, clock: Clock, folder: Path, told: list[int]
) -> None:
    pool.refused(pool.take("m"))
    write(folder, first="three")
    clock.now += 1.5
    assert pool.take("m").value == "three"
    assert told == [1, 0]


def test_key_refused_for_one_model_serves_other_models(pool: KeyPool) -> None:
    pool.refused(pool.take("m"), "m")
    assert pool.take("m").value == "two"
    assert pool.take("n").value == "one"


def test_exhausted_key_rests_for_the_time_the_provider_requests(
    pool: KeyPool, clock: Clock
) -> None:
    pool.exhausted(pool.take("m"), 5)
    assert pool.take("m").value == "two"
    clock.now += 5
    assert pool.take("m").value == "one"
    pool.exhausted(pool.take("m"), None)
    assert pool.take("m").value == "two", "for a moment, where nothing is asked for"


def test_missing_key_file_is_an_upstream_failure(folder: Path) -> None:
    with pytest.raises(UpstreamFailure, match="missing or empty"):
        KeyPool([SecretFile(folder / "none")]).take("m")
    assert KeyPool([]).take("m").value is None


@pytest.mark.parametrize("code", [401, 403, 429])
def test_requests_succeed_while_one_of_two_keys_is_refused(
    folder: Path, alpha: Simulator, code: int
) -> None:
    write(folder, first="key-one", second="key-two")
    provider = {
        "kind": "openai",
        "base_url": alpha.base_url,
        "api_key_file": "first",
        "spare_api_key_files": ["second"],
    }
    gateway = Gateway(folder, (alpha,), providers={"alpha": provider})
    try:
        alpha.fault("status", code=code, only_key="key-one", retry_after=30)
        before = alpha.requests()
        assert [gateway.chat().status for _ in range(5)] == [200] * 5
        assert alpha.requests() == before + 6, "the refused key is asked once"
        refused = gateway.metric('seawall_provider_keys_refused{provider="alpha"}')
        assert refused == (0 if code == 429 else 1)
        assert "key-one" not in gateway.output
    finally:
        gateway.stop()
