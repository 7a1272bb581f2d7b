"""A request for a message, as OpenAI's chat completions want it."""

from typing import TypeAlias

import msgspec

from service.providers.calls import ChatCall
from service.providers.dialect import UNREADABLE, Untranslatable

__all__ = ["completion_fields"]

_Json: TypeAlias = dict[str, object]


class _Source(msgspec.Struct):
    type: str
    media_type: str = ""
    data: str = ""
    url: str = ""


class _Block(msgspec.Struct):
    type: str
    text: str = ""
    source: _Source | None = None
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")
    tool_use_id: str = ""
    content: "str | list[_Block] | None" = None


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Block]


class _Tool(msgspec.Struct):
    name: str
    description: str | None = None
    input_schema: msgspec.Raw = msgspec.Raw(b"")


class _ToolChoice(msgspec.Struct):
    type: str
    name: str = ""
    disable_parallel_tool_use: bool = False


class _Metadata(msgspec.Struct):
    user_id: str | None = None


class _Request(msgspec.Struct):
    messages: list[_Message]
    max_tokens: int
    system: str | list[_Block] | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None
    tools: list[_Tool] | None = None
    tool_choice: _ToolChoice | None = None
    metadata: _Metadata | None = None


_ALTERING = frozenset(("container", "mcp_servers", "output_config", "output_format"))
"""Fields without a counterpart that change what the client gets."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Request).decode
_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def completion_fields(call: ChatCall, max_tokens: str) -> dict[str, msgspec.Raw]:
    """The fields of the body, without the model; `max_tokens` is how the provider calls that.

    Raises:
        Untranslatable: it asks for what chat completions do not have.
    """
    for name in _ALTERING & call.fields.keys():
        raise Untranslatable(f"This provider does not know the field '{name}'.", name)
    try:
        request = _decode(_encode(call.fields))
    except UNREADABLE as error:
        raise Untranslatable(f"The request cannot be read: {error}", "messages") from None
    body: _Json = {"messages": _messages(request), max_tokens: request.max_tokens}
    for name, value in (
        ("temperature", request.temperature),
        ("top_p", request.top_p),
        ("stop", request.stop_sequences),
        ("user", request.metadata.user_id if request.metadata is not None else None),
    ):
        if value or (value == 0 and isinstance(value, float)):
            body[name] = value
    if call.stream:
        body["stream"] = True
    body.update(_tools(request))
    return _raw_fields(_encode(body))


def _messages(request: _Request) -> list[_Json]:
    system = _text(request.system or "")
    made: list[_Json] = [{"role": "system", "content": system}] if system else []
    for message in request.messages:
        made += _message(message)
    return made


def _text(content: str | list[_Block] | None) -> str:
    if isinstance(content, list):
        for block in content:
            if block.type != "text":
                raise Untranslatable(f"A block of type '{block.type:.32}' here.", "messages")
        return "\n\n".join(block.text for block in content)
    return content or ""


def _message(message: _Message) -> list[_Json]:
    """One message, or several: each result of a tool is a message of its own, before the rest."""
    if isinstance(message.content, str):
        return [{"role": message.role, "content": message.content}]
    if message.role == "assistant":
        return [_assistant(message.content)]
    results: list[_Json] = []
    parts: list[_Json] = []
    for block in message.content:
        if block.type == "tool_result":
            content = _text(block.content)
            results.append({"role": "tool", "tool_call_id": block.tool_use_id, "content": content})
        else:
            parts.append(_part(block))
    return [*results, {"role": message.role, "content": parts}] if parts else results


def _assistant(blocks: list[_Block]) -> _Json:
    text = ""
    calls: list[_Json] = []
    for block in blocks:
        if block.type == "text":
            text += block.text
        elif block.type == "tool_use":
            function = {"name": block.name, "arguments": bytes(block.input).decode()}
            calls.append({"id": block.id, "type": "function", "function": function})
        elif block.type not in ("thinking", "redacted_thinking"):
            # A thought is another model's own; anything else would be lost.
            raise Untranslatable(f"A block of type '{block.type:.32}'.", "messages")
    made: _Json = {"role": "assistant", "content": text or None}
    if calls:
        made["tool_calls"] = calls
    return made


def _part(block: _Block) -> _Json:
    if block.type == "text":
        return {"type": "text", "text": block.text}
    if block.type == "image" and block.source is not None:
        source = block.source
        if source.type not in ("base64", "url"):
            raise Untranslatable(f"An image by '{source.type:.32}'.", "messages")
        url = source.url or f"data:{source.media_type};base64,{source.data}"
        return {"type": "image_url", "image_url": {"url": url}}
    raise Untranslatable(f"This provider takes no blocks of type '{block.type:.32}'.", "messages")


def _tools(request: _Request) -> _Json:
    if not request.tools:
        return {}
    tools: list[_Json] = []
    for tool in request.tools:
        if not bytes(tool.input_schema):
            # Tools that run at the provider: search, code execution.
            raise Untranslatable(f"This provider has no tool '{tool.name:.64}'.", "tools")
        function: _Json = {"name": tool.name, "parameters": tool.input_schema}
        if tool.description:
            function["description"] = tool.description
        tools.append({"type": "function", "function": function})
    made: _Json = {"tools": tools}
    choice = request.tool_choice
    if choice is not None:
        named: _Json = {"type": "function", "function": {"name": choice.name}}
        words = {"auto": "auto", "any": "required", "none": "none"}
        made["tool_choice"] = named if choice.type == "tool" else words.get(choice.type, "auto")
        if choice.disable_parallel_tool_use:
            made["parallel_tool_calls"] = False
    return made
