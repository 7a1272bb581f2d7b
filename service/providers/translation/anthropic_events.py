"""Converts the chunks of a completion into the events of a message.

A message's blocks follow each other, but chunks may alternate between several tool calls. Pieces of
the first call are sent as they arrive; pieces of the others wait until the first one is complete.
The end of a message contains the usage, which a completion sends after its last choice. So the end
is held back until then.
"""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec
from typing_extensions import override

from service.providers.chat_request import Usage
from service.providers.dialect import UNREADABLE, StreamScanner
from service.providers.dialects.openai import OpenAIScanner
from service.providers.dialects.sse import EventSplitter
from service.providers.dialects.tool_calls import begins_another_call, is_object
from service.providers.endings import end_of_completion
from service.providers.failures import UpstreamFailure
from service.providers.lenient import write_json
from service.providers.translation.field_mapping import anthropic_usage, new_id, stop_reason
from service.providers.translation.parts import thought_and_text
from service.resilience.retry import Symptom

__all__ = ["AnthropicEvents"]


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: object = None
    reasoning_content: object = None
    reasoning: object = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    index: int | None = 0
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    choices: list[_Choice] | None = None


_Json: TypeAlias = dict[str, object]
_decode = msgspec.json.Decoder(_Chunk).decode


@dataclass(eq=False, slots=True)
class _Block:
    """A content block that grows: text, a thought, or a tool call."""

    kind: str
    start: _Json
    """The block in its content_block_start event."""
    delta: tuple[str, str]
    """The type of its deltas, and their field."""
    pending: list[str] = field(default_factory=list[str])
    """Pieces that have arrived and are not sent yet."""
    arguments: str = ""
    """For a call: all pieces of the arguments so far."""
    begun: bool = False
    nameless: bool = False
    """For a call: whether the provider gave it no id."""

    def ends_before(self, call_id: str, name: str, arguments: str) -> bool:
        """Whether a piece with the same index belongs to another call."""
        known_id = "" if self.nameless else str(self.start["id"])
        return begins_another_call(
            call_id, name, arguments, known_id=known_id, known_arguments=self.arguments
        )

    def add(self, text: str) -> None:
        """Add a piece."""
        self.pending.append(text)
        if self.kind == _CALL:
            self.arguments += text

    def may_end(self) -> bool:
        """Whether the block is complete, so that the next one may begin."""
        if self.kind != _CALL:
            return True
        return is_object(self.arguments)


_TEXT, _THOUGHT, _CALL = "text", "thinking", "tool_use"


def _malformed(detail: str) -> UpstreamFailure:
    return UpstreamFailure(Symptom.MALFORMED, detail)


def _text_block() -> _Block:
    return _Block(_TEXT, {"type": _TEXT, "text": ""}, ("text_delta", "text"))


def _thought_block() -> _Block:
    # Thoughts of other models have no signature; only their own provider could check one.
    start: _Json = {"type": _THOUGHT, "thinking": "", "signature": ""}
    return _Block(_THOUGHT, start, ("thinking_delta", "thinking"))


def _call_block(call_id: str, name: str) -> _Block:
    start: _Json = {"type": _CALL, "id": call_id or new_id("toolu"), "name": name, "input": {}}
    return _Block(_CALL, start, ("input_json_delta", "partial_json"), nameless=not call_id)


def _read(payload: bytes) -> _Chunk:
    """Decode one chunk; a character may be split into two surrogate escapes, each invalid alone."""
    try:
        return _decode(payload)
    except UNREADABLE:
        return msgspec.convert(json.loads(payload), _Chunk, strict=False)


def _event(name: str, **fields: object) -> bytes:
    data = write_json({"type": name, **fields})
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


class AnthropicEvents(StreamScanner):
    """Converts a stream of OpenAI's chunks into Anthropic's events.

    Args:
        chunks: reads and validates the provider's chunks; it must let the usage pass.
        thoughts: whether the client wants the thoughts.
        names: the names of tools, as in `Encoding.names`.
    """

    def __init__(self, chunks: OpenAIScanner, *, thoughts: bool, names: Mapping[str, str]) -> None:
        self._chunks = chunks
        self._thoughts = thoughts
        self._names = names
        self._splitter = EventSplitter()
        self._begun = False
        self._index = 0
        """The number of blocks that have ended."""
        self._blocks: deque[_Block] = deque()
        """Open blocks: the first is sent as it arrives, and the others wait for its end."""
        self._calls: dict[object, _Block] = {}
        """The current call by its index or id."""
        self._last_call: _Block | None = None
        self._finish: str | None = None

    @property
    @override
    def has_content(self) -> bool:
        return self._chunks.has_content

    @property
    @override
    def finished(self) -> bool:
        return self._chunks.finished

    @property
    @override
    def has_usage(self) -> bool:
        return self._chunks.has_usage

    @property
    @override
    def done(self) -> bool:
        return self._chunks.done

    @property
    @override
    def usage(self) -> Usage:
        return self._chunks.usage

    @override
    def feed(self, data: bytes) -> bytes:
        return self._translated(self._chunks.feed(data))

    @override
    def finish(self) -> bytes:
        return self._translated(self._chunks.finish())

    def _translated(self, accepted: bytes) -> bytes:
        made: list[bytes] = []
        for _, payload in self._splitter.feed(accepted):
            if payload == b"[DONE]":
                made.append(self._ending())
            elif payload is not None:
                self._chunk(_read(payload), made)
        return b"".join(made)

    def _chunk(self, chunk: _Chunk, made: list[bytes]) -> None:
        if not self._begun and chunk.choices:
            # Azure's first chunk has no choices, no id and no model.
            self._begun = True
            made.append(self._start(chunk))
        for choice in chunk.choices or ():
            if choice.index:
                continue
            if choice.delta is not None:
                self._delta(choice.delta, made)
            if end_of_completion(choice.finish_reason) is not None:
                self._finish = choice.finish_reason

    @staticmethod
    def _start(chunk: _Chunk) -> bytes:
        message: _Json = {
            "id": chunk.id or "",
            "type": "message",
            "role": "assistant",
            "model": chunk.model or "",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        return _event("message_start", message=message)

    def _delta(self, delta: _Delta, made: list[bytes]) -> None:
        thought, text = thought_and_text(delta.content, delta.reasoning_content or delta.reasoning)
        if thought and self._thoughts:
            self._growing(_THOUGHT, _thought_block).add(thought)
        if text or delta.refusal:
            self._growing(_TEXT, _text_block).add(text or delta.refusal or "")
        for call in delta.tool_calls or ():
            function = call.function or _Function()
            arguments = function.arguments or ""
            block = self._call(call, function.name or "", arguments)
            if block in self._blocks:
                block.add(arguments)
            elif arguments.strip():
                raise _malformed("a piece of a tool call that is not open")
        self._tell(made)

    def _growing(self, kind: str, make: Callable[[], _Block]) -> _Block:
        """The last block if it is of this kind; otherwise a new one."""
        if not self._blocks or self._blocks[-1].kind != kind:
            self._blocks.append(make())
        return self._blocks[-1]

    def _call(self, piece: _ToolCall, name: str, arguments: str) -> _Block:
        """The call that a piece belongs to.

        The index of the piece identifies the call, if there is one; see `begins_another_call`.
        """
        key = piece.index if piece.index is not None else piece.id or None
        known = self._calls.get(key) if key is not None else self._last_call
        if known is None or known.ends_before(piece.id or "", name, arguments):
            if not piece.id and not name and key is None:
                raise _malformed("a piece of a tool call that has not begun")
            known = _call_block(piece.id or "", self._names.get(name, name))
            self._blocks.append(known)
        self._calls[key] = self._last_call = known
        return known

    def _tell(self, made: list[bytes]) -> None:
        """Send the pieces of the first block; end it if it is complete and another one waits."""
        while self._blocks:
            block = self._blocks[0]
            if not block.begun:
                block.begun = True
                made.append(
                    _event("content_block_start", index=self._index, content_block=block.start)
                )
            kind, field_name = block.delta
            for text in block.pending:
                if text:
                    delta = {"type": kind, field_name: text}
                    made.append(_event("content_block_delta", index=self._index, delta=delta))
            block.pending.clear()
            if len(self._blocks) == 1 or not block.may_end():
                return
            self._leave(made)

    def _leave(self, made: list[bytes]) -> None:
        made.append(_event("content_block_stop", index=self._index))
        self._index += 1
        self._blocks.popleft()

    def _ending(self) -> bytes:
        made: list[bytes] = []
        while self._blocks:
            self._tell(made)
            self._leave(made)
        counted = anthropic_usage(self._chunks.usage)
        stop = stop_reason(self._finish, calls_a_tool=self._last_call is not None)
        delta = {"stop_reason": stop, "stop_sequence": None}
        made += (_event("message_delta", delta=delta, usage=counted), _event("message_stop"))
        return b"".join(made)
