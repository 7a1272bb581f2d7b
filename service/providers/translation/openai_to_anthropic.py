"""The dialect of a provider of OpenAI's format for clients of Anthropic's format."""

from collections.abc import Mapping

import msgspec
from typing_extensions import override

from service.providers.chat_request import ChatCall
from service.providers.dialect import UNREADABLE, Dialect, WholeAnswer
from service.providers.dialects.openai import OpenAIDialect
from service.providers.encoding import SAME_NAMES, Encoding
from service.providers.lenient import read_json
from service.providers.refusals import message_of
from service.providers.translation.anthropic_events import AnthropicEvents
from service.providers.translation.anthropic_request import completion_fields
from service.providers.translation.field_mapping import (
    anthropic_error,
    anthropic_usage,
    new_id,
    refused_with,
    stop_reason,
)
from service.providers.translation.parts import thought_and_text

__all__ = ["OpenAIProviderForAnthropic"]


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, msgspec.Raw] | None = None


class _ToolCall(msgspec.Struct):
    id: str | None = None
    function: _Function = msgspec.field(default_factory=_Function)


class _Message(msgspec.Struct):
    content: object = None
    reasoning_content: object = None
    reasoning: object = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    id: str | None = None
    model: str | None = None


class _Thinking(msgspec.Struct):
    type: str = ""


_encode = msgspec.json.Encoder().encode
_decode_thinking = msgspec.json.Decoder(_Thinking | None).decode
_decoder = msgspec.json.Decoder(_Completion)
_arguments = msgspec.json.Decoder(dict[str, msgspec.Raw] | None).decode


class OpenAIProviderForAnthropic(Dialect):
    """The dialect of OpenAI's providers for clients of Anthropic's format.

    Args:
        native: the provider's dialect for clients of its own format.
    """

    def __init__(self, native: OpenAIDialect) -> None:
        self._native = native

    @override
    def encode(self, call: ChatCall, model: str, how: Encoding) -> bytes:
        fields = completion_fields(call, self._native.quirks, how)
        return self._native.encode(msgspec.structs.replace(call, fields=fields), model, how)

    @override
    def answer(self, body: bytes, names: Mapping[str, str] = SAME_NAMES) -> WholeAnswer:
        usage = self._native.answer(body).usage
        completion = read_json(body, _decoder)
        choice = completion.choices[0]
        message = choice.message
        content: list[dict[str, object]] = []
        thought, text = thought_and_text(
            message.content, message.reasoning_content or message.reasoning
        )
        if thought:
            content.append({"type": "thinking", "thinking": thought, "signature": ""})
        if text or message.refusal:
            content.append({"type": "text", "text": text or message.refusal})
        content += [_tool_use(call, names) for call in message.tool_calls or ()]
        made = {
            "id": completion.id or "",
            "type": "message",
            "role": "assistant",
            "model": completion.model or "",
            "content": content,
            "stop_reason": stop_reason(choice.finish_reason, calls_a_tool=bool(message.tool_calls)),
            "stop_sequence": None,
            "usage": anthropic_usage(usage),
        }
        return WholeAnswer(_encode(made), usage)

    @override
    def refusal(self, status: int, body: bytes) -> bytes:
        """The same message in Anthropic's error format."""
        return anthropic_error(status, message_of(body) or refused_with(status))

    @override
    def scanner(self, call: ChatCall, names: Mapping[str, str] = SAME_NAMES) -> AnthropicEvents:
        chunks = self._native.scanner(msgspec.structs.replace(call, include_usage=True))
        return AnthropicEvents(chunks, thoughts=_wants_thoughts(call), names=names)


def _wants_thoughts(call: ChatCall) -> bool:
    """Whether the client asked for thoughts; see extended-thinking in Anthropic's documentation."""
    try:
        wanted = _decode_thinking(call.fields.get("thinking", msgspec.Raw(b"null")))
    except UNREADABLE:
        return False
    return wanted is not None and wanted.type in ("enabled", "adaptive")


def _tool_use(call: _ToolCall, names: Mapping[str, str]) -> dict[str, object]:
    name = call.function.name or ""
    text = call.function.arguments
    arguments: dict[str, msgspec.Raw]
    try:
        written = text if isinstance(text, dict) else _arguments((text or "").strip() or "{}")
        arguments = written or {}
    except UNREADABLE:
        # The model may write something else than a JSON object; the client gets the raw text.
        arguments = {"arguments": msgspec.Raw(_encode(text))}
    return {
        "type": "tool_use",
        "id": call.id or new_id("toolu"),
        "name": names.get(name, name),
        "input": arguments,
    }
