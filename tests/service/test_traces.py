"""Traces as a collector receives them: real gateways, real OTLP over HTTP."""

import json
import logging
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from seawall.common.wait import wait_until
from service.errors import SettingsError
from service.files import SecretFile
from service.settings import TracingSettings
from service.tracing.export import BATCH, FLUSH_S, Tracing, headers_in
from tests.service.collector import CLIENT, SERVER, Collector
from tests.service.kit import FAST_TIMEOUTS, Answer, Gateway, Simulator
from tests.support.ports import free_port

pytestmark = [pytest.mark.servers]

PARENT = "b7ad6b7169203331"
PROMPT = "a secret of the user's"


@pytest.fixture(scope="module")
def collector() -> Generator[Collector]:
    with Collector() as collecting:
        yield collecting


@pytest.fixture(scope="module")
def _traced(
    simulators: tuple[Simulator, Simulator],
    collector: Collector,
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Gateway]:
    folder = tmp_path_factory.mktemp("traced")
    (folder / "collector-headers").write_text("authorization: Bearer first\nx-tenant: t\n")
    tracing = {
        "endpoint": collector.endpoint,
        "headers_file": "collector-headers",
        # For a request with a trace context, the caller's sampling decision counts.
        "sample_ratio": 0,
    }
    gateway = Gateway(folder, simulators, models=20, tracing=tracing, timeouts=FAST_TIMEOUTS)
    yield gateway
    gateway.stop()


@pytest.fixture
def traced(_traced: Gateway, alpha: Simulator, beta: Simulator) -> Gateway:
    del alpha, beta
    return _traced


class Asked:
    """One request in its own trace."""

    def __init__(
        self, gateway: Gateway, model: str, *, stream: bool = False, sampled: bool = True
    ) -> None:
        self.trace_id = secrets.token_hex(16)
        messages = [{"role": "user", "content": PROMPT}]
        body = json.dumps({"model": model, "messages": messages, "stream": stream}).encode()
        parent = f"00-{self.trace_id}-{PARENT}-0{int(sampled)}"
        self.answer: Answer = gateway.post(body, traceparent=parent, tracestate="a=b")


@pytest.mark.parametrize("stream", [False, True])
def test_request_and_its_attempt_are_spans(
    traced: Gateway, collector: Collector, alpha: Simulator, *, stream: bool
) -> None:
    asked = Asked(traced, "model-0", stream=stream)
    assert asked.answer.status == 200
    server, client = collector.trace(asked.trace_id, 2)
    assert (server.name, server.kind, server.parent) == ("chat model-0", SERVER, PARENT)
    assert (client.name, client.kind, client.parent) == ("chat sim-0", CLIENT, server.id)
    assert not server.failed
    assert not client.failed
    assert 0 < client.seconds <= server.seconds
    answered = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai-compatible",
        "gen_ai.response.model": "sim-0",
        "seawall.provider": "alpha",
    }
    assert answered.items() <= server.attributes.items()
    assert answered.items() <= client.attributes.items()
    assert server.attributes["gen_ai.request.model"] == "model-0"
    assert client.attributes["gen_ai.request.model"] == "sim-0"
    assert client.attributes["server.port"] == alpha.port
    assert client.attributes["seawall.outcome"] == "ok"
    assert server.attributes["http.response.status_code"] == 200
    assert server.attributes["seawall.request_id"] == asked.answer.headers["x-request-id"]
    for span in (server, client):
        for kind in ("input", "output"):
            count = span.attributes[f"gen_ai.usage.{kind}_tokens"]
            assert isinstance(count, int)
            assert count > 0
    if not stream:
        assert client.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    sent = alpha.state()["last_headers"]
    assert sent["traceparent"] == f"00-{asked.trace_id}-{client.id}-01", "the attempt's own span"
    assert sent["tracestate"] == "a=b"
    (line,) = traced.lines(asked.trace_id)
    assert json.loads(line)["trace"] == f"00-{asked.trace_id}-{server.id}-01"
    assert collector.services == {"seawall-gateway"}
    assert PROMPT.encode() not in collector.raw


def test_each_attempt_of_a_failover_is_a_span(
    traced: Gateway, collector: Collector, alpha: Simulator
) -> None:
    alpha.fault("hang")
    asked = Asked(traced, "model-1", stream=True)
    assert asked.answer.status == 200
    server, first, second = collector.trace(asked.trace_id, 3)
    by_provider = {one.attributes["seawall.provider"]: one for one in (first, second)}
    alone, other = by_provider["alpha"], by_provider["beta"]
    assert alone.parent == other.parent == server.id
    assert (alone.failed, alone.attributes["error.type"]) == (True, "timeout")
    assert alone.attributes["seawall.outcome"] == "timeout"
    assert (other.failed, other.attributes["seawall.outcome"]) == (False, "ok")
    assert server.attributes["seawall.attempts"] == 2
    assert server.attributes["seawall.provider"] == "beta"
    assert not server.failed


def test_broken_stream_marks_both_spans_as_failed(
    traced: Gateway, collector: Collector, alpha: Simulator
) -> None:
    alpha.fault("stall_mid_stream", after=3, times=1)
    asked = Asked(traced, "model-2", stream=True)
    server, client = collector.trace(asked.trace_id, 2)
    assert (client.failed, client.attributes["error.type"]) == (True, "timeout")
    assert server.failed
    assert server.attributes["http.response.status_code"] == 200


def test_client_error_does_not_mark_the_server_span_as_failed(
    traced: Gateway, collector: Collector
) -> None:
    asked = Asked(traced, "nobody")
    assert asked.answer.status == 404
    (server,) = collector.trace(asked.trace_id, 1)
    assert (server.name, server.failed) == ("chat nobody", False)
    assert server.attributes["error.type"] == "model_not_found"
    assert server.attributes["http.response.status_code"] == 404


def test_unsampled_trace_is_propagated_without_spans(
    traced: Gateway, collector: Collector, alpha: Simulator
) -> None:
    asked = Asked(traced, "model-3", sampled=False)
    sent = alpha.state()["last_headers"]["traceparent"]
    assert sent.startswith(f"00-{asked.trace_id}-")
    assert sent.endswith("-00")
    answer = traced.chat("model-3")
    assert answer.status == 200
    (line,) = traced.lines(answer.headers["x-request-id"])
    # Other flag bits may be set, such as the random flag; the lowest bit means sampled.
    flags = json.loads(line)["trace"][-2:]
    assert int(flags, 16) % 2 == 0, "without a parent the ratio decides"
    after = Asked(traced, "model-3")
    collector.trace(after.trace_id, 2)
    assert not [one for one in collector.spans() if one.trace_id == asked.trace_id]
    assert {one.parent for one in collector.spans() if one.kind == SERVER} == {PARENT}


def test_export_headers_are_reloaded_from_their_file(traced: Gateway, collector: Collector) -> None:
    collector.trace(Asked(traced, "model-4").trace_id, 2)
    assert collector.headers["authorization"] == "Bearer first"
    assert collector.headers["x-tenant"] == "t"
    fresh = traced.folder / "fresh"
    fresh.write_text("authorization: Bearer second\n")
    fresh.replace(traced.folder / "collector-headers")

    def renewed() -> bool:
        collector.trace(Asked(traced, "model-4").trace_id, 2)
        return collector.headers["authorization"] == "Bearer second"

    wait_until(renewed, deadline_s=5, what="the new header")
    assert "x-tenant" not in collector.headers
    assert "Bearer" not in traced.output


def test_queued_spans_are_sent_at_shutdown(
    folder: Path, alpha: Simulator, collector: Collector
) -> None:
    leaving = Gateway(
        folder,
        [alpha],
        tracing={"endpoint": collector.endpoint},
        shutdown={"serve": "0s", "grace": "8s"},
    )
    try:
        before = len(collector.spans())
        for _ in range(3):
            assert leaving.chat().status == 200
        leaving.signal(signal.SIGTERM)
        assert leaving.wait_for_exit(10) == 0
        assert len(collector.spans()) == before + 6
    finally:
        leaving.stop()


def test_requests_succeed_while_the_collector_is_down(folder: Path, alpha: Simulator) -> None:
    gateway = Gateway(folder, [alpha], tracing={"endpoint": f"http://127.0.0.1:{free_port()}"})
    try:
        for _ in range(20):
            assert gateway.chat().status == 200
        wait_until(
            lambda: "traces are dropped" in gateway.output, deadline_s=10, what="the one line"
        )
        gateway.signal(signal.SIGTERM)
        assert gateway.wait_for_exit(10) == 0
    finally:
        gateway.stop()
    others = [line for line in gateway.output.splitlines() if '"request_id"' not in line]
    assert sum("traces" in line for line in others) == 1
    assert not any("opentelemetry" in line.lower() for line in others)


def recorded(tracing: Tracing, requests: int) -> None:
    for _ in range(requests):
        tracing.begin([]).end("chat", {}, error="", failed=False)


async def test_close_sends_all_queued_spans(tmp_path: Path) -> None:
    with Collector() as collecting:
        tracing = Tracing(TracingSettings(endpoint=collecting.endpoint), tmp_path)
        recorded(tracing, 2 * BATCH + 1)
        await tracing.close()
        assert len(collecting.spans()) == 2 * BATCH + 1


async def test_close_does_not_wait_for_a_silent_collector(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        tracing = Tracing(TracingSettings(endpoint=endpoint), tmp_path)
        recorded(tracing, 3 * BATCH)
        began = time.monotonic()
        await tracing.close()
        assert time.monotonic() - began < FLUSH_S + 2, "three batches of 3 s each were queued"


async def test_collector_refusal_and_recovery_are_each_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "seawall.tracing")
    with Collector() as collecting:
        tracing = Tracing(TracingSettings(endpoint=collecting.endpoint), tmp_path)
        told: list[int] = []

        def ours() -> list[str]:
            # An exporter of the previous test may still log that its collector is gone.
            return [text for text in caplog.messages if collecting.endpoint in text]

        for status in (400, 400, 200, 200):
            collecting.status = status
            recorded(tracing, 1)
            tracing._processor.force_flush()  # pyright: ignore[reportPrivateUsage]
            told.append(len(ours()))
        await tracing.close()
    assert told == [1, 1, 2, 2]
    assert "traces are dropped" in ours()[0]
    assert "again" in ours()[1]


@pytest.mark.parametrize("text", ["no header", "authorization: a\nsecret-word"])
def test_invalid_header_line_is_numbered_but_not_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "headers"
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"line \d is not 'name: value'") as refused:
        headers_in(SecretFile(file))
    assert text.splitlines()[-1] not in str(refused.value)


def test_opentelemetry_sdk_is_not_imported_without_tracing(folder: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from service.app import Gateway\n"
        "from service.settings import load_settings\n"
        "from service.telemetry.log import RequestLog\n"
        "async def main():\n"
        "    app = Gateway(load_settings(Path(sys.argv[1])), RequestLog())\n"
        "    async with app.router.lifespan_context(app):\n"
        # redis-py itself imports the SDK's metrics if they are installed.
        "        heavy = ('opentelemetry.sdk.trace', 'opentelemetry.exporter', 'requests')\n"
        "        print([name for name in sys.modules if name.startswith(heavy)])\n"
        "asyncio.run(main())\n"
    )
    (folder / "api-keys.json").write_text('{"keys": []}')
    config = folder / "gateway.yaml"
    provider = {"kind": "ollama", "base_url": "http://127.0.0.1:9/v1"}
    models = {"m": {"targets": [{"provider": "a", "model": "m"}]}}
    document = {"secrets_dir": str(folder), "providers": {"a": provider}, "models": models}
    for tracing, imported in ((None, False), ({"endpoint": "http://127.0.0.1:9"}, True)):
        config.write_text(json.dumps({**document, "tracing": tracing}))
        done = subprocess.run(
            [sys.executable, "-c", script, config], capture_output=True, text=True, check=True
        )
        assert (done.stdout.strip() != "[]") is imported, done.stdout
