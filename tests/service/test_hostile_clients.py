"""Clients that do not send, do not read or send too much do not affect other clients."""

import http.client
import json
import socket
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from seawall.common.wait import wait_until
from tests.service.kit import API_KEY, Answer, Gateway, Simulator, http_request
from tests.service.scripted_provider import CHOICE, gateway_before, whole

pytestmark = [pytest.mark.servers]

ESTABLISHED = "01"
KNOWN = f"authorization: Bearer {API_KEY}\r\n"
KIB = 1024
NOWHERE = b"GET /nope HTTP/1.1\r\nhost: test\r\n\r\n"


@pytest.fixture
def fat(folder: Path) -> Generator[Simulator]:
    """A provider with answers larger than every socket buffer."""
    simulator = Simulator("fat", folder, "--tokens", "150000")
    yield simulator
    simulator.stop()


def connect(gateway: Gateway) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(15)
    connection.connect(("127.0.0.1", gateway.port))
    return connection


def head(length: int, headers: str = "") -> bytes:
    first = "POST /v1/chat/completions HTTP/1.1\r\nhost: test\r\n"
    return f"{first}content-length: {length}\r\n{headers}\r\n".encode()


def is_held(gateway: Gateway, connection: socket.socket) -> bool:
    """Whether the gateway still holds its end of the connection."""
    ends = (f":{gateway.port:04X}", f":{connection.getsockname()[1]:04X}")
    rows = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()]
    return any(
        row[1].endswith(ends[0]) and row[2].endswith(ends[1]) and row[3] == ESTABLISHED
        for row in rows
    )


def test_unauthenticated_clients_without_a_body_take_no_slot(
    folder: Path, alpha: Simulator
) -> None:
    gateway = Gateway(folder, [alpha], admission={"max_in_flight": 1, "queue": 0})
    strangers = [connect(gateway) for _ in range(5)]
    try:
        for stranger in strangers:
            stranger.sendall(head(31 << 20))
            assert b" 401 " in stranger.recv(KIB)
        assert gateway.chat().status == 200
    finally:
        for stranger in strangers:
            stranger.close()
        gateway.stop()


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_request_bodies_in_flight_share_a_byte_limit(
    folder: Path,
    alpha: Simulator,
    chunked: bool,  # noqa: FBT001 - a parameter of pytest's
) -> None:
    gateway = Gateway(
        folder,
        [alpha],
        admission={"max_body_bytes": 1 << 20, "max_buffered_bytes": 1 << 20},
        timeouts={"answer": "60s", "headers": "60s"},
    )
    body = json.dumps({"model": "model-0", "messages": [], "x": "x" * (700 * KIB)}).encode()
    found: list[Answer] = []
    alpha.fault("slow_first_token", seconds=3, times=1)
    asked = alpha.requests()
    first = threading.Thread(target=lambda: found.append(gateway.post(body)))
    first.start()
    try:
        wait_until(lambda: alpha.requests() > asked, deadline_s=5, what="the first to be upstream")
        refused = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=15)
        refused.request(
            "POST",
            "/v1/chat/completions",
            iter([body]) if chunked else body,
            {"authorization": f"Bearer {API_KEY}"},
            encode_chunked=chunked,
        )
        answer = refused.getresponse()
        assert answer.status == 503
        assert answer.getheader("retry-after") == "1"
        assert json.loads(answer.read())["error"]["code"] == "overloaded"
        refused.close()
        assert gateway.chat().status == 200, "what fits is let in"
        first.join()
        assert found[0].status == 200
        assert gateway.post(body).status == 200, "the budget is given back"
    finally:
        first.join()
        gateway.stop()


def stop_reading(gateway: Gateway, *, stream: bool, then: bytes = b"") -> None:
    body = json.dumps({"model": "model-0", "messages": [], "stream": stream}).encode()
    with connect(gateway) as client:
        client.sendall(head(len(body), KNOWN + "x-request-id: find-me\r\n") + body)
        assert b" 200 " in client.recv(64)
        client.sendall(then)
        wait_until(
            lambda: not is_held(gateway, client),
            deadline_s=10,
            what="the gateway to leave the connection",
        )
    assert gateway.metric("seawall_requests_in_flight") == 0
    assert gateway.lines("find-me")
    assert "ASGI" not in gateway.output, "uvicorn complains of an unfinished answer"


def test_client_that_stops_reading_a_stream_is_disconnected_at_the_deadline(
    folder: Path, fat: Simulator
) -> None:
    gateway = Gateway(
        folder,
        [fat],
        admission={"deadline": "4s"},
        timeouts={"headers": "60s", "first_content": "60s"},
    )
    try:
        stop_reading(gateway, stream=True)
    finally:
        gateway.stop()


@pytest.mark.parametrize("then", [b"", NOWHERE], ids=["and waits", "and asks for more"])
def test_client_that_stops_reading_an_answer_is_disconnected_at_the_deadline(
    folder: Path, alpha: Simulator, then: bytes
) -> None:
    large = CHOICE + b" " * (32 << 20)
    with gateway_before(folder, alpha, whole("200 OK", large, b"x: y"), deadline_s=4) as gateway:
        stop_reading(gateway, stream=False, then=then)


def test_flood_of_pipelined_requests_is_cut_off(folder: Path, alpha: Simulator) -> None:
    gateway = Gateway(folder, [alpha])
    try:
        with connect(gateway) as client, pytest.raises(ConnectionError):
            client.sendall(NOWHERE * 200_000)
        assert gateway.rss_mib() < 150, "each would hold some KB"
        assert gateway.chat().status == 200
    finally:
        gateway.stop()


def test_failed_attempts_release_their_request_bodies(
    folder: Path, alpha: Simulator, beta: Simulator
) -> None:
    timeouts = {"headers": "60s", "answer": "60s"}
    gateway = Gateway(folder, [alpha, beta], timeouts=timeouts)
    try:
        assert gateway.chat().status == 200
        before = gateway.rss_mib()
        alpha.fault("context_too_long")
        for _ in range(20):
            answer = gateway.chat(x="x" * (8 << 20))
            assert answer.status == 200, answer.body
            assert answer.headers["x-seawall-provider"] == "beta"
        assert gateway.rss_mib() < before + 120, "24 MB a request, until the collector comes"
    finally:
        gateway.stop()


def test_endless_request_head_is_cut_and_an_idle_connection_stays(
    folder: Path, alpha: Simulator
) -> None:
    gateway = Gateway(folder, [alpha])
    idle = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=15)
    try:
        idle.request("GET", "/v1/models", headers={"authorization": f"Bearer {API_KEY}"})
        idle.getresponse().read()
        with connect(gateway) as client:
            client.sendall(b"GET /v1/models HTTP/1.1\r\n")

            def left() -> bool:
                if is_held(gateway, client):
                    client.sendall(b"x: y\r\n")
                    return False
                return True

            wait_until(left, deadline_s=13, what="the gateway to close", interval_s=0.5)
        kept = idle.sock
        idle.request("GET", "/v1/models", headers={"authorization": f"Bearer {API_KEY}"})
        assert idle.getresponse().status == 200
        assert idle.sock is kept, "the same connection"
        assert http_request("GET", gateway.url + "/models").status == 401
    finally:
        idle.close()
        gateway.stop()
