"""A provider of OpenAI's format answers clients of Anthropic's."""

import msgspec

from service.providers.calls import ChatCall
from service.providers.dialect import UNREADABLE, WholeAnswer
from service.providers.dialects.openai import OpenAIDialect
from service.providers.translation.anthropic_events import AnthropicEvents
from service.providers.translation.anthropic_request import completion_fields
from service.providers.translation.words import (
    anthropic_error,
    anthropic_usage,
    new_id,
    stop_reason,
)

__all__ = ["OpenAIProviderForAnthropic"]


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    id: str | None = None
    function: _Function = msgspec.field(default_factory=_Function)


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    id: str | None = None
    model: str | None = None


class _Error(msgspec.Struct):
    message: str = ""


class _Refusal(msgspec.Struct):
    error: _Error


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Completion).decode
_decode_refusal = msgspec.json.Decoder(_Refusal).decode
_raw = msgspec.json.Decoder(msgspec.Raw).decode


class OpenAIProviderForAnthropic:
    """See `Dialect`.

    Args:
        native: how the provider is spoken to by clients of its own format.
    """

    def __init__(self, native: OpenAIDialect) -> None:
        self._native = native

    def encode(self, call: ChatCall, model: str) -> bytes:
        """See `Dialect.encode`."""
        fields = completion_fields(call, self._native.max_tokens)
        return self._native.encode(msgspec.structs.replace(call, fields=fields), model)

    def answer(self, body: bytes) -> WholeAnswer:
        """See `Dialect.answer`."""
        usage = self._native.answer(body).usage
        completion = _decode(body)
        choice = completion.choices[0]
        message = choice.message
        content: list[dict[str, object]] = []
        text = message.content or message.refusal
        if text:
            content.append({"type": "text", "text": text})
        content += [_tool_use(call) for call in message.tool_calls or ()]
        made = {
            "id": completion.id or "",
            "type": "message",
            "role": "assistant",
            "model": completion.model or "",
            "content": content,
            "stop_reason": stop_reason(
                choice.finish_reason or "", calls_a_tool=bool(message.tool_calls)
            ),
            "stop_sequence": None,
            "usage": anthropic_usage(usage),
        }
        return WholeAnswer(_encode(made), usage)

    def refusal(self, status: int, body: bytes) -> bytes:
        """See `Dialect.refusal`: the same words in Anthropic's error shape."""
        try:
            message = _decode_refusal(body).error.message
        except UNREADABLE:
            message = f"The provider refused the request with status {status}."
        return anthropic_error(status, message)

    def too_long(self, body: bytes) -> bool:
        """See `Dialect.too_long`."""
        return self._native.too_long(body)

    def scanner(self, call: ChatCall) -> AnthropicEvents:
        """See `Dialect.scanner`."""
        return AnthropicEvents(
            self._native.scanner(msgspec.structs.replace(call, include_usage=True))
        )


def _tool_use(call: _ToolCall) -> dict[str, object]:
    try:
        arguments = _raw(call.function.arguments or "{}")
    except UNREADABLE:
        # A model may write what is no JSON; the client sees what it wrote.
        arguments = msgspec.Raw(_encode({"arguments": call.function.arguments}))
    return {
        "type": "tool_use",
        "id": call.id or new_id("toolu"),
        "name": call.function.name or "",
        "input": arguments,
    }
