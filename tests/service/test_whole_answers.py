"""Plain answers, which the gateway sends in a single write of its own, follow HTTP."""

import http.client
import json
import socket
import threading
from collections.abc import Generator
from contextlib import closing

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from seawall.common.wait import wait_until
from service.http.connection import ClientConnection
from service.pipeline.exchange import CONNECTION, Headers
from tests.service.kit import API_KEY, Gateway
from tests.support.ports import free_port

BODY = json.dumps({"model": "model-0", "messages": [{"role": "user", "content": "a"}]}).encode()


def request(*headers: str, version: str = "1.1") -> bytes:
    lines = [
        f"POST /v1/chat/completions HTTP/{version}",
        "host: test",
        f"authorization: Bearer {API_KEY}",
        f"content-length: {len(BODY)}",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + BODY


def connect(gateway: Gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.port), timeout=10)


class Read:
    """Reads answers from a connection, one after the other."""

    def __init__(self, connection: socket.socket) -> None:
        self.file = connection.makefile("rb")

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        status = int(self.file.readline().split()[1])
        headers = {
            name.lower(): value for name, value in http.client.parse_headers(self.file).items()
        }
        return status, headers, self.file.read(int(headers.get("content-length", "0")))

    def is_over(self) -> bool:
        return self.file.read(1) == b""


def test_pipelined_requests_are_answered_in_order(gateway: Gateway) -> None:
    with closing(connect(gateway)) as connection:
        read = Read(connection)
        connection.sendall(request("x-request-id: one") + request("x-request-id: two"))
        found = [read.answer() for _ in range(2)]
        connection.sendall(request("x-request-id: three"))
        found.append(read.answer())
    assert [status for status, _, _ in found] == [200, 200, 200]
    assert [headers["x-request-id"] for _, headers, _ in found] == ["one", "two", "three"]
    for _, headers, body in found:
        assert json.loads(body)["choices"], "the length is that of the body"
        assert "connection" not in headers
        assert headers["date"]


@pytest.mark.parametrize(
    "sent",
    [request(version="1.0"), request("connection: close")],
    ids=["HTTP/1.0", "connection: close"],
)
def test_connection_is_closed_when_client_sends_connection_close(
    gateway: Gateway, sent: bytes
) -> None:
    with closing(connect(gateway)) as connection:
        read = Read(connection)
        connection.sendall(sent)
        status, headers, _ = read.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert read.is_over()


def test_expect_100_continue_is_answered(gateway: Gateway) -> None:
    whole = request("expect: 100-continue")
    with closing(connect(gateway)) as connection:
        read = Read(connection)
        connection.sendall(whole.removesuffix(BODY))
        assert read.answer()[0] == 100
        connection.sendall(BODY)
        assert read.answer()[0] == 200


@pytest.fixture
def answering() -> Generator[list[object]]:
    """The port of a server, followed by what its application recorded about each single write."""
    seen: list[object] = [free_port()]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        assert scope["type"] == "http"
        connection = scope["extensions"][CONNECTION]
        assert isinstance(connection, ClientConnection)
        headers: Headers = [(b"content-length", b"2"), (b"x-one", scope["query_string"])]
        headers.append((b"x-two", scope["query_string"].replace(b"%0A", b"\n")))
        try:
            seen.append(await connection.answer(send, 200, headers, b"ok", close=False))
        except RuntimeError as error:
            seen.append(str(error))
            raise

    server = uvicorn.Server(
        uvicorn.Config(
            app,
            port=int(str(seen[0])),
            http=ClientConnection,
            ws="none",
            lifespan="off",
            log_config=None,
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started, deadline_s=10, what="the server")
    yield seen
    server.should_exit = True
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_a_header_with_a_line_break_is_refused(answering: list[object]) -> None:
    def ask(query: str) -> http.client.HTTPResponse:
        place = http.client.HTTPConnection("127.0.0.1", int(str(answering[0])), timeout=10)
        with closing(place) as client:
            client.request("GET", f"/?{query}")
            answer = client.getresponse()
            answer.read()
            return answer

    assert ask("a").getheader("x-two") == "a"
    assert ask("a%0Aset-cookie:b").status == 500
    assert answering[1:] == [True, "a header has a line break"]
