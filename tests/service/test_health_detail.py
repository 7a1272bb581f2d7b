"""GET /health: the detailed status for people and tools; probes use other paths."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from seawall.common.wait import wait_until
from service.telemetry.provider_stats import WINDOW_S, ProviderStats
from tests.service.kit import API_KEY, Gateway, Simulator, http_request

pytestmark = [pytest.mark.servers]


def detail(gateway: Gateway) -> Any:  # noqa: ANN401 - JSON is whatever it says
    url = gateway.url.removesuffix("/v1") + "/health"
    answer = http_request("GET", url, headers={"authorization": f"Bearer {API_KEY}"})
    assert answer.status == 200
    return answer.json()


def comes_to(gateway: Gateway, status: str) -> Any:  # noqa: ANN401 - same
    """Wait until the document has this status, and return it; it is up to a second old."""

    def found() -> Any:  # noqa: ANN401 - same
        document = detail(gateway)
        return document if document["status"] == status else None

    return wait_until(found, deadline_s=4, what=status)


def test_health_is_healthy_degraded_or_unhealthy_with_reasons(
    folder: Path, alpha: Simulator, beta: Simulator
) -> None:
    gateway = Gateway(folder, (alpha, beta))
    try:
        assert gateway.chat().status == 200
        healthy = detail(gateway)
        assert (healthy["status"], healthy["reasons"]) == ("healthy", [])
        assert healthy["redis_connected"] is None
        first = healthy["targets"][0]
        assert (first["provider"], first["attempts"], first["error_rate"]) == ("alpha", 1, 0)
        assert 0 < first["p50_ms"] <= first["p95_ms"]

        alpha.fault("status", code=500)
        for _ in range(5):
            assert gateway.chat().status == 200
        degraded = comes_to(gateway, "degraded")
        assert degraded["reasons"] == ["the breaker of alpha/sim-0 is open"]
        assert degraded["targets"][0]["last_error"] == "http_5xx"
        assert degraded["targets"][0]["retry_in_seconds"] > 0

        beta.fault("status", code=500)
        for _ in range(6):
            gateway.chat(stream=True)
        unhealthy = comes_to(gateway, "unhealthy")
        assert "no target of 'model-0' takes requests" in unhealthy["reasons"]
        assert gateway.health("/health/ready").status == 200, "no pod leaves for that"
    finally:
        gateway.stop()


def test_health_document_is_computed_at_most_once_a_second(gateway: Gateway) -> None:
    began = time.monotonic()
    seen: set[str] = set()
    for _ in range(15):
        assert gateway.chat().status == 200
        seen.add(json.dumps(detail(gateway)["traffic"]) + json.dumps(detail(gateway)["targets"]))
    assert len(seen) <= time.monotonic() - began + 2


def test_health_document_requires_an_api_key(gateway: Gateway) -> None:
    url = gateway.url.removesuffix("/v1") + "/health"
    assert http_request("GET", url).status == 401


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(("sent", "passed"), [(TRACE, TRACE), ("00-nonsense", None)])
def test_valid_trace_context_is_passed_to_the_provider(
    gateway: Gateway, alpha: Simulator, model: str, sent: str, passed: str | None
) -> None:
    body = f'{{"model": "{model}", "messages": []}}'.encode()
    assert gateway.post(body, traceparent=sent, tracestate="a=b").status == 200
    headers = alpha.state()["last_headers"]
    assert headers.get("traceparent") == passed
    assert headers.get("tracestate") == ("a=b" if passed else None)


def test_provider_statistics_older_than_the_window_are_dropped() -> None:
    now = [0.0]
    stats = ProviderStats(lambda: now[0])
    stats.note(0.1)
    stats.note(0.3, "timeout")
    assert stats.lately().error_rate == 0.5
    assert stats.lately().last_error == "timeout"
    now[0] = WINDOW_S + 1
    assert stats.lately().attempts == 0
    assert stats.lately().p50_ms is None
