"""The fields of a request for a chat completion that are translated for Anthropic's API."""

from typing import TypeAlias

import msgspec

__all__ = ["File", "Json", "Message", "Part", "Request", "ToolCall", "ToolChoice"]

Json: TypeAlias = dict[str, object]


class ImageUrl(msgspec.Struct):
    url: str


class File(msgspec.Struct):
    """A file in a message: its data as a data URL."""

    file_data: str = ""
    filename: str | None = None


class Part(msgspec.Struct):
    """One part of a message: a text, an image, a file or a refusal."""

    type: str
    text: str = ""
    image_url: ImageUrl | str | None = None
    refusal: str = ""
    file: File | None = None
    cache_control: dict[str, object] | None = None


class Function(msgspec.Struct):
    name: str
    arguments: str | dict[str, msgspec.Raw] | None = "{}"
    description: str | None = None
    parameters: dict[str, object] | None = None


class ToolCall(msgspec.Struct):
    """A call of a tool by the model."""

    id: str
    function: Function


class Message(msgspec.Struct):
    """One message; `tool_call_id` is that of the call whose result it is."""

    role: str
    content: str | list[Part] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str = ""


class Tool(msgspec.Struct):
    type: str
    function: Function | None = None


class ToolName(msgspec.Struct):
    name: str


class ToolChoice(msgspec.Struct):
    """The one tool that the model must call."""

    type: str
    function: ToolName | None = None


class ResponseFormat(msgspec.Struct):
    type: str


class Request(msgspec.Struct):
    """The fields of the request; the others are left out or refused."""

    messages: list[Message]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: str | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    user: str | None = None
    n: int | None = None
    logprobs: bool | None = None
    response_format: ResponseFormat | None = None
    modalities: list[str] | None = None
    reasoning_effort: str | None = None
