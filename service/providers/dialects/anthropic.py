"""Anthropic's wire format for clients of the same format: bytes pass through and are scanned.

https://docs.anthropic.com/en/api/messages and .../messages-streaming
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar, cast

import msgspec
from typing_extensions import override

from service.providers.chat_request import ChatCall, Usage
from service.providers.dialect import UNREADABLE, Dialect, StreamScanner, WholeAnswer
from service.providers.dialects.sse import EventSplitter
from service.providers.dialects.thoughts import fit_thoughts
from service.providers.encoding import SAME_NAMES, Encoding
from service.providers.endings import end_of_message
from service.providers.failures import UpstreamFailure
from service.providers.lenient import plain
from service.resilience.retry import Symptom

__all__ = [
    "AnthropicDialect",
    "AnthropicEvent",
    "AnthropicMessage",
    "AnthropicReader",
    "AnthropicScanner",
    "Block",
    "read_message",
]

_END = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


class CacheCreation(msgspec.Struct):
    """Tokens that were written to the prompt cache, by their lifetime."""

    ephemeral_1h_input_tokens: int | None = 0


class AnthropicUsage(msgspec.Struct):
    """The usage of a message; `input_tokens` does not include tokens of the prompt cache."""

    input_tokens: int | None = 0
    output_tokens: int | None = 0
    cache_creation_input_tokens: int | None = 0
    cache_read_input_tokens: int | None = 0
    cache_creation: CacheCreation | None = None

    def counted(self) -> Usage:
        """The same as the pipeline's `Usage`."""
        cached = self.cache_read_input_tokens or 0
        written = self.cache_creation_input_tokens or 0
        tiers = self.cache_creation
        long = min(written, (tiers.ephemeral_1h_input_tokens or 0) if tiers is not None else 0)
        prompt = (self.input_tokens or 0) + written + cached
        return Usage(prompt, self.output_tokens or 0, cached, written - long, long)


class Block(msgspec.Struct):
    """A content block with the fields that the gateway reads."""

    type: str
    text: str = ""
    thinking: str = ""
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")


class AnthropicMessage(msgspec.Struct):
    """A whole answer, or the beginning of a streamed one."""

    id: str = ""
    model: str = ""
    content: list[Block] | None = None
    stop_reason: str | None = None
    usage: AnthropicUsage | None = None
    type: str = ""


class Delta(msgspec.Struct):
    """The content that one event adds."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    partial_json: str = ""
    stop_reason: str | None = None


class AnthropicEvent(msgspec.Struct):
    """One event of a stream."""

    type: str = ""
    index: int = 0
    message: AnthropicMessage | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: AnthropicUsage | None = None


_encode = msgspec.json.Encoder().encode
_event = msgspec.json.Decoder(AnthropicEvent)
_message = msgspec.json.Decoder(AnthropicMessage)
_EVENTS = frozenset(
    (
        *("message_start", "content_block_start", "content_block_delta", "content_block_stop"),
        *("message_delta", "message_stop", "error", "ping"),
    )
)
_T = TypeVar("_T", AnthropicEvent, AnthropicMessage)


def _read(data: bytes, decoder: "msgspec.json.Decoder[_T]") -> _T | None:
    """Decode an event or a message as leniently as SDKs do; None when it is neither.

    A character may be split into two surrogate escapes, each invalid alone. A number may be a
    string, a text may be null, and an unknown event may have any fields.
    """
    try:
        return decoder.decode(data)
    except UNREADABLE:
        pass
    try:
        document: object = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    fields = cast("dict[str, Any]", document)
    if decoder.type is AnthropicEvent and fields.get("type") not in _EVENTS:
        fields = {"type": str(fields.get("type"))}
    given = fields.get("content") or [fields.get("content_block")]
    blocks = cast("list[object]", given if isinstance(given, list) else [])
    inputs = [
        cast("dict[str, object]", block).pop("input", None) if isinstance(block, dict) else None
        for block in blocks
    ]
    try:
        read = msgspec.convert(plain(fields), decoder.type, strict=False)
    except msgspec.ValidationError:
        return None
    found = read.content if isinstance(read, AnthropicMessage) else [read.content_block]
    for block, value in zip(found or (), inputs, strict=False):
        if block is not None and value is not None:
            block.input = msgspec.Raw(json.dumps(value).encode())
    return read


def read_message(body: bytes) -> AnthropicMessage:
    """Decode a whole answer and check that it is complete.

    Raises:
        UpstreamFailure: it is not a message, or it is incomplete.
    """
    message = _read(body, _message)
    if message is None:
        raise UpstreamFailure(Symptom.MALFORMED, "the answer is not a message")
    if message.type == "error":
        raise UpstreamFailure(Symptom.SERVER_ERROR, "an error with status 200")
    if message.content is None:
        raise UpstreamFailure(Symptom.MALFORMED, "the answer has no content")
    if end_of_message(message.stop_reason) is None:
        raise UpstreamFailure(Symptom.CUT, "the answer has no known stop_reason")
    return message


class AnthropicReader:
    """Reads a stream of events, and tracks its progress."""

    def __init__(self) -> None:
        self._splitter = EventSplitter()
        self.has_content = False
        self.finished = False
        self.done = False
        self.usage = Usage()

    def read(self, data: bytes) -> list[tuple[bytes, AnthropicEvent | None]]:
        """The events that are complete now, each as bytes and decoded; nothing after the end.

        Raises:
            UpstreamFailure: an event is malformed, reports an error, or ends an unfinished answer.
        """
        return self._read(self._splitter.feed(data))

    @property
    def has_usage(self) -> bool:
        """Whether the usage has passed; the event with the stop_reason carries it."""
        return self.finished

    def rest(self) -> list[tuple[bytes, AnthropicEvent | None]]:
        """The last event, when the stream ended without a blank line; none if it is incomplete."""
        try:
            return self._read(self._splitter.last())
        except UpstreamFailure:
            return []

    def _read(
        self, events: list[tuple[bytes, bytes | None]]
    ) -> list[tuple[bytes, AnthropicEvent | None]]:
        found: list[tuple[bytes, AnthropicEvent | None]] = []
        for raw, payload in events:
            if self.done:
                break
            found.append((raw, None if payload is None else self._note(payload)))
        return found

    def close(self) -> None:
        """Note that the provider closed the stream.

        Raises:
            UpstreamFailure: the answer is not complete.
        """
        if not self.finished:
            raise UpstreamFailure(Symptom.CUT, "the stream ended without a known stop_reason")
        self.done = True

    def _note(self, payload: bytes) -> AnthropicEvent:
        event = _read(payload, _event)
        if event is None:
            raise UpstreamFailure(Symptom.MALFORMED, "an event is not a message event")
        match event.type:
            case "error":
                raise UpstreamFailure(Symptom.SERVER_ERROR, "an error event inside the stream")
            case "message_start" if event.message is not None and event.message.usage is not None:
                self.usage = event.message.usage.counted()
            case "content_block_start" if event.content_block is not None:
                # A text block begins empty; a tool call begins with its name.
                self.has_content = self.has_content or event.content_block.type != "text"
            case "content_block_delta":
                self.has_content = True
            case "message_delta":
                self._note_end(event)
            case "message_stop":
                self.close()
            case _:
                pass
        return event

    def _note_end(self, event: AnthropicEvent) -> None:
        if event.usage is not None:
            counted = event.usage.counted()
            # These are totals of the whole answer; the prompt tokens are often left out here.
            asked = counted if counted.prompt else self.usage
            self.usage = msgspec.structs.replace(asked, completion=counted.completion)
        if event.delta is not None and end_of_message(event.delta.stop_reason) is not None:
            self.finished = True
            self.has_content = True


class AnthropicScanner(StreamScanner):
    """Reads a stream of Anthropic's events, which pass unchanged; subclasses convert them."""

    def __init__(self) -> None:
        self._reader = AnthropicReader()

    @property
    @override
    def has_content(self) -> bool:
        return self._reader.has_content

    @property
    @override
    def finished(self) -> bool:
        return self._reader.finished

    @property
    @override
    def has_usage(self) -> bool:
        """Whether the usage has passed: the event with the stop_reason has it."""
        return self._reader.finished

    @property
    @override
    def done(self) -> bool:
        return self._reader.done

    @property
    @override
    def usage(self) -> Usage:
        return self._reader.usage

    @override
    def feed(self, data: bytes) -> bytes:
        return b"".join([self._shown(raw, event) for raw, event in self._reader.read(data)])

    @override
    def finish(self) -> bytes:
        """Return the rest; a missing end marker is added after a stop_reason."""
        if self._reader.done:
            return b""
        last = b"".join([self._shown(raw, event) for raw, event in self._reader.rest()])
        if self._reader.done:
            return last
        self._reader.close()
        return last + self._ending()

    def _shown(self, raw: bytes, event: AnthropicEvent | None) -> bytes:
        """The bytes of one event for the client."""
        del event
        return raw

    def _ending(self) -> bytes:
        """The end marker, for a provider that left it out."""
        return _END


class AnthropicDialect(Dialect):
    """The dialect of Anthropic's providers for clients of the same format."""

    @override
    def encode(self, call: ChatCall, model: str, how: Encoding) -> bytes:
        """Anthropic reports usage in every answer, so the request does not ask for it."""
        streamed = {"stream": True} if call.stream else {}
        return _encode({**fit_thoughts(call.fields, how), "model": model, **streamed})

    @override
    def answer(self, body: bytes, names: Mapping[str, str] = SAME_NAMES) -> WholeAnswer:
        """The message itself, byte for byte; it must be complete."""
        del names
        usage = read_message(body).usage
        return WholeAnswer(body, usage.counted() if usage is not None else Usage())

    @override
    def refusal(self, status: int, body: bytes) -> bytes:
        """The body itself, byte for byte."""
        del status
        return body

    @override
    def scanner(self, call: ChatCall, names: Mapping[str, str] = SAME_NAMES) -> AnthropicScanner:
        del call, names
        return AnthropicScanner()
