"""Two replicas with one Redis: they share their knowledge of providers without harm."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from seawall.common.wait import wait_until
from service.pipeline.upstreams import UpstreamBook
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.service.kit import API_KEY, PATIENCE_S, Gateway, Simulator, http_request, provider_of
from tests.service.redis_kit import RedisUnderTest
from tests.support.constant_load import ConstantLoad

pytestmark = [pytest.mark.servers]

MODELS = ("told", "frozen", "own-eyes")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisUnderTest]:
    server = RedisUnderTest(tmp_path_factory.mktemp("redis"))
    try:
        server.wait_until_up()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def fleet(
    tmp_path_factory: pytest.TempPathFactory,
    redis: RedisUnderTest,
    simulators: tuple[Simulator, Simulator],
) -> Generator[tuple[Gateway, Gateway]]:
    """Two replicas with different keys for alpha, so that a fault can affect only one of them."""
    alpha, beta = simulators
    made: list[Gateway] = []
    for name in ("first", "second"):
        folder = tmp_path_factory.mktemp(name)
        (folder / "provider-key").write_text(name, encoding="utf-8")
        keyed = {**provider_of(alpha, "openai-compatible"), "api_key_file": "provider-key"}
        made.append(
            Gateway(
                folder,
                simulators,
                name=name,
                wait=False,
                state=redis.settings(folder),
                providers={"alpha": keyed, "beta": provider_of(beta, "openai-compatible")},
                named_models={
                    model: {
                        "targets": [
                            {"provider": "alpha", "model": model},
                            {"provider": "beta", "model": model},
                        ]
                    }
                    for model in MODELS
                },
            )
        )
    try:
        for gateway in made:
            gateway.wait_until_ready()
        yield made[0], made[1]
    finally:
        for gateway in made:
            gateway.stop()


def state(gateway: Gateway, model: str) -> float:
    return gateway.metric(f'seawall_breaker_state{{model="{model}",provider="alpha"}}')


def openings(gateway: Gateway, model: str) -> float:
    return gateway.metric(f'seawall_breaker_openings_total{{model="{model}",provider="alpha"}}')


def open_on(gateway: Gateway, model: str) -> None:
    for _ in range(5):
        assert gateway.chat(model).status == 200
    assert state(gateway, model) == 2


def target(gateway: Gateway, model: str) -> Any:  # noqa: ANN401 - JSON is whatever it says
    url = gateway.url.removesuffix("/v1") + "/health"
    answer = http_request("GET", url, headers={"authorization": f"Bearer {API_KEY}"}).json()
    return next(
        one for one in answer["targets"] if (one["provider"], one["model"]) == ("alpha", model)
    )


def load(gateway: Gateway, model: str) -> ConstantLoad:
    return ConstantLoad(
        url=gateway.url, api_key=API_KEY, model=model, rate=20, timeout_s=PATIENCE_S
    )


def test_fleet_shares_an_opening_sends_one_probe_and_shares_the_recovery(
    fleet: tuple[Gateway, Gateway], alpha: Simulator
) -> None:
    first, second = fleet
    alpha.fault("html_200")
    open_on(first, "told")
    wait_until(lambda: state(second, "told") == 2, deadline_s=3, what="the other to open too")
    assert target(second, "told")["opened_by_another_replica"]
    assert not target(first, "told")["opened_by_another_replica"]
    assert openings(second, "told") == 0, "it opened once, and that is counted once"
    asked = alpha.requests()
    with load(first, "told") as one, load(second, "told") as other:
        wait_until(lambda: alpha.requests() > asked, deadline_s=10, what="a probe")
        answered = one.answered, other.answered
        wait_until(
            lambda: one.answered > answered[0] + 40 and other.answered > answered[1] + 40,
            deadline_s=10,
            what="two seconds of requests at each",
        )
        assert alpha.requests() == asked + 1, "one probe in the fleet, however many ask"
        alpha.heal()
        wait_until(
            lambda: 0 in (state(first, "told"), state(second, "told")),
            deadline_s=15,
            what="the probe to succeed",
        )
        wait_until(
            lambda: state(first, "told") == state(second, "told") == 0,
            deadline_s=3.5,
            what="the other to close too",
            interval_s=0.05,
        )
    assert one.report.failed == other.report.failed == 0


def test_replica_with_successful_calls_ignores_another_replicas_opening(
    fleet: tuple[Gateway, Gateway], alpha: Simulator
) -> None:
    first, second = fleet
    alpha.fault("status", code=500, only_key="first")
    with load(second, "own-eyes") as busy:
        wait_until(lambda: busy.answered > 5, deadline_s=5, what="answers")
        open_on(first, "own-eyes")
        begun = busy.answered
        wait_until(lambda: busy.answered > begun + 50, deadline_s=5, what="2.5 s of answers")
        assert state(second, "own-eyes") == 0
    assert set(busy.report.providers) == {"alpha"}, "not one request was kept from it"


def test_replicas_probe_independently_while_redis_is_frozen(
    fleet: tuple[Gateway, Gateway], alpha: Simulator, redis: RedisUnderTest
) -> None:
    first, second = fleet
    alpha.fault("html_200")
    open_on(first, "frozen")
    wait_until(lambda: state(second, "frozen") == 2, deadline_s=3, what="the other to open too")
    redis.master.freeze()
    try:
        alpha.heal()
        with load(first, "frozen") as one, load(second, "frozen") as other:
            wait_until(
                lambda: state(first, "frozen") == state(second, "frozen") == 0,
                deadline_s=8,
                what="both to probe by themselves: six seconds of open time at most",
            )
        assert one.report.failed == other.report.failed == 0
    finally:
        redis.master.thaw()


def fleet_name(**provider: object) -> str:
    """The fleet-wide name of the only target of a provider with this definition."""
    settings = Settings.model_validate(
        {
            "providers": {"p": provider},
            "models": {"m": {"targets": [{"provider": "p", "model": "n"}]}},
        },
        strict=False,
    )
    book = UpstreamBook(Metrics(routes=(), providers=settings.providers))
    (upstream,) = book.follow(settings)["m"]
    return upstream.fleet_name


USUAL = "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("changed", "shared"),
    [
        ({"base_url": USUAL + "/"}, True),
        ({"base_url": "https://API.openai.com/v1"}, True),
        ({"limits": {"requests_per_minute": 5}, "prices": {"n": {"input": 1, "output": 1}}}, True),
        ({"base_url": "https://api.openai.com/v2"}, False),
        ({"base_url": "http://api.openai.com:443/v1"}, False),
        ({"base_url": USUAL, "kind": "openai-compatible"}, False),
        ({"api_key_file": "other"}, False),
        ({"spare_api_key_files": ["other"]}, False),
    ],
)
def test_breaker_record_is_shared_by_equal_provider_definitions(
    changed: dict[str, object],
    shared: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    usual = {"kind": "openai"}
    assert (fleet_name(**{**usual, **changed}) == fleet_name(**usual)) is shared


class Addressed:
    """Gateways with equal names and one Redis, each with its own address of alpha."""

    def __init__(self, folder: Path, redis: RedisUnderTest, spare: Simulator) -> None:
        self._folder, self._redis, self._spare = folder, redis, spare
        self.made: list[Gateway] = []

    def providers(self, alpha: Simulator) -> dict[str, object]:
        return {
            "alpha": provider_of(alpha, "openai-compatible"),
            "beta": provider_of(self._spare, "openai-compatible"),
        }

    def start(self, alpha: Simulator) -> Gateway:
        targets = [{"provider": one, "model": "addressed"} for one in ("alpha", "beta")]
        gateway = Gateway(
            self._folder,
            [],
            name=f"addressed-{len(self.made)}",
            wait=False,
            state=self._redis.settings(self._folder),
            providers=self.providers(alpha),
            named_models={"addressed": {"targets": targets}},
        )
        self.made.append(gateway)
        return gateway


@pytest.fixture
def addressed(tmp_path: Path, redis: RedisUnderTest, beta: Simulator) -> Generator[Addressed]:
    found = Addressed(tmp_path, redis, beta)
    try:
        yield found
    finally:
        for gateway in found.made:
            gateway.stop()


def test_breaker_record_belongs_to_the_provider_address_not_only_its_name(
    addressed: Addressed, tmp_path: Path, alpha: Simulator, redis: RedisUnderTest
) -> None:
    moved = Simulator("moved", tmp_path)
    try:
        reporter, same, rolled_out = (addressed.start(one) for one in (alpha, alpha, moved))
        for gateway in addressed.made:
            gateway.wait_until_ready()
        alpha.fault("html_200")
        open_on(reporter, "addressed")
        wait_until(lambda: state(same, "addressed") == 2, deadline_s=3, what="its likes to hear")
        (record,) = (
            line
            for line in redis.master.command("KEYS", "*:breaker:alpha@*/addressed").split("\r\n")
            if line.startswith("seawall:")
        )
        left_ms = int(redis.master.command("PTTL", record).strip(":\r\n"))
        assert 0 < left_ms <= 36_500, "six seconds of open time, and half a minute"
        prolong(redis, record)
        same.reconfigure(providers=addressed.providers(moved))
        wait_until(lambda: state(same, "addressed") == 0, deadline_s=5, what="the reload")
        heard = exchanges(redis)
        three_each = 3 * same.metric("seawall_replicas")
        wait_until(
            lambda: exchanges(redis) >= heard + three_each, deadline_s=8, what="what the fleet says"
        )
        assert state(rolled_out, "addressed") == 0, "the record is of another address"
        assert state(same, "addressed") == 0, "the record is of the address that it left"
        asked = moved.requests()
        assert {one.chat("addressed").status for one in (rolled_out, same)} == {200}
        assert moved.requests() == asked + 2
    finally:
        moved.stop()


def prolong(redis: RedisUnderTest, record: str) -> None:
    """Extend the opening to a minute, because otherwise it ends before the test does."""
    kind, at, till, length, by = redis.master.command("GET", record).split("\r\n")[1].split()
    value = f"{kind} {at} {int(till) + 60_000} {length} {by}"
    redis.master.command("SET", record, value, "PX", "90000")


def exchanges(redis: RedisUnderTest) -> int:
    """The number of EVALSHA calls; with idle replicas, these are only exchanges."""
    line = next(
        line
        for line in redis.master.command("INFO", "commandstats").split("\r\n")
        if line.startswith("cmdstat_evalsha:")
    )
    return int(line.partition("calls=")[2].partition(",")[0])
