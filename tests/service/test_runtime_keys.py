"""Runtime keys: real gateways, and a real Redis with a replica and a sentinel."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from seawall.common.wait import wait_until
from tests.service.kit import (
    API_KEY,
    Answer,
    Gateway,
    Simulator,
    http_request,
    key_entry,
    provider_of,
)
from tests.service.redis_kit import RedisUnderTest

pytestmark = [pytest.mark.servers]

USER_KEY = "sk-test-of-a-user"
UNPRICED = "seawall_answers_without_price_total"
SEEN_S = 5
"""Seconds until the other replica sees a key: it reads once a second; the rest is margin."""


@pytest.fixture
def redis(tmp_path: Path, request: pytest.FixtureRequest) -> Generator[RedisUnderTest]:
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisUnderTest(folder, with_replica=getattr(request, "param", True))
    try:
        server.wait_until_up()
        yield server
    finally:
        server.stop()


def keys() -> list[dict[str, object]]:
    return [key_entry(admin=True), key_entry(USER_KEY, id="user")]


@pytest.fixture
def gateways(
    folder: Path, redis: RedisUnderTest, alpha: Simulator
) -> Generator[tuple[Gateway, Gateway]]:
    state = redis.settings(folder)
    first, second = (
        Gateway(folder, [alpha], name=name, wait=False, keys=keys(), state=state)
        for name in ("first", "second")
    )
    try:
        first.wait_until_ready()
        second.wait_until_ready()
        yield first, second
    finally:
        first.stop()
        second.stop()


def admin(
    gateway: Gateway, method: str, path: str = "", body: object = None, key: str = API_KEY
) -> Answer:
    url = gateway.url.removesuffix("/v1") + "/admin/keys" + path
    sent = None if body is None else json.dumps(body).encode()
    return http_request(method, url, sent, {"authorization": f"Bearer {key}"})


def make(gateway: Gateway, **fields: object) -> tuple[str, str]:
    """Create a key; return its id and the key."""
    answers: list[Answer] = []

    def is_made() -> bool:
        # On a busy machine Redis answers too late, and the gateway says "Try again."
        answers.append(admin(gateway, "POST", body={"tenant": "shop", **fields}))
        return answers[-1].status != 503

    wait_until(is_made, deadline_s=SEEN_S, what="a key to be made")
    answer = answers[-1]
    assert answer.status == 201, answer.body
    made = answer.json()
    return made["id"], made["key"]


def status(gateway: Gateway, key: str) -> int:
    headers = {"authorization": f"Bearer {key}"}
    return http_request("GET", f"{gateway.url}/models", headers=headers).status


def wait_for(gateway: Gateway, key: str, wanted: int) -> None:
    wait_until(lambda: status(gateway, key) == wanted, deadline_s=SEEN_S, what=f"{wanted}")


def test_key_is_created_listed_and_deleted_on_every_replica(
    gateways: tuple[Gateway, Gateway], redis: RedisUnderTest, folder: Path
) -> None:
    first, second = gateways
    key_id, key = make(first, requests_per_second=5, burst=7)
    assert status(first, key) == 200, "at once where it was made"
    wait_for(second, key, 200)
    (shown,) = admin(second, "GET").json()["runtime_keys"]
    assert shown == {
        "id": key_id,
        "tenant": "shop",
        "requests_per_second": 5,
        "burst": 7,
        "expires_at": None,
    }
    stored = redis.master.command("HGETALL", "seawall:keys")
    assert key_id in stored
    for text in (stored, first.output, second.output):
        assert key not in text, "only its hash is kept"

    other_id, other = make(first)
    # A revocation in the mounted file overrides Redis.
    text = json.dumps({"keys": keys(), "revoked": [other_id]})
    fresh = folder / "fresh"
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(first.keys_file)
    wait_for(first, other, 401)
    wait_for(second, other, 401)

    deleted = admin(second, "DELETE", f"/{key_id}")
    assert (deleted.status, deleted.headers.get("content-length")) == (204, None)
    assert deleted.headers["cache-control"] == "no-store"
    assert status(second, key) == 401, "at once where it was deleted"
    wait_for(first, key, 401)
    wait_until(
        # The first replica created the other key, which was never used at this replica.
        lambda: [one["id"] for one in admin(second, "GET").json()["runtime_keys"]] == [other_id],
        deadline_s=SEEN_S,
        what="the list to have what is left",
    )
    assert admin(second, "DELETE", f"/{key_id}").status == 204, "again, for a lost answer"
    assert "deleted_at" in redis.master.command("HGET", "seawall:keys", key_id), "a tombstone"


def test_redis_failover_neither_loses_nor_restores_keys(
    gateways: tuple[Gateway, Gateway], redis: RedisUnderTest
) -> None:
    first, second = gateways
    kept_id, kept = make(first)
    deleted_id, deleted = make(first)
    assert admin(first, "DELETE", f"/{deleted_id}").status == 204
    redis.fail_over_to(redis.replicas[0])
    for gateway in gateways:
        wait_for(gateway, kept, 200)
        wait_for(gateway, deleted, 401)
    wait_until(
        lambda: admin(second, "DELETE", f"/{kept_id}").status == 204,
        deadline_s=15,
        what="the new master to take it, and the old one to follow it",
    )
    wait_for(first, kept, 401)


@pytest.mark.parametrize("redis", [False], indirect=True)
def test_key_is_not_created_when_no_redis_replica_stored_it(
    gateways: tuple[Gateway, Gateway], redis: RedisUnderTest
) -> None:
    first, _ = gateways
    answer = admin(first, "POST", body={"tenant": "shop"})
    assert (answer.status, answer.json()["error"]["code"]) == (503, "keys_unavailable")
    assert "sk-seawall-" not in answer.body.decode()
    assert redis.master.command("HGETALL", "seawall:keys") == "*0\r\n", "it is removed again"


def test_keys_stay_valid_and_expire_while_redis_is_frozen(
    gateways: tuple[Gateway, Gateway], redis: RedisUnderTest
) -> None:
    first, second = gateways
    _, lasting = make(first)
    _, short = make(first, expires_in_seconds=3)
    wait_for(second, lasting, 200)
    wait_for(second, short, 200)
    redis.master.freeze()
    try:
        for gateway in gateways:
            wait_for(gateway, short, 401)
            assert status(gateway, lasting) == 200
        answer = admin(first, "POST", body={"tenant": "shop"})
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    finally:
        redis.master.thaw()
    wait_for(first, lasting, 200)


def test_unauthorized_and_invalid_admin_requests_are_refused(
    gateways: tuple[Gateway, Gateway], gateway: Gateway
) -> None:
    first, _ = gateways
    assert admin(first, "GET", key="sk-unknown").status == 401
    refused = admin(first, "POST", body={"tenant": "shop"}, key=USER_KEY)
    assert (refused.status, refused.json()["error"]["code"]) == (403, "admin_key_needed")
    cases: tuple[tuple[object, str], ...] = (
        ({"tenant": "shop", "admin": True}, "'admin'"),
        ({"tenant": "shop", "sha256": "0" * 64}, "'sha256'"),
        ({"tenant": "a tenant"}, "tenant"),
        ({}, "tenant"),
        ({"tenant": "shop", "burst": 0}, "burst"),
        ({"tenant": "shop", "expires_in_seconds": -1}, "expires_in_seconds"),
        ([], "JSON object"),
    )
    for body, param in cases:
        answer = admin(first, "POST", body=body)
        assert answer.status == 400, body
        assert param in answer.json()["error"]["message"]
    assert admin(first, "POST", body={"tenant": "x" * 20_000}).status == 413
    for unknown in ("made-0", "user"):
        assert admin(first, "DELETE", f"/{unknown}").status == 404, "the file's are the file's"
    assert admin(first, "GET").json()["runtime_keys"] == []
    assert admin(gateway, "GET").status == 403, "of the shared gateway the test's key is no admin's"


def chat(gateway: Gateway, key: str) -> int:
    messages = [{"role": "user", "content": "hello"}]
    return gateway.post(
        json.dumps({"model": "model-0", "messages": messages}).encode(), key=key
    ).status


def reasons(gateway: Gateway) -> list[str]:
    url = gateway.url.removesuffix("/v1") + "/health"
    answer = http_request("GET", url, headers={"authorization": f"Bearer {API_KEY}"})
    found: list[str] = answer.json()["reasons"]
    return found


def test_key_with_a_budget_needs_prices_of_all_models(
    gateways: tuple[Gateway, Gateway], alpha: Simulator
) -> None:
    first, second = gateways
    wanted = {"tenant": "shop", "budget": {"day": 5}}
    refused = admin(first, "POST", body=wanted)
    assert refused.status == 400
    missing = (
        "the price of models.model-0's alpha/sim-0 is not known; give providers.alpha.prices.sim-0:"
        " {input: ..., output: ...}"
    )
    assert refused.json()["error"] == {
        "message": f"The budget would not count everything: {missing}.",
        "type": "invalid_request_error",
        "param": "budget",
        "code": None,
    }
    wrong = admin(first, "POST", body={"tenant": "shop", "budget": {"day": -5}}).json()["error"]
    assert "budget.day" in wrong["message"], "what is wrong in itself comes first"
    _, without = make(first, budget=None)
    assert len(admin(first, "GET").json()["runtime_keys"]) == 1
    assert reasons(first) == [], "no key has a budget"

    provider = provider_of(alpha, "openai-compatible")
    # A price of zero is a price, too.
    prices = {"sim-0": {"input": 0, "output": 0}}
    first.reconfigure(providers={"alpha": {**provider, "prices": prices}})
    made: list[Answer] = []

    def accepted() -> bool:
        made.append(admin(first, "POST", body=wanted))
        return made[-1].status == 201

    wait_until(accepted, deadline_s=SEEN_S, what="the prices to be in use")
    key = made[-1].json()["key"]
    assert chat(first, key) == 200
    assert first.metric(UNPRICED) == 0
    assert reasons(first) == []
    wait_for(second, key, 200)
    assert reasons(second) == [f"budgets do not count everything: {missing}"]

    # Without the prices the key stays valid, and the health document reports the problem.
    first.reconfigure(providers={"alpha": provider})
    wait_until(lambda: reasons(first) != [], deadline_s=SEEN_S, what="the prices to be gone")
    assert reasons(first) == [f"budgets do not count everything: {missing}"]
    assert admin(first, "POST", body=wanted).status == 400
    assert [chat(first, some) for some in (key, key, without)] == [200, 200, 200]
    wait_until(lambda: first.metric(UNPRICED) == 2, deadline_s=SEEN_S, what="what is not counted")
    assert first.output.count("the price of alpha/sim-0 is unknown") == 1, "once, not each time"
    assert key not in first.output


def test_key_creation_without_redis_is_a_501(folder: Path, alpha: Simulator) -> None:
    alone = Gateway(folder, [alpha], keys=keys())
    try:
        answer = admin(alone, "POST", body={"tenant": "shop"})
        assert answer.status == 501
        assert "state.kind: redis" in answer.json()["error"]["message"]
    finally:
        alone.stop()
