"""The bundled nginx.conf, run by a real nginx in front of two real gateways."""

import contextlib
import http.client
import itertools
import json
import signal
import socket
import threading
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.components.edge.nginx_conf import NginxConf
from infra.config import OwnLimit
from seawall.common.wait import wait_until
from tests.edge.kit import MAX_BODY, Nginx, configuration, listening, names_server, silent
from tests.measured import measured
from tests.service.kit import API_KEY, Answer, Gateway, Simulator, http_request, patient_load
from tests.support.ports import free_port

pytestmark = [pytest.mark.servers]

FIRST, SECOND, SILENT = "127.0.0.1", "127.0.0.2", "127.0.0.3"
RATE = 40.0
RETRY_GOAL_S = 0.6
"""The connect timeout, and the same time again for the answer on a busy machine."""


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Generator[Simulator]:
    options = ("--token-delay-ms", "30")
    simulator = Simulator("alpha", tmp_path_factory.mktemp("provider"), *options)
    yield simulator
    simulator.stop()


@pytest.fixture(scope="module")
def port() -> int:
    """A port that is the same on both addresses, as with pods."""
    return free_port()


def gateway_at(address: str, port: int, folder: Path, provider: Simulator) -> Gateway:
    generous = {"connect": "2s", "headers": "5s", "first_content": "5s"}
    made = Gateway(
        folder,
        [provider],
        listen={"host": address, "port": port},
        timeouts={**generous, "gap": "5s", "answer": "10s"},
        wait=False,
    )
    made.wait_until_ready()
    return made


@pytest.fixture(scope="module")
def first(
    port: int, provider: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Gateway]:
    gateway = gateway_at(FIRST, port, tmp_path_factory.mktemp("first"), provider)
    yield gateway
    gateway.stop()


@pytest.fixture
def second(port: int, provider: Simulator, tmp_path: Path) -> Generator[Gateway]:
    folder = tmp_path / "second"
    folder.mkdir()
    gateway = gateway_at(SECOND, port, folder, provider)
    yield gateway
    gateway.stop()


@pytest.fixture
def known(first: Gateway) -> list[str]:
    """The addresses that the cluster's DNS server returns; tests change the list."""
    del first
    return [FIRST]


@pytest.fixture
def conf(port: int, known: list[str], tmp_path: Path) -> Generator[NginxConf]:
    with names_server(known) as resolver:
        yield configuration(port=port, resolver=resolver, scratch=tmp_path / "scratch")


@contextlib.contextmanager
def running(conf: NginxConf, folder: Path) -> Generator[Nginx]:
    nginx = Nginx(conf, folder)
    try:
        yield nginx
    finally:
        nginx.stop()


@pytest.fixture
def nginx(conf: NginxConf, tmp_path: Path) -> Generator[Nginx]:
    with running(conf, tmp_path) as made:
        yield made


def question(**fields: object) -> bytes:
    messages = [{"role": "user", "content": "hello"}]
    return json.dumps({"model": "model-0", "messages": messages, **fields}).encode()


def ask(url: str, body: bytes | None = None, *, key: str = API_KEY, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return http_request(
        "POST",
        f"{url}/v1/chat/completions",
        body or question(),
        {"authorization": f"Bearer {key}", "content-type": "application/json", **named},
    )


def error_of(answer: Answer) -> dict[str, Any]:
    """The error object of an answer, which must have OpenAI's shape."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


def test_stream_is_not_buffered(nginx: Nginx) -> None:
    """A busy machine may join the pieces of one stream; a proxy that buffers joins all of them."""
    wait_until(lambda: arrives_apart(nginx), deadline_s=15, what="a stream whose pieces are apart")


def arrives_apart(nginx: Nginx) -> bool:
    connection = http.client.HTTPConnection(nginx.url.removeprefix("http://"), timeout=10)
    headers = {"authorization": f"Bearer {API_KEY}", "content-type": "application/json"}
    connection.request("POST", "/v1/chat/completions", question(stream=True), headers)
    answer = connection.getresponse()
    arrived: list[float] = []
    while line := answer.readline():
        if line.startswith(b"data: {"):
            arrived.append(time.monotonic())
    connection.close()
    apart = [after - before for before, after in itertools.pairwise(arrived)]
    # Twelve pieces with 30 ms after each; a buffering proxy delivers several of them at once.
    assert len(apart) >= 11
    return sum(gap > 0.015 for gap in apart) >= 8


def test_no_request_fails_when_a_gateway_ends_under_load(
    nginx: Nginx, known: list[str], second: Gateway
) -> None:
    known.append(SECOND)
    load = patient_load(f"{nginx.url}/v1", rate=RATE)
    with load:
        wait_until(
            lambda: second.metric("seawall_requests_total") > RATE,
            deadline_s=20,
            what="the second gateway to have its share",
        )
        # At its end the gateway has no request in flight, so all later requests must be answered.
        second.signal(signal.SIGTERM)
        wait_until(lambda: second.returncode is not None, deadline_s=20, what="it to end")
        sent = load.sent
        wait_until(lambda: load.sent > sent + 2 * RATE, deadline_s=20, what="some more load")
    assert load.report.failed == 0, load.report.failures
    log = [json.loads(line) for line in nginx.output.splitlines() if line.startswith("{")]
    retried = [line for line in log if "," in line["pods"]]
    measured(f"a gateway ended under load: {load.report.summary()}; {len(retried)} went elsewhere")
    assert retried, "the name server still names it, so some must have been refused there"


def test_unreachable_pod_costs_one_connect_timeout_and_no_request(
    nginx: Nginx, known: list[str], port: int
) -> None:
    with silent(SILENT, port):
        known.append(SILENT)
        took: list[float] = []

        def retried() -> bool:
            begun = time.monotonic()
            assert ask(nginx.url).status == 200
            took.append(time.monotonic() - begun)
            return f"{SILENT}:{port}, {FIRST}:{port}" in nginx.output

        wait_until(retried, deadline_s=30, what="a request to have met the silent address")
        measured(f"a pod without power cost its request {max(took):.2f} s (goal {RETRY_GOAL_S} s)")
        assert max(took) < 3 * RETRY_GOAL_S


def test_request_is_not_retried_after_its_first_byte_was_sent(
    nginx: Nginx, known: list[str], port: int, provider: Simulator
) -> None:
    with listening(SILENT, port) as listener:
        met = threading.Event()

        def hang_up() -> None:
            while not met.is_set():
                with contextlib.suppress(OSError):
                    client, _ = listener.accept()
                    if client.recv(65536):
                        met.set()
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    client.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        known.append(SILENT)
        before, answer = provider.requests(), ask(nginx.url)
        while not met.is_set():
            before, answer = provider.requests(), ask(nginx.url)
        assert answer.status == 502
        assert error_of(answer)["code"] == "gateway_unreachable"
        assert provider.requests() == before, "it may have been answered, and paid for, already"
        thread.join(timeout=5)


def test_rate_limit_applies_per_key(conf: NginxConf, tmp_path: Path) -> None:
    limited = replace(conf, rate_limit=OwnLimit(requests_per_second=1, burst=1))
    with running(limited, tmp_path) as nginx:
        statuses = [ask(nginx.url, key="one").status for _ in range(4)]
        assert statuses.count(429) >= 1, statuses
        refused = next(a for a in iter(lambda: ask(nginx.url, key="one"), None) if a.status == 429)
        error = error_of(refused)
        assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
        assert refused.headers["retry-after"] == "1"
        assert ask(nginx.url).status == 200


def test_rate_limit_by_address_ignores_the_key(conf: NginxConf, tmp_path: Path) -> None:
    limit = OwnLimit(requests_per_second=1, by="address")
    with running(replace(conf, rate_limit=limit), tmp_path) as nginx:
        statuses = [ask(nginx.url, key=f"made-up-{n}").status for n in range(4)]
    assert 429 in statuses


def test_too_large_body_is_refused_by_nginx(nginx: Nginx) -> None:
    answer = ask(nginx.url, b"x" * (MAX_BODY + 1))
    assert answer.status == 413
    assert error_of(answer)["code"] == "request_too_large"


def test_gateway_errors_pass_through_nginx_unchanged(nginx: Nginx) -> None:
    answer = ask(nginx.url, key="wrong")
    assert answer.status == 401
    assert error_of(answer)["code"] == "invalid_api_key"


def test_no_reachable_gateway_is_a_502_with_retry_after(nginx: Nginx, known: list[str]) -> None:
    known[:] = ["127.0.0.9"]

    def refusal() -> Answer | None:
        answer = ask(nginx.url)
        return answer if answer.status == 502 else None

    # nginx workers learn the new pods one after the other, so keep the first 502 as the answer.
    refused = wait_until(refusal, deadline_s=10, what="nobody to be there")
    assert error_of(refused)["type"] == "server_error"
    assert refused.headers["retry-after"] == "1"


def test_request_id_is_kept_and_the_access_log_contains_no_secret(nginx: Nginx) -> None:
    answer = ask(nginx.url, x_request_id="team-7")
    assert answer.headers["x-request-id"] == "team-7"
    odd = http_request("GET", f"{nginx.url}/v1/models", headers={"x-request-id": 'a"b'})
    assert odd.headers["x-request-id"] != 'a"b'
    connection = http.client.HTTPConnection(nginx.url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/v1/models?api_key=s3cret")
    connection.getresponse().read()
    connection.close()
    wait_until(lambda: nginx.output.count("/v1/models") >= 2, deadline_s=5, what="the log lines")
    lines = [json.loads(line) for line in nginx.output.splitlines()]
    assert "team-7" in {line["request_id"] for line in lines}
    for secret in ("s3cret", API_KEY):
        assert secret not in nginx.output


def test_connection_close_is_sent_while_nginx_is_leaving(nginx: Nginx) -> None:
    assert "connection" not in {
        name for name, value in ask(nginx.url).headers.items() if value == "close"
    }
    nginx.leave()
    answer = ask(nginx.url)
    assert answer.status == 200
    assert answer.headers["connection"] == "close"


def test_open_stream_finishes_before_nginx_exits(nginx: Nginx) -> None:
    connection = http.client.HTTPConnection(nginx.url.removeprefix("http://"), timeout=10)
    headers = {"authorization": f"Bearer {API_KEY}", "content-type": "application/json"}
    connection.request("POST", "/v1/chat/completions", question(stream=True), headers)
    answer = connection.getresponse()
    assert answer.readline().startswith(b"data: ")
    nginx.quit()
    assert answer.read().rstrip().endswith(b"data: [DONE]")
    connection.close()
    assert nginx.wait_for_exit(10) == 0
