"""The smoke test against a fake HTTP server: incomplete answers fail, and keys stay secret."""

import json
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from contract.headers import PROVIDER
from seawall.common.errors import ClusterError, UsageError
from seawall.ops.smoke import Answer, smoke_test

KEY = "sk-only-for-this-test"
MODELS = json.dumps({"data": [{"id": "fast"}]})
HELLO = json.dumps({"choices": [{"message": {"content": "hello"}}]})
CHUNK = json.dumps({"choices": [{"delta": {"content": "hi"}}]})
STREAM = f": a comment\n\ndata: {CHUNK}\n\ndata:{CHUNK}\n\ndata: [DONE]\n\n"
ERROR = json.dumps({"error": {"message": f"the key {KEY}\nis bad"}}, indent=2)


class FakeServer(ThreadingHTTPServer):
    """A fake gateway with answers that the test configures."""

    models, plain, streamed, status = MODELS, HELLO, STREAM, 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FakeHandler)
        self.seen: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class FakeHandler(BaseHTTPRequestHandler):
    @property
    def fake(self) -> FakeServer:
        assert isinstance(self.server, FakeServer)
        return self.server

    def do_GET(self) -> None:
        self._answer(200, self.fake.models)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = self.fake.streamed if asked["stream"] else self.fake.plain
        self._answer(self.fake.status, body)

    def _answer(self, status: int, text: str) -> None:
        self.fake.seen.append(self.headers["Authorization"])
        body = text.encode()
        self.send_response(status)
        self.send_header(PROVIDER, "fake")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
        del format, args


@pytest.fixture
def server() -> Generator[FakeServer]:
    with FakeServer() as made:
        thread = Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def refused(server: FakeServer) -> str:
    with pytest.raises(ClusterError) as caught:
        smoke_test(server.url, KEY)
    told = str(caught.value)
    assert "\n" not in told
    assert KEY not in told
    assert told.startswith("smoke test: ")
    return told


def test_smoke_test_requests_a_plain_and_a_streamed_answer(server: FakeServer) -> None:
    plain, streamed = smoke_test(server.url, KEY)
    assert (plain.kind, plain.text, plain.provider) == ("plain", "hello", "fake")
    assert (streamed.kind, streamed.text) == ("streamed", "hihi")
    assert isinstance(plain, Answer)
    assert set(server.seen) == {f"Bearer {KEY}"}


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_answer_without_text_fails(server: FakeServer, content: str | None) -> None:
    server.plain = json.dumps({"choices": [{"message": {"content": content}}]})
    assert "the plain answer of model fast holds no text" in refused(server)


def test_answer_without_choices_fails(server: FakeServer) -> None:
    server.plain = json.dumps({"choices": []})
    assert "the plain answer of model fast holds no text" in refused(server)


def test_stream_without_text_fails(server: FakeServer) -> None:
    server.streamed = "data: [DONE]\n\n"
    assert "the streamed answer of model fast holds no text: data: [DONE]" in refused(server)


@pytest.mark.parametrize("stream", ["", f"data: {CHUNK}\n\n", "data: nonsense\n\ndata: [DONE]\n\n"])
def test_cut_off_or_invalid_stream_fails(server: FakeServer, stream: str) -> None:
    server.streamed = stream
    assert "/v1/chat/completions gave no OpenAI-compatible answer" in refused(server)


def as_plain(server: FakeServer) -> None:
    server.plain = ERROR


def as_stream(server: FakeServer) -> None:
    server.streamed = f"data: {json.dumps(json.loads(ERROR))}\n\ndata: [DONE]\n\n"


def as_models(server: FakeServer) -> None:
    server.models = ERROR


@pytest.mark.parametrize("put", [as_plain, as_stream, as_models])
def test_an_error_with_status_200_is_one_line(
    server: FakeServer, put: Callable[[FakeServer], None]
) -> None:
    put(server)
    told = refused(server)
    assert "gave no OpenAI-compatible answer: " in told
    assert '"error": {' in told


def test_http_error_status_is_one_line(server: FakeServer) -> None:
    server.status, server.plain = 502, ERROR
    assert '/v1/chat/completions answered HTTP 502: { "error": {' in refused(server)


def test_gateway_without_models_fails(server: FakeServer) -> None:
    server.models = json.dumps({"data": []})
    assert "/v1/models offers no model" in refused(server)


@pytest.mark.parametrize("odd", ["\n", "\r\nX: y", " ", "\t", "\u201c", "\u00e9", "\x00", "\x7f"])
def test_key_that_is_not_a_valid_header_value_is_refused_and_hidden(
    server: FakeServer, odd: str
) -> None:
    with pytest.raises(UsageError) as caught:
        smoke_test(server.url, f"{KEY}{odd}rest")
    told = str(caught.value)
    assert "the API key is empty or holds a space, a line break" in told
    assert KEY not in told
    assert "\n" not in told
    assert caught.value.__cause__ is None
    assert server.seen == []


def test_an_empty_key_is_refused(server: FakeServer) -> None:
    with pytest.raises(UsageError, match="the API key is empty"):
        smoke_test(server.url, "")
