"""Chunks of a completion, as the events of a message.

The end of a message carries its usage, which comes after the last choice here: it is held back
until then.
"""

from typing import TypeAlias

import msgspec

from service.providers.calls import Usage
from service.providers.dialects.openai import OpenAIScanner
from service.providers.dialects.sse import EventSplitter
from service.providers.failures import UpstreamFailure
from service.providers.translation.words import anthropic_usage, new_id, stop_reason
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
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    choices: list[_Choice] | None = None


_Json: TypeAlias = dict[str, object]
_TEXT = "text"
"""In place of the number, or the id, of a tool call."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Chunk).decode


def _event(name: str, **fields: object) -> bytes:
    data = _encode({"type": name, **fields})
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


class AnthropicEvents:
    """See `StreamScanner`.

    Args:
        chunks: reads and judges what the provider sends; it lets the usage pass.
    """

    def __init__(self, chunks: OpenAIScanner) -> None:
        self._chunks = chunks
        self._splitter = EventSplitter()
        self._begun = False
        self._blocks = 0
        self._open: object = None
        """What the open block holds: text, or which tool call."""
        self._closed: set[object] = set()
        self._calls = 0
        self._finish = ""

    @property
    def has_content(self) -> bool:
        """See `StreamScanner.has_content`."""
        return self._chunks.has_content

    @property
    def finished(self) -> bool:
        """See `StreamScanner.finished`."""
        return self._chunks.finished

    @property
    def has_usage(self) -> bool:
        """See `StreamScanner.has_usage`."""
        return self._chunks.has_usage

    @property
    def done(self) -> bool:
        """See `StreamScanner.done`."""
        return self._chunks.done

    @property
    def usage(self) -> Usage:
        """See `StreamScanner.usage`."""
        return self._chunks.usage

    def feed(self, data: bytes) -> bytes:
        """See `StreamScanner.feed`."""
        return self._translated(self._chunks.feed(data))

    def finish(self) -> bytes:
        """See `StreamScanner.finish`."""
        return self._translated(self._chunks.finish())

    def _translated(self, accepted: bytes) -> bytes:
        made: list[bytes] = []
        for _, payload in self._splitter.feed(accepted):
            if payload == b"[DONE]":
                made.append(self._ending())
            elif payload is not None:
                self._chunk(_decode(payload), made)
        return b"".join(made)

    def _chunk(self, chunk: _Chunk, made: list[bytes]) -> None:
        if not self._begun and chunk.choices:
            # Azure's first chunk has no choices, no id and no model.
            self._begun = True
            made.append(self._start(chunk))
        for choice in chunk.choices or ():
            if choice.index != 0:
                continue
            if choice.delta is not None:
                self._delta(choice.delta, made)
            if choice.finish_reason is not None:
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
        text = delta.content or delta.refusal
        if text:
            self._enter(_TEXT, {"type": "text", "text": ""}, made)
            made.append(self._add({"type": "text_delta", "text": text}))
        for call in delta.tool_calls or ():
            self._tool(call, made)

    def _tool(self, call: _ToolCall, made: list[bytes]) -> None:
        function = call.function or _Function()
        # Some servers number no calls: then one with an id of its own begins another.
        what = call.index if call.index is not None else call.id or self._open
        if what is None or (what in self._closed and what != self._open):
            raise UpstreamFailure(Symptom.MALFORMED, "a piece of a tool call that is not open")
        block: _Json = {
            "type": "tool_use",
            "id": call.id or new_id("toolu"),
            "name": function.name or "",
            "input": {},
        }
        self._calls += self._enter(what, block, made)
        if function.arguments:
            made.append(self._add({"type": "input_json_delta", "partial_json": function.arguments}))

    def _enter(self, what: object, block: _Json, made: list[bytes]) -> bool:
        """Open the block unless it is open; whether that was to be done."""
        if self._open == what:
            return False
        self._leave(made)
        self._open = what
        self._blocks += 1
        made.append(_event("content_block_start", index=self._blocks - 1, content_block=block))
        return True

    def _leave(self, made: list[bytes]) -> None:
        if self._open is not None:
            made.append(_event("content_block_stop", index=self._blocks - 1))
            if self._open != _TEXT:
                self._closed.add(self._open)
            self._open = None

    def _add(self, delta: _Json) -> bytes:
        return _event("content_block_delta", index=self._blocks - 1, delta=delta)

    def _ending(self) -> bytes:
        made: list[bytes] = []
        self._leave(made)
        counted = anthropic_usage(self._chunks.usage)
        stop = stop_reason(self._finish, calls_a_tool=self._calls > 0)
        delta = {"stop_reason": stop, "stop_sequence": None}
        made += (_event("message_delta", delta=delta, usage=counted), _event("message_stop"))
        return b"".join(made)
