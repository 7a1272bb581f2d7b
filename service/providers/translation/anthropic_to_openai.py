"""The dialect of a provider of Anthropic's format for clients of OpenAI's format."""

import itertools
import time
from collections.abc import Mapping

import msgspec
from typing_extensions import override

from service.providers.chat_request import ChatCall, Usage
from service.providers.dialect import UNREADABLE, Dialect, WholeAnswer
from service.providers.dialects.anthropic import (
    AnthropicEvent,
    AnthropicScanner,
    Block,
    read_message,
)
from service.providers.encoding import SAME_NAMES, Encoding
from service.providers.endings import end_of_message
from service.providers.lenient import write_json
from service.providers.refusals import Blame, blame, message_of
from service.providers.translation.field_mapping import openai_usage, refused_with
from service.providers.translation.openai_request import message_request

__all__ = ["AnthropicProviderForOpenAI", "OpenAIChunks"]

_DONE = b"data: [DONE]\n\n"
_encode = msgspec.json.Encoder().encode


class _Error(msgspec.Struct):
    type: str = "invalid_request_error"


class _Refusal(msgspec.Struct):
    error: _Error


_decode_refusal = msgspec.json.Decoder(_Refusal).decode


def _tool_call(block: Block, names: Mapping[str, str]) -> dict[str, object]:
    name = names.get(block.name, block.name)
    function = {"name": name, "arguments": bytes(block.input).decode()}
    return {"id": block.id, "type": "function", "function": function}


class AnthropicProviderForOpenAI(Dialect):
    """The dialect of Anthropic's providers for clients of OpenAI's format."""

    @override
    def encode(self, call: ChatCall, model: str, how: Encoding) -> bytes:
        """Anthropic reports usage in every answer, so the request does not ask for it."""
        return message_request(call, model, how)

    @override
    def answer(self, body: bytes, names: Mapping[str, str] = SAME_NAMES) -> WholeAnswer:
        answer = read_message(body)
        blocks = answer.content or []
        text = "".join(block.text for block in blocks if block.type == "text")
        thought = "".join(block.thinking for block in blocks if block.type == "thinking")
        calls = [_tool_call(block, names) for block in blocks if block.type == "tool_use"]
        message: dict[str, object] = {"role": "assistant", "content": text or None, "refusal": None}
        if thought:
            message["reasoning_content"] = thought
        if calls:
            message["tool_calls"] = calls
        usage = answer.usage.counted() if answer.usage is not None else Usage()
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": end_of_message(answer.stop_reason),
        }
        made = {
            "id": answer.id,
            "object": "chat.completion",
            "created": int(time.time()),
            "model": answer.model,
            "choices": [choice],
            "usage": openai_usage(usage),
        }
        return WholeAnswer(write_json(made), usage)

    @override
    def refusal(self, status: int, body: bytes) -> bytes:
        """The same message in OpenAI's error format."""
        try:
            kind = _decode_refusal(body).error.type
        except UNREADABLE:
            kind = "invalid_request_error"
        message = message_of(body) or refused_with(status)
        too_much = blame(status, body) is Blame.TOO_MUCH
        code = "context_length_exceeded" if too_much else None
        shape = {"message": message, "type": kind, "param": None, "code": code}
        return _encode({"error": shape})

    @override
    def scanner(self, call: ChatCall, names: Mapping[str, str] = SAME_NAMES) -> "OpenAIChunks":
        return OpenAIChunks(include_usage=call.include_usage, names=names)


class OpenAIChunks(AnthropicScanner):
    """Converts the events of a message into chunks of a completion."""

    def __init__(self, *, include_usage: bool, names: Mapping[str, str]) -> None:
        super().__init__()
        self._names = names
        self._include_usage = include_usage
        self._created = int(time.time())
        self._id = ""
        self._model = ""
        self._tools = itertools.count()
        self._tool_of_block: dict[int, int] = {}
        self._without_input: dict[int, str] = {}
        """The initial arguments of tool calls whose arguments have not arrived in pieces."""

    def _shown(self, raw: bytes, event: AnthropicEvent | None) -> bytes:
        del raw
        return self._translated(event) if event else b""

    def _translated(self, event: AnthropicEvent) -> bytes:
        match event.type:
            case "message_start" if event.message is not None:
                self._id, self._model = event.message.id, event.message.model
                return self._chunk({"role": "assistant", "content": ""})
            case "content_block_start" if event.content_block is not None:
                return self._begin(event.index, event.content_block)
            case "content_block_delta" if event.delta is not None:
                return self._continue(event)
            case "content_block_stop":
                return self._leave(event.index)
            case "message_delta" if event.delta is not None:
                end = end_of_message(event.delta.stop_reason)
                left = b"".join([self._leave(index) for index in [*self._without_input]])
                return left if end is None else left + self._chunk({}, end)
            case _:
                return self._ending() if event.type == "message_stop" else b""

    def _leave(self, index: int) -> bytes:
        """End a block; if its arguments did not arrive in pieces, send the initial ones."""
        text = self._without_input.pop(index, None)
        return b"" if text is None else self._arguments(index, text)

    def _begin(self, index: int, block: Block) -> bytes:
        if block.type != "tool_use":
            fields = {"content": block.text, "reasoning_content": block.thinking}
            given: dict[str, object] = {name: text for name, text in fields.items() if text}
            return self._chunk(given) if given else b""
        number = self._tool_of_block[index] = next(self._tools)
        self._without_input[index] = bytes(block.input).decode() or "{}"
        name = self._names.get(block.name, block.name)
        function = {"name": name, "arguments": ""}
        call = {"index": number, "id": block.id, "type": "function", "function": function}
        return self._chunk({"tool_calls": [call]})

    def _continue(self, event: AnthropicEvent) -> bytes:
        delta = event.delta
        if delta is None:
            return b""
        match delta.type:
            case "text_delta":
                return self._chunk({"content": delta.text})
            case "thinking_delta":
                return self._chunk({"reasoning_content": delta.thinking})
            case "input_json_delta" if event.index in self._tool_of_block and delta.partial_json:
                self._without_input.pop(event.index, None)
                return self._arguments(event.index, delta.partial_json)
            case _:
                return b""

    def _arguments(self, block: int, text: str) -> bytes:
        number = self._tool_of_block[block]
        call = {"index": number, "function": {"arguments": text}}
        return self._chunk({"tool_calls": [call]})

    def _chunk(self, delta: dict[str, object], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return self._event({"choices": [choice]})

    def _ending(self) -> bytes:
        if not self._include_usage:
            return _DONE
        return self._event({"choices": [], "usage": openai_usage(self._reader.usage)}) + _DONE

    def _event(self, rest: dict[str, object]) -> bytes:
        head = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
        }
        return b"data: " + write_json({**head, **rest}) + b"\n\n"
