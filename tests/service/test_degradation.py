"""The fallback order after a model's own targets, and keep-alives of silent streams."""

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from service.pipeline.client_formats import ANTHROPIC, OPENAI
from service.resilience.stale_cache import MAX_ANSWER_BYTES, StaleCache, answer_key
from tests.service.kit import (
    API_KEY,
    FAST_TIMEOUTS,
    PATIENT_TIMEOUTS,
    Gateway,
    Simulator,
    key_entry,
    provider_of,
)

pytestmark = [pytest.mark.servers]

MODELS = {
    "small": {
        "targets": [{"provider": "alpha", "model": "sim-small"}],
        "fallbacks": ["large"],
    },
    "large": {"targets": [{"provider": "beta", "model": "sim-large"}]},
}
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
OTHER_KEY = "sk-test-of-somebody-else"


def with_fallbacks(
    folder: Path,
    alpha: Simulator,
    beta: Simulator,
    *,
    models: Mapping[str, object] | None = None,
    keys: Sequence[dict[str, object]] = (),
    timeouts: Mapping[str, object] = PATIENT_TIMEOUTS,
    degradation: Mapping[str, object] | None = None,
    more: Mapping[str, object] | None = None,
) -> Gateway:
    """The model `small` at alpha, whose fallback `large` is at beta."""
    return Gateway(
        folder,
        (alpha, beta),
        named_models=models or MODELS,
        keys=keys,
        providers={
            **{one.name: provider_of(one, "openai") for one in (alpha, beta)},
            **(more or {}),
        },
        timeouts=timeouts,
        degradation=degradation or {},
    )


@STREAM
def test_fallback_model_answers_when_all_targets_fail(
    folder: Path, alpha: Simulator, beta: Simulator, *, stream: bool
) -> None:
    gateway = with_fallbacks(folder, alpha, beta)
    try:
        alpha.fault("status", code=503)
        answer = gateway.chat("small", stream=stream)
        assert answer.status == 200
        assert answer.headers["x-seawall-degraded"] == "fallback"
        assert answer.headers["x-seawall-provider"] == "beta"
        assert b"sim-large" in answer.body
        assert (
            gateway.metric('seawall_answers_degraded_total{kind="fallback",rung="fallback"}') == 1
        )
    finally:
        gateway.stop()


def test_request_too_long_for_the_model_goes_to_its_fallback(
    folder: Path, alpha: Simulator, beta: Simulator
) -> None:
    gateway = with_fallbacks(folder, alpha, beta)
    try:
        alpha.fault("context_too_long", only_model="sim-small")
        assert gateway.chat("small").status == 200
        beta.fault("context_too_long")
        refused = gateway.chat("small")
        assert refused.status == 400, "nobody takes it: the first provider's words"
        assert refused.json()["error"]["code"] == "context_length_exceeded"
        assert gateway.metric('seawall_breaker_state{model="sim-small",provider="alpha"}') == 0
    finally:
        gateway.stop()


def test_client_errors_never_use_a_fallback(
    folder: Path, alpha: Simulator, beta: Simulator
) -> None:
    gateway = with_fallbacks(folder, alpha, beta, degradation={"stale_answers": "60s"})
    try:
        assert gateway.chat("small").status == 200
        alpha.fault("content_filter")
        before = beta.requests()
        refused = gateway.chat("small")
        assert refused.status == 400
        assert refused.json()["error"]["code"] == "content_policy_violation"
        assert beta.requests() == before
    finally:
        gateway.stop()


@STREAM
def test_stale_answer_is_served_only_to_the_same_tenant_and_request(
    folder: Path, alpha: Simulator, beta: Simulator, *, stream: bool
) -> None:
    keys = (key_entry(), key_entry(OTHER_KEY, id="other", tenant="other"))
    gateway = with_fallbacks(folder, alpha, beta, keys=keys, degradation={"stale_answers": "60s"})
    try:
        fresh = gateway.chat("small", stream=stream)
        for simulator in (alpha, beta):
            simulator.fault("status", code=500)
        stale = gateway.chat("small", stream=stream)
        assert (stale.status, stale.body) == (200, fresh.body)
        kind = "text/event-stream" if stream else "application/json"
        assert stale.headers["content-type"] == fresh.headers["content-type"] == kind
        assert stale.headers["x-seawall-degraded"] == "stale"
        assert gateway.chat("small", stream=stream, user="another").status == 503
        document = {
            "model": "small",
            "messages": [{"role": "user", "content": "hello"}],
            "stream": stream,
        }
        foreign = gateway.post(json.dumps(document).encode(), key=OTHER_KEY)
        assert foreign.status == 503, "another tenant's answer stays its own"
        assert 1 <= int(foreign.headers["retry-after"]) <= 60
    finally:
        gateway.stop()


def test_cache_control_disables_stale_answers(
    folder: Path, alpha: Simulator, beta: Simulator
) -> None:
    gateway = with_fallbacks(folder, alpha, beta, degradation={"stale_answers": "60s"})
    body = json.dumps({"model": "small", "messages": [{"role": "user", "content": "hi"}]}).encode()
    try:
        assert gateway.post(body, cache_control="no-store").status == 200
        for simulator in (alpha, beta):
            simulator.fault("status", code=500)
        assert gateway.post(body).status == 503, "the answer was not to be kept"
        for simulator in (alpha, beta):
            simulator.heal()
        assert gateway.post(body).status == 200
        for simulator in (alpha, beta):
            simulator.fault("status", code=500)
        assert gateway.post(body).headers["x-seawall-degraded"] == "stale"
        assert gateway.post(body, cache_control="no-cache").status == 503
    finally:
        gateway.stop()


def test_answers_with_tools_and_incomplete_answers_are_not_cached(
    folder: Path, alpha: Simulator, beta: Simulator
) -> None:
    gateway = with_fallbacks(folder, alpha, beta, degradation={"stale_answers": "60s"})
    try:
        assert gateway.chat("small", tools=[]).status == 200
        alpha.fault("cut_mid_stream", after=3)
        assert b"not complete" in gateway.chat("small", stream=True).body
        for simulator in (alpha, beta):
            simulator.fault("status", code=500)
        assert gateway.chat("small", tools=[]).status == 503
        assert gateway.chat("small", stream=True).status == 503
    finally:
        gateway.stop()


def test_silent_stream_gets_keep_alive_comments_and_then_its_answer(
    folder: Path, alpha: Simulator, beta: Simulator
) -> None:
    timeouts = {**FAST_TIMEOUTS, "quiet": "200ms"}
    models = {
        "slow": {
            "targets": [{"provider": "alpha", "model": "sim-small"}],
            "timeouts": {"headers": "15s", "first_content": "15s"},
        }
    }
    gateway = with_fallbacks(folder, alpha, beta, timeouts=timeouts, models=models)
    try:
        alpha.fault("slow_first_token", seconds=2)
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
        body = json.dumps({"model": "slow", "stream": True, "messages": []})
        began = time.monotonic()
        connection.request(
            "POST", "/v1/chat/completions", body, {"authorization": f"Bearer {API_KEY}"}
        )
        response = connection.getresponse()
        assert response.status == 200
        assert response.readline().startswith(b": waiting")
        first_s = time.monotonic() - began
        rest = response.read()
        assert first_s < (time.monotonic() - began) / 2, "long before the model said anything"
        assert rest.endswith(b"data: [DONE]\n\n")
        assert rest.count(b": waiting") >= 2
        connection.close()
    finally:
        gateway.stop()


def test_failure_after_a_keep_alive_is_reported_in_the_stream(
    folder: Path, alpha: Simulator, beta: Simulator
) -> None:
    timeouts = {**FAST_TIMEOUTS, "quiet": "100ms"}
    gateway = with_fallbacks(folder, alpha, beta, timeouts=timeouts)
    try:
        alpha.fault("slow_first_token", seconds=9)
        beta.fault("content_filter")
        answer = gateway.chat("small", stream=True)
        assert answer.status == 200
        assert b"simulated safety system" in answer.body
        assert b"[DONE]" not in answer.body
    finally:
        gateway.stop()


def test_error_after_a_keep_alive_is_not_cached_and_counts_as_broken(
    folder: Path, alpha: Simulator, beta: Simulator
) -> None:
    timeouts = {**FAST_TIMEOUTS, "quiet": "100ms"}
    gateway = with_fallbacks(
        folder, alpha, beta, timeouts=timeouts, degradation={"stale_answers": "60s"}
    )
    broken = 'seawall_answers_broken_total{route="chat_completions"}'
    try:
        alpha.fault("slow_first_token", seconds=9)
        beta.fault("content_filter")
        assert b"simulated safety" in gateway.chat("small", stream=True).body
        assert gateway.metric(broken) == 1
        for simulator in (alpha, beta):
            simulator.fault("status", code=500)
        # Retries may last until a keep-alive: the error is a 503, or an event in a stream.
        failed = gateway.chat("small", stream=True)
        assert b"all_targets_failed" in failed.body
        assert failed.headers.get("x-seawall-degraded") != "stale"
    finally:
        gateway.stop()


def test_fallback_that_cannot_translate_the_request_is_skipped(
    folder: Path, alpha: Simulator, beta: Simulator
) -> None:
    models = {
        "small": {
            "targets": [{"provider": "alpha", "model": "sim-small"}],
            "fallbacks": ["other", "large"],
        },
        "other": {"targets": [{"provider": "foreign", "model": "sim-small"}]},
        "large": {"targets": [{"provider": "beta", "model": "sim-large"}]},
    }
    foreign = {"foreign": provider_of(beta, "anthropic")}
    gateway = with_fallbacks(folder, alpha, beta, models=models, more=foreign)
    try:
        alpha.fault("status", code=503)
        answer = gateway.chat("small", response_format={"type": "json_object"})
        assert answer.status == 200, answer.body
        assert answer.headers["x-seawall-provider"] == "beta"
        refused = gateway.chat("other", response_format={"type": "json_object"})
        assert refused.status == 400
        assert refused.json()["error"]["param"] == "response_format"
    finally:
        gateway.stop()


def test_error_event_is_one_line_of_json_for_any_provider_body() -> None:
    pretty = json.dumps({"error": {"message": "a\n\nb"}}, indent=2).encode()
    for client in (OPENAI, ANTHROPIC):
        for body in (pretty, b"<html>\n\n</html>"):
            lines = client.event(body).removesuffix(b"\n\n").split(b"\n")
            data = [line for line in lines if line.startswith(b"data: ")]
            assert len(lines) == len(data) + (client is ANTHROPIC)
            assert "error" in json.loads(data[0][6:])


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_stale_cache_is_bounded_by_bytes_and_age() -> None:
    clock = Clock()
    cache = StaleCache(10, 3000, clock)
    for number in range(5):
        cache.keep(b"%d" % number, b"text", b"x" * 700)
    assert cache.held <= 3000
    assert cache.find(b"0") is None
    assert cache.find(b"4")
    cache.keep(b"huge", b"text", b"x" * (MAX_ANSWER_BYTES + 1))
    assert cache.find(b"huge") is None
    clock.now = 11
    assert cache.find(b"4") is None
    assert answer_key(b"a", b"bc") != answer_key(b"ab", b"c")
