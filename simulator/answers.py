"""The simulator's answers: the same text for the same request, and recognizably not a model's."""

import itertools
import time
from typing import ClassVar, Protocol

import msgspec
from typing_extensions import override

__all__ = ["Answers", "ChatRequest", "OpenAIAnswers", "words_of"]

DONE = b"data: [DONE]\n\n"
_WORDS = ("I", "am", "a", "provider", "simulator,", "not", "a", "model.", "All", "is", "well.")
_encode = msgspec.json.Encoder().encode


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False


class ChatRequest(msgspec.Struct):
    """The fields that the simulator reads."""

    model: str
    stream: bool = False
    stream_options: _StreamOptions | None = None


class Answers(Protocol):
    """Makes the bodies of one simulator's answers, in one format."""

    malformed_event: ClassVar[bytes]
    """An event that breaks off in the middle."""

    def whole(self, request: ChatRequest) -> bytes:
        """A whole answer."""
        ...

    def empty(self, request: ChatRequest) -> bytes:
        """A whole answer without content."""
        ...

    def streamed(self, request: ChatRequest) -> tuple[list[bytes], bytes]:
        """The events of a streamed answer: those with text, and the ending.

        The first event has no text.
        """
        ...

    def error(self, message: str, kind: str, code: str | None) -> bytes:
        """An error."""
        ...

    def error_event(self, body: bytes) -> bytes:
        """The same error as an event of a stream."""
        ...


def words_of(tokens: int) -> list[str]:
    """A list of `tokens` pieces of text."""
    return [word + " " for word in itertools.islice(itertools.cycle(_WORDS), max(1, tokens))]


class OpenAIAnswers(Answers):
    """`Answers` as chat completions."""

    malformed_event = b'data: {"choices": [{"index": 0, "delta"\n\ndata: [DONE]\n\n'

    def __init__(self, name: str, models: tuple[str, ...], tokens: int) -> None:
        self._owner = f"seawall-simulator-{name}"
        self._models = models
        self._words = words_of(tokens)
        self._usage = {
            "prompt_tokens": 8,
            "completion_tokens": len(self._words),
            "total_tokens": 8 + len(self._words),
        }
        self._numbers = itertools.count(1)

    def models(self) -> bytes:
        """The body of GET /v1/models."""
        return _encode(
            {
                "object": "list",
                "data": [
                    {"id": model, "object": "model", "created": 0, "owned_by": self._owner}
                    for model in self._models
                ],
            }
        )

    @override
    def whole(self, request: ChatRequest) -> bytes:
        """A whole completion."""
        message = {"role": "assistant", "content": "".join(self._words).strip()}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        head = self._head(request, "chat.completion")
        return _encode({**head, "choices": [choice], "usage": self._usage})

    @override
    def empty(self, request: ChatRequest) -> bytes:
        return _encode({**self._head(request, "chat.completion"), "choices": []})

    @override
    def error_event(self, body: bytes) -> bytes:
        return b"data: " + body + b"\n\n"

    @override
    def streamed(self, request: ChatRequest) -> tuple[list[bytes], bytes]:
        """The events with text, and the ending.

        The first event has the role and no text, like OpenAI's. The ending is the finish_reason,
        the usage if requested, and the end marker.
        """
        head = self._head(request, "chat.completion.chunk")
        deltas = [{"role": "assistant", "content": ""}]
        deltas += [{"content": word} for word in self._words]
        ending = [self._event(head, {}, "stop")]
        if request.stream_options is not None and request.stream_options.include_usage:
            usage = _encode({**head, "choices": [], "usage": self._usage})
            ending.append(b"data: " + usage + b"\n\n")
        return [self._event(head, delta, None) for delta in deltas], b"".join((*ending, DONE))

    @override
    def error(self, message: str, kind: str, code: str | None) -> bytes:
        return _encode({"error": {"message": message, "type": kind, "param": None, "code": code}})

    def _head(self, request: ChatRequest, kind: str) -> dict[str, object]:
        return {
            "id": f"chatcmpl-simulator-{next(self._numbers)}",
            "object": kind,
            "created": int(time.time()),
            "model": request.model,
            "system_fingerprint": self._owner,
        }

    @staticmethod
    def _event(head: dict[str, object], delta: dict[str, str], reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return b"data: " + _encode({**head, "choices": [choice]}) + b"\n\n"
