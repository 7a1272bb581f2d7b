"""The simulator's APIs, OpenAI's and Anthropic's, as a plain ASGI application."""

import msgspec
from starlette.types import Receive, Scope, Send

from simulator.answers import Answers, ChatRequest, OpenAIAnswers
from simulator.asgi import Answering, ClientGone, read_body, send_json
from simulator.faults import Faults
from simulator.messages import MessagesAnswers
from simulator.reply import Reply

__all__ = ["SimulatorApi"]

_KEPT_BYTES = 65536
_CHAT_PATH = "/v1/chat/completions"
_MESSAGES_PATH = "/v1/messages"
_SECRET_HEADERS = (b"authorization", b"x-api-key", b"api-key")
_decode = msgspec.json.Decoder(ChatRequest).decode


class SimulatorApi:
    """Answers requests, with the active fault if there is one."""

    def __init__(
        self,
        openai: OpenAIAnswers,
        messages: MessagesAnswers,
        faults: Faults,
        token_delay_s: float,
    ) -> None:
        self._openai = openai
        self._formats: dict[str, Answers] = {_CHAT_PATH: openai, _MESSAGES_PATH: messages}
        self._faults = faults
        self._token_delay_s = token_delay_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        answers = self._formats.get(scope["path"])
        if answers is not None and scope["method"] == "POST":
            await self._chat(answers, scope, receive, send)
        elif (scope["method"], scope["path"]) == ("GET", "/v1/models"):
            await send_json(send, 200, self._openai.models())
        else:
            error = self._openai.error("not simulated", "invalid_request_error", "unknown_url")
            await send_json(send, 404, error)

    async def _chat(self, answers: Answers, scope: Scope, receive: Receive, send: Send) -> None:
        self._faults.requests += 1
        body = await read_body(receive)
        self._faults.last_body = body[:_KEPT_BYTES].decode(errors="replace")
        self._faults.last_headers = {
            name.decode(): value.decode("latin-1")
            for name, value in scope["headers"]
            if name not in _SECRET_HEADERS
        }
        try:
            request = _decode(body)
        except msgspec.DecodeError as error:
            message = answers.error(str(error), "invalid_request_error", None)
            await send_json(send, 400, message)
            return
        self._faults.streamed += request.stream
        fault = self._faults.take(key=_key_of(scope), model=request.model)
        to = Answering(scope, receive, send)
        try:
            await to.run(Reply(answers, request, fault, to, self._token_delay_s).give())
        except ClientGone:
            self._faults.client_gone += 1
        else:
            self._faults.completed += 1


def _key_of(scope: Scope) -> str:
    """The API key from any of the three headers."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    value = headers.get(b"authorization", b"").decode("latin-1").partition(" ")[2]
    return value or headers.get(b"x-api-key", headers.get(b"api-key", b"")).decode("latin-1")
