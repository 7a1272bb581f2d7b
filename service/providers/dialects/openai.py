"""OpenAI's wire format, spoken by most providers.

Bytes pass through: only the request's top level is taken apart, and answers are scanned, never
written again.
"""

import msgspec

from service.providers.dialect import UNREADABLE, ChatCall
from service.providers.dialects.sse import EventSplitter
from service.providers.failures import UpstreamFailure
from service.resilience.retry import Symptom

__all__ = ["OpenAIDialect", "OpenAIScanner"]

_EMPTY_VALUES = frozenset((b"null", b'""', b"[]", b"{}"))
_DONE = b"[DONE]"
_DONE_EVENT = b"data: [DONE]\n\n"


class _Choice(msgspec.Struct):
    index: int = 0
    finish_reason: str | None = None
    delta: msgspec.Raw = msgspec.Raw(b"null")


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw = msgspec.Raw(b"null")


class _AnswerChoice(msgspec.Struct):
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    choices: list[_AnswerChoice] | None = None
    error: msgspec.Raw = msgspec.Raw(b"null")


_encode = msgspec.json.Encoder().encode
_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_delta = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _malformed(detail: str) -> UpstreamFailure:
    return UpstreamFailure(Symptom.MALFORMED, detail)


def _holds_content(delta: msgspec.Raw) -> bool:
    """Whether a delta carries more than its role: text, a tool call, a refusal, reasoning."""
    if bytes(delta) == b"null":
        return False
    fields = _decode_delta(delta)
    return any(name != "role" and bytes(raw) not in _EMPTY_VALUES for name, raw in fields.items())


class OpenAIScanner:
    """Scans a stream of chat completion chunks; see `StreamScanner`."""

    def __init__(self, *, strip_usage: bool) -> None:
        self._strip_usage = strip_usage
        self._splitter = EventSplitter()
        self._open: set[int] = set()
        self._finished: set[int] = set()
        self.has_content = False
        self.has_usage = False
        self.done = False

    @property
    def finished(self) -> bool:
        """See `StreamScanner.finished`."""
        return bool(self._finished) and not self._open

    def feed(self, data: bytes) -> bytes:
        """See `StreamScanner.feed`."""
        events = self._splitter.feed(data)
        if not events:
            return b""
        return b"".join([raw for raw, payload in events if self._accept(payload)])

    def finish(self) -> bytes:
        """See `StreamScanner.finish`; a missing end marker is supplied when all choices ended."""
        if self.done:
            return b""
        self._require_finished()
        self.done = True
        return _DONE_EVENT

    def _require_finished(self) -> None:
        if not self.finished:
            raise UpstreamFailure(Symptom.CUT, "the stream ended without a finish_reason")

    def _accept(self, payload: bytes | None) -> bool:
        """Note what the event says; return whether the client gets it."""
        if payload is None:
            return not self.done
        if self.done:
            return False
        if payload == _DONE:
            self._require_finished()
            self.done = True
            return True
        try:
            chunk = _decode_chunk(payload)
        except UNREADABLE as error:
            raise _malformed(f"an event is no chunk: {type(error).__name__}") from None
        if bytes(chunk.error) != b"null":
            raise UpstreamFailure(Symptom.SERVER_ERROR, "an error event inside the stream")
        for choice in chunk.choices or ():
            self._note(choice)
        is_usage_chunk = not chunk.choices and bytes(chunk.usage) != b"null"
        self.has_usage = is_usage_chunk and self.finished
        return not (is_usage_chunk and self._strip_usage)

    def _note(self, choice: _Choice) -> None:
        if choice.finish_reason is not None:
            self._open.discard(choice.index)
            self._finished.add(choice.index)
            self.has_content = True
        elif choice.index not in self._finished:
            self._open.add(choice.index)
        if not self.has_content:
            try:
                self.has_content = _holds_content(choice.delta)
            except UNREADABLE:
                raise _malformed("a delta is no object") from None


class OpenAIDialect:
    """See `Dialect`."""

    chat_path = "/chat/completions"

    def headers(self, api_key: str | None) -> dict[str, str]:
        """See `Dialect.headers`: the key as a bearer token, and no compression to undo."""
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        if api_key is not None:
            headers["authorization"] = f"Bearer {api_key}"
        return headers

    def encode(self, call: ChatCall, model: str) -> bytes:
        """See `Dialect.encode`. Streams always ask for usage: the gateway counts it."""
        fields = dict(call.fields)
        fields["model"] = msgspec.Raw(_encode(model))
        if call.stream:
            options = dict(call.stream_options)
            options["include_usage"] = msgspec.Raw(b"true")
            fields["stream_options"] = msgspec.Raw(_encode(options))
        return _encode(fields)

    def check_answer(self, body: bytes) -> None:
        """See `Dialect.check_answer`: every choice needs a finish_reason."""
        try:
            answer = _decode_answer(body)
        except UNREADABLE as error:
            raise _malformed(f"the answer is no completion: {type(error).__name__}") from None
        if bytes(answer.error) != b"null":
            raise UpstreamFailure(Symptom.SERVER_ERROR, "an error with status 200")
        if not answer.choices:
            raise _malformed("the answer has no choices")
        if any(choice.finish_reason is None for choice in answer.choices):
            raise UpstreamFailure(Symptom.CUT, "a choice has no finish_reason")

    def scanner(self, *, strip_usage: bool) -> OpenAIScanner:
        """See `Dialect.scanner`."""
        return OpenAIScanner(strip_usage=strip_usage)
