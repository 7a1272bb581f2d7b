"""Ask the gateway what its users ask: one plain and one streamed chat completion."""

import json
import time
from dataclasses import dataclass

import urllib3
from pydantic import BaseModel, ValidationError

from contract.headers import PROVIDER
from seawall.errors import ClusterError
from seawall.wait import TimedOutError, wait_until

__all__ = ["Answer", "smoke_test"]

_TIMEOUT_S = 15.0
_KEY_S = 120.0
_QUESTION = "Say hello to a new user of Seawall."


@dataclass(frozen=True, slots=True)
class Answer:
    """One completion.

    Attributes:
        kind: plain or streamed.
        text: what the model said.
        provider: who answered.
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
        ClusterError: it did not answer as an OpenAI-compatible server does.
    """
    with urllib3.PoolManager(retries=False, timeout=_TIMEOUT_S) as http:
        client = _Client(http, base_url, api_key)
        client.wait_for_key()
        try:
            listed = _Models.model_validate_json(client.request("GET", "/v1/models").data)
            model = listed.data[0].id
            return [client.ask(model, stream=False), client.ask(model, stream=True)]
        except (ValidationError, ValueError, IndexError) as odd:
            raise ClusterError(f"smoke test: not an OpenAI-compatible answer: {odd}") from odd


@dataclass(frozen=True, slots=True)
class _Client:
    http: urllib3.PoolManager
    base_url: str
    api_key: str

    def wait_for_key(self) -> None:
        """Until the key is known: the kubelet brings a changed key file within a minute or so.

        Raises:
            ClusterError: it is still refused then, or nobody answers.
        """

        def accepted() -> bool:
            return self._send("GET", "/v1/models", None).status != 401  # noqa: PLR2004 - HTTP

        try:
            wait_until(accepted, deadline_s=_KEY_S, what="the gateway to take the API key")
        except TimedOutError as late:
            raise ClusterError(f"smoke test: {late}") from late

    def request(self, method: str, path: str, body: object = None) -> urllib3.BaseHTTPResponse:
        answer = self._send(method, path, body)
        if answer.status != 200:  # noqa: PLR2004 - HTTP OK
            told = answer.data.decode(errors="replace")[:300]
            raise ClusterError(f"smoke test: {path} answered HTTP {answer.status}: {told}")
        return answer

    def _send(self, method: str, path: str, body: object) -> urllib3.BaseHTTPResponse:
        headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        try:
            return self.http.request(method, self.base_url + path, body=text, headers=headers)
        except urllib3.exceptions.HTTPError as failed:
            raise ClusterError(
                f"smoke test: no answer from {self.base_url}{path}: {failed}"
            ) from failed

    def ask(self, model: str, *, stream: bool) -> Answer:
        begun = time.monotonic()
        question = {"model": model, "messages": [{"role": "user", "content": _QUESTION}]}
        answer = self.request("POST", "/v1/chat/completions", {**question, "stream": stream})
        body = answer.data.decode()
        return Answer(
            kind="streamed" if stream else "plain",
            text=_streamed_text(body) if stream else _plain_text(body),
            provider=answer.headers.get(PROVIDER, "unknown"),
            took_ms=(time.monotonic() - begun) * 1000,
        )


def _plain_text(body: str) -> str:
    return _Completion.model_validate_json(body).choices[0].message.content or ""


def _streamed_text(body: str) -> str:
    events = [line.removeprefix("data: ") for line in body.splitlines() if line]
    if events[-1] != "[DONE]":
        raise ValueError(events[-1])
    chunks = [_Completion.model_validate_json(event) for event in events[:-1]]
    return "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices)
