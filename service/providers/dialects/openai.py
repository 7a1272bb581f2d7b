"""OpenAI's wire format, which most providers use.

Bytes pass through: only the request's top level is decoded, and answers are scanned but never
encoded again.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

import msgspec
from typing_extensions import override

from service.providers.chat_request import ChatCall, Usage
from service.providers.dialect import UNREADABLE, Dialect, WholeAnswer
from service.providers.dialects.fitting import MessageFitter
from service.providers.dialects.quirks import Quirks
from service.providers.dialects.sse import EventSplitter
from service.providers.encoding import SAME_NAMES, SAY_NOTHING, Encoding, fit_user
from service.providers.endings import end_of_completion
from service.providers.failures import UpstreamFailure
from service.providers.lenient import whole_characters
from service.resilience.retry import Symptom

__all__ = ["OpenAIDialect", "OpenAIScanner"]

_EMPTY_VALUES = frozenset((b"null", b'""', b"[]", b"{}"))
_DONE = b"[DONE]"
_DONE_EVENT = b"data: [DONE]\n\n"


class _Choice(msgspec.Struct):
    index: int | None = 0
    finish_reason: str | None = None
    delta: msgspec.Raw = msgspec.Raw(b"null")


class _Cached(msgspec.Struct):
    cached_tokens: int | None = 0


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    prompt_tokens_details: _Cached | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw = msgspec.Raw(b"null")


class _AnswerChoice(msgspec.Struct):
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    choices: list[_AnswerChoice] | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw = msgspec.Raw(b"null")


_encode = msgspec.json.Encoder().encode
_decode_usage = msgspec.json.Decoder(_Usage | None).decode
_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_text = msgspec.json.Decoder(str).decode
_decode_delta = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _counted(raw: msgspec.Raw) -> Usage | None:
    """The usage as the pipeline's `Usage`; None if it is unreadable, which is no error."""
    try:
        usage = _decode_usage(raw)
    except UNREADABLE:
        return None
    if usage is None:
        return None
    details = usage.prompt_tokens_details
    cached = (details.cached_tokens or 0) if details is not None else 0
    return Usage(usage.prompt_tokens or 0, usage.completion_tokens or 0, cached)


def _malformed(detail: str) -> UpstreamFailure:
    return UpstreamFailure(Symptom.MALFORMED, detail)


def _read_chunk(payload: bytes) -> _Chunk:
    """Decode one event as leniently as SDKs do.

    Types may differ from OpenAI's, and a character may be split into two surrogate escapes, each
    invalid alone.

    Raises:
        UpstreamFailure: it is not a JSON object.
    """
    try:
        return _decode_chunk(payload)
    except UNREADABLE:
        pass
    try:
        fields = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"an event is not a chunk: {type(error).__name__}") from None
    if not isinstance(fields, dict):
        raise _malformed("an event is not an object")
    given = cast("dict[str, Any]", fields)
    choices = given.get("choices")
    return _Chunk(
        [
            _lenient(cast("dict[str, Any]", one))
            for one in cast("list[object]", choices)
            if isinstance(one, dict)
        ]
        if isinstance(choices, list)
        else None,
        _raw(given.get("usage")),
        _raw(given.get("error")),
    )


def _read_answer(body: bytes) -> _Answer:
    try:
        return _decode_answer(body)
    except UNREADABLE:
        return _decode_answer(whole_characters(body))


def _lenient(choice: dict[str, Any]) -> _Choice:
    """A choice whose delta only shows which of its fields are not empty."""
    index, end, delta = (choice.get(name) for name in ("index", "finish_reason", "delta"))
    holds = {
        name: bool(value) or None
        for name, value in cast("dict[str, Any]", delta if isinstance(delta, dict) else {}).items()
    }
    return _Choice(
        index if isinstance(index, int) else 0, end if isinstance(end, str) else None, _raw(holds)
    )


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def _holds_content(delta: msgspec.Raw) -> bool:
    """Whether a delta carries more than its role: text, a tool call, a refusal, reasoning."""
    if bytes(delta) == b"null":
        return False
    fields = _decode_delta(delta)
    return any(name != "role" and bytes(raw) not in _EMPTY_VALUES for name, raw in fields.items())


class OpenAIScanner:
    """Scans a stream of chat completion chunks, as a `StreamScanner`."""

    def __init__(self, *, include_usage: bool) -> None:
        self._include_usage = include_usage
        self._splitter = EventSplitter()
        self._open: set[int] = set()
        self._finished: set[int] = set()
        self.has_content = False
        self.has_usage = False
        self.done = False
        self.usage = Usage()
        self._counted_in = b""
        """A chunk with both choices and usage, if the provider sends such a chunk."""

    @property
    def finished(self) -> bool:
        """Whether every choice has ended; only usage and the end marker may be missing."""
        return bool(self._finished) and not self._open

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the stream, and return whole events for the client."""
        events = self._splitter.feed(data)
        return self._passed(events) if events else b""

    def finish(self) -> bytes:
        """Note that the provider closed the stream, and return the rest for the client.

        A missing end marker is added when all choices have ended.

        Raises:
            UpstreamFailure: the answer is not complete.
        """
        if self.done:
            return b""
        try:
            passed = self._passed(self._splitter.last())
        except UpstreamFailure:
            passed = b""  # an incomplete event, or [DONE] before the answer is complete
        if self.done:
            return passed
        self._require_finished()
        self.done = True
        return passed + self._before(_DONE) + _DONE_EVENT

    def _passed(self, events: list[tuple[bytes, bytes | None]]) -> bytes:
        return b"".join(
            [self._before(payload) + raw for raw, payload in events if self._accept(payload)]
        )

    def _require_finished(self) -> None:
        if not self.finished:
            raise UpstreamFailure(Symptom.CUT, "the stream ended without a known finish_reason")

    def _accept(self, payload: bytes | None) -> bool:
        """Process an event; return whether the client gets it."""
        if payload is None:
            return not self.done
        if self.done:
            return False
        if payload == _DONE:
            self._require_finished()
            self.done = True
            return True
        chunk = _read_chunk(payload)
        if bytes(chunk.error) != b"null":
            raise UpstreamFailure(Symptom.SERVER_ERROR, "an error event inside the stream")
        for choice in chunk.choices or ():
            self._note(choice)
        if bytes(chunk.usage) == b"null":
            return True
        self.usage = _counted(chunk.usage) or self.usage
        if chunk.choices:
            self._counted_in = payload
            return True
        self.has_usage = self.finished
        return self._include_usage

    def _before(self, payload: bytes | None) -> bytes:
        """The usage chunk before the end marker, if the client wants it and it is missing.

        It has no choices, and there is exactly one:
        https://platform.openai.com/docs/api-reference/chat/create.
        """
        if payload != _DONE or self.has_usage or not (self._include_usage and self._counted_in):
            return b""
        chunk = _decode_delta(self._counted_in)
        chunk["choices"] = msgspec.Raw(b"[]")
        return b"data: " + _encode(chunk) + b"\n\n"

    def _note(self, choice: _Choice) -> None:
        if end_of_completion(choice.finish_reason) is not None:
            self._open.discard(choice.index or 0)
            self._finished.add(choice.index or 0)
            self.has_content = True
        elif choice.index not in self._finished:
            self._open.add(choice.index or 0)
        if not self.has_content:
            try:
                self.has_content = _holds_content(choice.delta)
            except UNREADABLE:
                raise _malformed("a delta is not an object") from None


def _hide_users(fields: dict[str, msgspec.Raw], how: Encoding) -> None:
    """Hash user ids that may identify a user to another company."""
    for name in _USERS & fields.keys():
        try:
            user = _decode_text(fields[name])
        except UNREADABLE:
            continue
        fields[name] = msgspec.Raw(_encode(fit_user(user, _LONGEST_USER, how)))


_USERS = frozenset(("user", "safety_identifier"))
_LONGEST_USER = 64


def _rename(fields: dict[str, msgspec.Raw], names: Mapping[str, str]) -> None:
    for name in names.keys() & fields.keys():
        fields[names[name]] = fields.pop(name)


class OpenAIDialect(Dialect):
    """The dialect of OpenAI's providers for clients of the same format."""

    def __init__(self, quirks: Quirks | None = None) -> None:
        self.quirks = quirks or Quirks()
        self._messages = MessageFitter(self.quirks)

    @override
    def encode(self, call: ChatCall, model: str, how: Encoding) -> bytes:
        """A stream asks for its usage, because the gateway counts it."""
        fields = dict(call.fields)
        fields["model"] = msgspec.Raw(_encode(model))
        if call.stream:
            fields["stream"] = msgspec.Raw(b"true")
        if self.quirks.renames or how.calls:
            _rename(fields, {**self.quirks.renames, **how.calls})
        if self.quirks.knows is not None:
            for name in fields.keys() - self.quirks.knows:
                del fields[name]
                if name not in SAY_NOTHING and name != "stream_options":
                    how.adapted.add(name)
        if not self.quirks.is_openais:
            _hide_users(fields, how)
        if "messages" in fields:
            fields["messages"] = self._messages.fit(fields["messages"], how)
        if not self.quirks.takes_stream_options:
            fields.pop("stream_options", None)
        elif call.stream and how.may_add("stream_options"):
            options = dict(call.stream_options)
            options["include_usage"] = msgspec.Raw(b"true")
            fields["stream_options"] = msgspec.Raw(_encode(options))
        return _encode(fields)

    @override
    def answer(self, body: bytes, names: Mapping[str, str] = SAME_NAMES) -> WholeAnswer:
        """The completion itself, byte for byte; every choice must be complete."""
        del names
        try:
            answer = _read_answer(body)
        except UNREADABLE as error:
            raise _malformed(f"the answer is not a completion: {type(error).__name__}") from None
        if bytes(answer.error) != b"null":
            raise UpstreamFailure(Symptom.SERVER_ERROR, "an error with status 200")
        if not answer.choices:
            raise _malformed("the answer has no choices")
        if any(end_of_completion(choice.finish_reason) is None for choice in answer.choices):
            raise UpstreamFailure(Symptom.CUT, "a choice has no known finish_reason")
        return WholeAnswer(body, _counted(answer.usage) or Usage())

    @override
    def refusal(self, status: int, body: bytes) -> bytes:
        """The body itself, byte for byte."""
        del status
        return body

    @override
    def scanner(self, call: ChatCall, names: Mapping[str, str] = SAME_NAMES) -> OpenAIScanner:
        del names
        return OpenAIScanner(include_usage=call.include_usage)
