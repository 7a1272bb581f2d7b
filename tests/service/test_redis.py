"""The gateway shares limits through Redis and works without it: real servers, real signals."""

from collections.abc import Generator
from pathlib import Path

import pytest

from seawall.common.wait import wait_until
from tests.measured import measured
from tests.service.kit import API_KEY, PATIENCE_S, Gateway, Simulator, key_entry
from tests.service.redis_kit import RedisUnderTest
from tests.support.constant_load import ConstantLoad

pytestmark = [pytest.mark.servers]

GOAL_MS = 500
LOCAL = "seawall_limiter_local"


@pytest.fixture
def redis(tmp_path: Path, request: pytest.FixtureRequest) -> Generator[RedisUnderTest]:
    """A master and a sentinel, and a replica if the parameter is true."""
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisUnderTest(folder, with_replica=bool(getattr(request, "param", False)))
    try:
        server.wait_until_up()
        yield server
    finally:
        server.stop()


def make_gateway(
    folder: Path,
    redis: RedisUnderTest,
    alpha: Simulator,
    *,
    name: str = "gateway",
    wait: bool = True,
    **key: object,
) -> Gateway:
    return Gateway(
        folder,
        [alpha],
        name=name,
        wait=wait,
        keys=[key_entry(**key)],
        state=redis.settings(folder),
        replicas=2,
    )


@pytest.fixture
def gateways(
    folder: Path, redis: RedisUnderTest, alpha: Simulator
) -> Generator[tuple[Gateway, Gateway]]:
    """Two gateways with a key that admits 6 requests and then one in a hundred seconds."""
    limit = {"requests_per_second": 0.01, "burst": 6}
    first = make_gateway(folder, redis, alpha, name="first", wait=False, **limit)
    second = make_gateway(folder, redis, alpha, name="second", wait=False, **limit)
    try:
        first.wait_until_ready()
        second.wait_until_ready()
        yield first, second
    finally:
        first.stop()
        second.stop()


def statuses(gateways: tuple[Gateway, Gateway], count: int) -> list[int]:
    return [gateways[number % 2].chat().status for number in range(count)]


def test_two_replicas_share_one_limit(gateways: tuple[Gateway, Gateway]) -> None:
    assert statuses(gateways, 8) == [200] * 6 + [429] * 2


def test_lua_script_is_loaded_again_after_script_flush(
    gateways: tuple[Gateway, Gateway], redis: RedisUnderTest
) -> None:
    statuses(gateways, 2)
    redis.master.command("SCRIPT", "FLUSH")
    assert statuses(gateways, 6) == [200] * 4 + [429] * 2
    assert gateways[0].metric('seawall_state_errors_total{kind="other"}') == 0


@pytest.mark.parametrize("redis", [True], indirect=True, ids=["with replica"])
def test_gateway_follows_a_redis_failover(
    gateways: tuple[Gateway, Gateway], redis: RedisUnderTest
) -> None:
    replica = redis.replicas[0]
    statuses(gateways, 2)
    redis.fail_over_to(replica)

    def new_master_is_asked() -> bool:
        statuses(gateways, 2)
        return "cmdstat_eval" in replica.command("INFO", "commandstats")

    wait_until(new_master_is_asked, deadline_s=10, what="limits to be kept by the new master")
    wait_until(
        lambda: all(gateway.metric(LOCAL) == 0 for gateway in gateways),
        deadline_s=10,
        what="limits to be shared again",
    )


def test_no_request_fails_while_the_redis_master_refuses_writes(
    gateways: tuple[Gateway, Gateway], redis: RedisUnderTest
) -> None:
    gateway = gateways[0]
    gateway.chat()
    redis.master.command("CONFIG", "SET", "min-replicas-to-write", "1")
    assert [gateway.chat().status for _ in range(3)] == [200] * 3, "its part of 6 over 2 replicas"
    assert gateway.metric('seawall_state_errors_total{kind="connection"}') >= 3
    assert gateway.metric(LOCAL) == 1
    redis.master.command("CONFIG", "SET", "min-replicas-to-write", "0")
    wait_until(lambda: gateway.metric(LOCAL) == 0, deadline_s=5, what="limits to be shared again")
    assert statuses(gateways, 7)[-1] == 429


def test_rotated_redis_password_is_used_without_a_restart(
    gateways: tuple[Gateway, Gateway], redis: RedisUnderTest
) -> None:
    gateway = gateways[0]
    gateway.chat()
    redis.master.command("ACL", "SETUSER", "app", "resetpass", ">rotated-password")
    (gateway.folder / "redis-app-password").write_text("rotated-password", encoding="utf-8")
    redis.master.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def shared() -> bool:
        gateway.chat()
        return gateway.metric(LOCAL) == 0 and "user=app" in redis.master.command("CLIENT", "LIST")

    wait_until(shared, deadline_s=10, what="a connection with the rotated password")


def test_no_request_fails_while_redis_is_frozen_and_shared_limits_return(
    folder: Path, redis: RedisUnderTest, alpha: Simulator
) -> None:
    gateway = make_gateway(folder, redis, alpha)
    try:
        with ConstantLoad(
            url=gateway.url, api_key=API_KEY, model="model-0", rate=30, timeout_s=PATIENCE_S
        ) as load:
            wait_until(lambda: load.answered > 10, deadline_s=5, what="the first answers")
            redis.master.freeze()
            wait_until(lambda: gateway.metric(LOCAL) == 1, deadline_s=5, what="local limits")
            frozen_at = load.answered
            wait_until(lambda: load.answered > frozen_at + 60, deadline_s=10, what="answers")
            redis.master.thaw()
            wait_until(lambda: gateway.metric(LOCAL) == 0, deadline_s=10, what="shared limits")
        assert load.report.failed == 0, load.report.summary()
        slowest_ms = load.report.max_ms
        measured(f"while Redis froze, the slowest answer took {slowest_ms:.0f} ms (goal {GOAL_MS})")
        assert slowest_ms < 3 * GOAL_MS, load.report.summary()
        transitions = [line for line in gateway.output.splitlines() if "state store" in line]
        assert len(transitions) == 2, "one line per transition, however many requests"
    finally:
        gateway.stop()


def test_the_gateway_starts_without_redis(
    folder: Path, redis: RedisUnderTest, alpha: Simulator
) -> None:
    redis.stop()
    gateway = make_gateway(folder, redis, alpha)
    try:
        assert gateway.chat().status == 200
        assert gateway.health("/health/ready").status == 200
    finally:
        gateway.stop()


def test_replica_enforces_its_share_of_the_limit_without_redis(
    gateways: tuple[Gateway, Gateway], redis: RedisUnderTest
) -> None:
    gateway = gateways[0]
    wait_until(
        lambda: gateway.metric("seawall_replicas") == 2,
        deadline_s=10,
        what="it to hear of the other",
    )
    redis.master.freeze()
    found = [gateway.chat().status for _ in range(5)]
    assert found == [200] * 3 + [429] * 2, "6 over 2 replicas"


def test_key_with_on_outage_deny_gets_503_while_redis_is_frozen(
    folder: Path, redis: RedisUnderTest, alpha: Simulator
) -> None:
    gateway = make_gateway(folder, redis, alpha, on_outage="deny")
    try:
        assert gateway.chat().status == 200
        redis.master.freeze()
        refused = gateway.chat()
        assert refused.status == 503
        assert refused.json()["error"]["code"] == "limits_unavailable"
        assert refused.headers["retry-after"] == "1"
    finally:
        gateway.stop()
