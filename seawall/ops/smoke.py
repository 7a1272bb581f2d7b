"""Send the gateway the requests of its users: one plain and one streamed chat completion."""

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import urllib3
from pydantic import BaseModel

from contract.headers import PROVIDER
from seawall.common.errors import ClusterError, UsageError
from seawall.common.wait import TimedOutError, wait_until

__all__ = ["Answer", "smoke_test"]

_TIMEOUT_S = 15.0
_KEY_S = 120.0
_SHOWN = 200
"""Characters of a wrong answer in a message."""
_QUESTION = "Say hello to a new user of Seawall."


@dataclass(frozen=True, slots=True)
class Answer:
    """One completion.

    Attributes:
        kind: plain or streamed.
        text: the text of the model's answer.
        provider: the provider that answered.
        took_ms: milliseconds until the answer was complete.
    """

    kind: str
    text: str
    provider: str
    took_ms: float


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


class _Text(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Text = _Text()
    delta: _Text = _Text()


class _Completion(BaseModel):
    choices: list[_Choice]


def smoke_test(base_url: str, api_key: str) -> list[Answer]:
    """A plain and a streamed answer from the first model that the gateway offers.

    Args:
        base_url: the gateway, without /v1.
        api_key: a key that the gateway knows.

    Raises:
        UsageError: the key is not valid in an HTTP header.
        ClusterError: the answer is not OpenAI-compatible, or it has no text.
    """
    _check_key(api_key)
    with urllib3.PoolManager(retries=False, timeout=_TIMEOUT_S) as http:
        client = _Client(http, base_url, api_key)
        client.wait_for_key()
        model = client.first_model()
        return [client.ask(model, stream=False), client.ask(model, stream=True)]


def _check_key(api_key: str) -> None:
    # Checked before the key is sent, because the errors of the HTTP client would show it.
    if not api_key or not all("!" <= character <= "~" for character in api_key):
        raise UsageError(
            "the API key is empty or holds a space, a line break or a character that is not "
            "printable ASCII; write only the key, in one line, into its file"
        )


@dataclass(frozen=True, slots=True)
class _Client:
    http: urllib3.PoolManager
    base_url: str
    api_key: str

    def wait_for_key(self) -> None:
        """Wait until the gateway accepts the key.

        The kubelet updates a changed key file in the pods within about a minute.

        Raises:
            ClusterError: the key is still refused after that, or there is no answer.
        """

        def accepted() -> bool:
            return self._send("GET", "/v1/models", None).status != 401  # noqa: PLR2004 - HTTP

        try:
            wait_until(accepted, deadline_s=_KEY_S, what="the gateway to accept the API key")
        except TimedOutError as late:
            raise ClusterError(f"smoke test: {late}") from late

    def request(self, method: str, path: str, body: object = None) -> urllib3.BaseHTTPResponse:
        answer = self._send(method, path, body)
        if answer.status != 200:  # noqa: PLR2004 - HTTP OK
            raise ClusterError(
                f"smoke test: {path} answered HTTP {answer.status}: {self._shown(answer)}"
            )
        return answer

    def _send(self, method: str, path: str, body: object) -> urllib3.BaseHTTPResponse:
        headers = {
            "Authorization": f"Bearer {self.api_key}",
            "Content-Type": "application/json",
            "Cache-Control": "no-cache",
        }
        text = None if body is None else json.dumps(body)
        try:
            return self.http.request(method, self.base_url + path, body=text, headers=headers)
        except urllib3.exceptions.HTTPError as failed:
            raise ClusterError(
                f"smoke test: no answer from {self.base_url}{path}: {failed}"
            ) from failed

    def first_model(self) -> str:
        """The first model that the gateway offers.

        Raises:
            ClusterError: there is none.
        """
        path = "/v1/models"
        answer = self.request("GET", path)
        with self._expecting(path, answer):
            models = _Models.model_validate_json(answer.data).data
        if not models:
            raise ClusterError(f"smoke test: {path} offers no model; name one in seawall:gateway")
        return models[0].id

    def ask(self, model: str, *, stream: bool) -> Answer:
        """One completion.

        Raises:
            ClusterError: there is no answer, it has an unexpected form, or it has no text.
        """
        begun, path = time.monotonic(), "/v1/chat/completions"
        question = {"model": model, "messages": [{"role": "user", "content": _QUESTION}]}
        answer = self.request("POST", path, {**question, "stream": stream})
        kind = "streamed" if stream else "plain"
        with self._expecting(path, answer):
            text = (_streamed_text if stream else _plain_text)(answer.data.decode())
        if not text.strip():
            raise ClusterError(
                f"smoke test: the {kind} answer of model {model} holds no text: "
                f"{self._shown(answer)}"
            )
        return Answer(
            kind=kind,
            text=text,
            provider=answer.headers.get(PROVIDER, "unknown"),
            took_ms=(time.monotonic() - begun) * 1000,
        )

    @contextmanager
    def _expecting(self, path: str, answer: urllib3.BaseHTTPResponse) -> Generator[None]:
        try:
            yield
        except ValueError as odd:  # includes the errors of pydantic and of the decoder
            raise ClusterError(
                f"smoke test: {path} gave no OpenAI-compatible answer: {self._shown(answer)}"
            ) from odd

    def _shown(self, answer: urllib3.BaseHTTPResponse) -> str:
        """The body of the answer in one line, without the key, which some servers repeat."""
        text = " ".join(answer.data.decode(errors="replace").split())
        return text.replace(self.api_key, "<the API key>")[:_SHOWN] or "nothing"


def _plain_text(body: str) -> str:
    choices = _Completion.model_validate_json(body).choices
    return "".join(choice.message.content or "" for choice in choices[:1])


def _streamed_text(body: str) -> str:
    lines = [line.removeprefix("data:") for line in body.splitlines() if line.startswith("data:")]
    events = [line.strip() for line in lines]
    if events[-1:] != ["[DONE]"]:
        raise ValueError("the stream has no end")
    chunks = [_Completion.model_validate_json(event) for event in events[:-1]]
    return "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices)
