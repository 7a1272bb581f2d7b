import threading
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
    leave_when_the_provider_has_it,
    write_keys,
)

pytestmark = [pytest.mark.servers]


@pytest.fixture
def small(folder: Path, alpha: Simulator) -> Generator[Gateway]:
    """A gateway that admits one request and queues one."""
    gateway = Gateway(
        folder,
        [alpha],
        admission={
            "max_in_flight": 1,
            "queue": 1,
            "max_body_bytes": 4096,
            "deadline": "1500ms",
        },
        timeouts={"headers": "60s", "answer": "60s"},
    )
    yield gateway
    gateway.stop()


def in_background(gateway: Gateway, found: list[Answer]) -> threading.Thread:
    thread = threading.Thread(target=lambda: found.append(gateway.chat()))
    thread.start()
    return thread


def test_full_gateway_answers_503_at_once_and_queued_requests_end_at_the_deadline(
    small: Gateway, alpha: Simulator
) -> None:
    alpha.fault("hang")
    found: list[Answer] = []
    asked = alpha.requests()
    inside = in_background(small, found)
    wait_until(lambda: alpha.requests() > asked, deadline_s=5, what="the first to be upstream")
    queued = in_background(small, found)
    wait_until(lambda: small.metric("seawall_requests_queued") == 1, deadline_s=5, what="the queue")
    assert small.metric("seawall_requests_in_flight") == 2, "those that wait are in flight, too"
    refused = small.chat()
    assert refused.status == 503
    assert refused.json()["error"]["code"] == "overloaded"
    assert refused.headers["retry-after"] == "1"
    inside.join()
    queued.join()
    assert sorted(answer.json()["error"]["code"] for answer in found) in (
        ["deadline_exceeded", "deadline_exceeded"],
        ["deadline_exceeded", "overloaded"],
    )
    alpha.heal()
    assert small.chat().status == 200, "places are given back"
    assert small.metric("seawall_requests_queued") == 0


def test_a_body_above_the_cap_is_a_413(small: Gateway) -> None:
    answer = small.chat(padding="x" * 5000)
    assert answer.status == 413
    assert answer.json()["error"]["code"] == "request_too_large"


@pytest.mark.parametrize("prompt_bytes", [10, 300_000], ids=["short", "larger than is read ahead"])
def test_client_disconnect_cancels_the_upstream_call_and_is_no_breaker_failure(
    gateway: Gateway, alpha: Simulator, model: str, prompt_bytes: int
) -> None:
    alpha.fault("hang")
    gone = alpha.state()["client_gone"]
    prompt = "x" * prompt_bytes
    body = f'{{"model": "{model}", "messages": [], "user": "{prompt}"}}'.encode()
    asked = alpha.requests()
    for _ in range(6):
        leave_when_the_provider_has_it(gateway, alpha, body)
    assert alpha.requests() == asked + 6
    wait_until(
        lambda: alpha.state()["client_gone"] >= gone + 6,
        deadline_s=5,
        what="the upstream calls to end",
    )
    breaker = f'seawall_breaker_state{{model="{model.replace("model", "sim")}",provider="alpha"}}'
    assert gateway.metric(breaker) == 0


@pytest.mark.parametrize("value", [None, "Bearer ", "Bearer wrong", "Basic abc", API_KEY])
def test_missing_or_unknown_api_key_is_answered_with_401(
    gateway: Gateway, value: str | None
) -> None:
    headers = {} if value is None else {"authorization": value}
    answer = http_request(
        "POST", gateway.url + "/chat/completions", b'{"model": "model-0"}', headers
    )
    assert answer.status == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


def test_key_file_changes_are_loaded_and_an_invalid_file_keeps_the_last_valid_keys(
    small: Gateway,
) -> None:
    write_keys(small.keys_file, key_entry("sk-second"))
    body = b'{"model": "model-0", "messages": []}'
    wait_until(
        lambda: small.post(body, key="sk-second").status == 200,
        deadline_s=5,
        what="the new key to be known",
    )
    assert small.post(body).status == 401, "the removed key must not work any longer"
    small.keys_file.write_text('{"keys": [{"id": "half"', encoding="utf-8")
    wait_until(
        lambda: "last valid ones stay" in small.output,
        deadline_s=5,
        what="the warning in the log",
    )
    assert small.post(body, key="sk-second").status == 200


def test_a_key_above_its_rate_gets_429_with_the_headers_that_sdks_read(
    folder: Path, alpha: Simulator
) -> None:
    gateway = Gateway(folder, [alpha], keys=[key_entry(requests_per_second=0.5, burst=2)])
    try:
        first, second, third = gateway.chat(), gateway.chat(), gateway.chat()
        assert [first.status, second.status, third.status] == [200, 200, 429]
        assert first.headers["x-ratelimit-limit-requests"] == "2"
        assert first.headers["x-ratelimit-remaining-requests"] == "1"
        assert second.headers["x-ratelimit-remaining-requests"] == "0"
        assert third.json()["error"]["code"] == "rate_limit_exceeded"
        assert 1 <= int(third.headers["retry-after"]) <= 2
        assert 1000 < int(third.headers["retry-after-ms"]) <= 2000
        assert gateway.metric("seawall_rate_limited_total") == 1
    finally:
        gateway.stop()
