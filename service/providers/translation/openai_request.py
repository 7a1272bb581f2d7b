"""A chat completion request, as Anthropic's messages API wants it."""

import base64
import binascii
import re
from typing import TypeAlias

import msgspec

from service.providers.calls import ChatCall
from service.providers.dialect import UNREADABLE, Untranslatable

__all__ = ["DEFAULT_MAX_TOKENS", "message_request"]

DEFAULT_MAX_TOKENS = 4096
"""max_tokens is required there and optional here."""
_MOST_TEMPERATURE = 1.0
"""Of Anthropic's; OpenAI's goes to 2."""
_DATA_URL = re.compile(r"data:(image/[a-z+.-]+);base64,(.+)", re.DOTALL)
_Json: TypeAlias = dict[str, object]


class _ImageUrl(msgspec.Struct):
    url: str


class _Part(msgspec.Struct):
    type: str
    text: str = ""
    image_url: _ImageUrl | None = None
    refusal: str = ""


class _Function(msgspec.Struct):
    name: str
    arguments: str = "{}"
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw(b'{"type":"object","properties":{}}')


class _ToolCall(msgspec.Struct):
    id: str
    function: _Function


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str = ""


class _Tool(msgspec.Struct):
    type: str
    function: _Function | None = None


class _ToolName(msgspec.Struct):
    name: str


class _ToolChoice(msgspec.Struct):
    type: str
    function: _ToolName | None = None


class _ResponseFormat(msgspec.Struct):
    type: str


class _Request(msgspec.Struct):
    messages: list[_Message]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    tools: list[_Tool] | None = None
    tool_choice: str | _ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    user: str | None = None
    n: int | None = None
    logprobs: bool | None = None
    response_format: _ResponseFormat | None = None
    modalities: list[str] | None = None


_ALTERING = frozenset(("audio", "function_call", "functions", "prediction", "web_search_options"))
"""Fields without a counterpart that change what the client gets."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Request).decode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def message_request(call: ChatCall, model: str) -> bytes:
    """The body for `model`.

    Raises:
        Untranslatable: it asks for what the messages API does not have.
    """
    for name in _ALTERING & call.fields.keys():
        raise Untranslatable(f"This provider does not know the field '{name}'.", name)
    try:
        request = _decode(_encode(call.fields))
    except UNREADABLE as error:
        raise Untranslatable(f"The request cannot be read: {error}", "messages") from None
    _refuse(request)
    body: _Json = {
        "model": model,
        "max_tokens": request.max_completion_tokens or request.max_tokens or DEFAULT_MAX_TOKENS,
        "messages": _messages(request.messages),
    }
    system = _system(request.messages)
    if system:
        body["system"] = system
    if call.stream:
        body["stream"] = True
    if request.temperature is not None:
        body["temperature"] = min(request.temperature, _MOST_TEMPERATURE)
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.stop:
        body["stop_sequences"] = [request.stop] if isinstance(request.stop, str) else request.stop
    if request.user:
        body["metadata"] = {"user_id": request.user}
    body.update(_tools(request))
    return _encode(body)


def _refuse(request: _Request) -> None:
    wanted = request.response_format.type if request.response_format is not None else "text"
    for refused, param, what in (
        ((request.n or 1) > 1, "n", "more than one choice"),
        (bool(request.logprobs), "logprobs", "log probabilities"),
        (wanted != "text", "response_format", f"a response format '{wanted}'"),
        (
            any(kind != "text" for kind in request.modalities or ()),
            "modalities",
            "an answer other than text",
        ),
    ):
        if refused:
            raise Untranslatable(f"This provider cannot give {what}.", param)


def _system(messages: list[_Message]) -> str:
    texts = [_text(one) for one in messages if one.role in ("system", "developer")]
    return "\n\n".join(text for text in texts if text)


def _text(message: _Message) -> str:
    if isinstance(message.content, list):
        for part in message.content:
            if part.type not in ("text", "refusal"):
                detail = f"A part of type '{part.type:.32}' in a message of '{message.role:.32}'."
                raise Untranslatable(detail, "messages")
        return "".join(part.text or part.refusal for part in message.content)
    return message.content or ""


def _messages(messages: list[_Message]) -> list[_Json]:
    """In turns: what one side says in a row becomes one message, as results of tools must be."""
    turns: list[tuple[str, list[_Json]]] = []
    for message in messages:
        if message.role in ("system", "developer"):
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(message)
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        elif blocks:
            turns.append((role, blocks))
    return [{"role": role, "content": blocks} for role, blocks in turns]


def _blocks(message: _Message) -> list[_Json]:
    match message.role:
        case "tool":
            result: _Json = {"type": "tool_result", "tool_use_id": message.tool_call_id}
            return [{**result, "content": _text(message)}]
        case "assistant":
            text = _text(message)
            said: list[_Json] = [{"type": "text", "text": text}] if text else []
            return said + [_tool_use(call) for call in message.tool_calls or ()]
        case "user":
            if isinstance(message.content, list):
                return [_part(part) for part in message.content]
            return [{"type": "text", "text": message.content or ""}]
        case _:
            raise Untranslatable(f"A message has the role '{message.role:.32}'.", "messages")


def _part(part: _Part) -> _Json:
    if part.type == "text":
        return {"type": "text", "text": part.text}
    if part.type == "image_url" and part.image_url is not None:
        return {"type": "image", "source": _image(part.image_url.url)}
    raise Untranslatable(f"This provider takes no parts of type '{part.type:.32}'.", "messages")


def _image(url: str) -> _Json:
    if url.startswith(("https://", "http://")):
        return {"type": "url", "url": url}
    found = _DATA_URL.fullmatch(url)
    if found is None:
        raise Untranslatable("An image is neither a web address nor base64 data.", "messages")
    try:
        base64.b64decode(found[2], validate=True)
    except binascii.Error:
        raise Untranslatable("An image's data is not base64.", "messages") from None
    return {"type": "base64", "media_type": found[1], "data": found[2]}


def _tool_use(call: _ToolCall) -> _Json:
    try:
        arguments = _decode_object(call.function.arguments or "{}")
    except UNREADABLE:
        raise Untranslatable("The arguments of a tool call are no object.", "messages") from None
    return {"type": "tool_use", "id": call.id, "name": call.function.name, "input": arguments}


def _tools(request: _Request) -> _Json:
    if not request.tools:
        return {}
    tools: list[_Json] = []
    for tool in request.tools:
        if tool.function is None:
            raise Untranslatable(f"This provider has no tools of type '{tool.type:.32}'.", "tools")
        made: _Json = {"name": tool.function.name, "input_schema": tool.function.parameters}
        if tool.function.description:
            made["description"] = tool.function.description
        tools.append(made)
    choice = _tool_choice(request.tool_choice)
    if request.parallel_tool_calls is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return {"tools": tools, "tool_choice": choice}


def _tool_choice(choice: str | _ToolChoice | None) -> _Json:
    if isinstance(choice, _ToolChoice):
        if choice.function is None:
            raise Untranslatable(f"A tool choice of type '{choice.type:.32}'.", "tool_choice")
        return {"type": "tool", "name": choice.function.name}
    return {"type": {"required": "any", "none": "none"}.get(choice or "auto", "auto")}
