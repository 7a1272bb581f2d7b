"""The simulator's answers in Anthropic's format."""

import itertools

import msgspec
from typing_extensions import override

from simulator.answers import Answers, ChatRequest, words_of

__all__ = ["MessagesAnswers"]

_PROMPT_TOKENS = 8
_encode = msgspec.json.Encoder().encode


def _event(name: str, **fields: object) -> bytes:
    data = _encode({"type": name, **fields})
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


class MessagesAnswers(Answers):
    """`Answers` as messages."""

    malformed_event = b'event: content_block_delta\ndata: {"type": "content_block_de\n\n'

    def __init__(self, name: str, tokens: int) -> None:
        self._name = name
        self._words = words_of(tokens)
        self._numbers = itertools.count(1)

    @override
    def whole(self, request: ChatRequest) -> bytes:
        text = {"type": "text", "text": "".join(self._words).strip()}
        return _encode(self._message(request, [text], "end_turn", len(self._words)))

    @override
    def empty(self, request: ChatRequest) -> bytes:
        return _encode(self._message(request, None, None, 0))

    @override
    def streamed(self, request: ChatRequest) -> tuple[list[bytes], bytes]:
        start = _event("message_start", message=self._message(request, [], None, 1))
        block = {"type": "text", "text": ""}
        begin = _event("content_block_start", index=0, content_block=block)
        pieces = [start + begin + _event("ping")]
        for word in self._words:
            delta = {"type": "text_delta", "text": word}
            pieces.append(_event("content_block_delta", index=0, delta=delta))
        end = {"stop_reason": "end_turn", "stop_sequence": None}
        ending = (
            _event("content_block_stop", index=0),
            _event("message_delta", delta=end, usage={"output_tokens": len(self._words)}),
            _event("message_stop"),
        )
        return pieces, b"".join(ending)

    @override
    def error(self, message: str, kind: str, code: str | None) -> bytes:
        del code
        return _encode({"type": "error", "error": {"type": kind, "message": message}})

    @override
    def error_event(self, body: bytes) -> bytes:
        return b"event: error\ndata: " + body + b"\n\n"

    def _message(
        self,
        request: ChatRequest,
        content: list[dict[str, str]] | None,
        stop: str | None,
        tokens: int,
    ) -> dict[str, object]:
        return {
            "id": f"msg_simulator_{next(self._numbers)}",
            "type": "message",
            "role": "assistant",
            "model": request.model,
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {"input_tokens": _PROMPT_TOKENS, "output_tokens": tokens},
        }
