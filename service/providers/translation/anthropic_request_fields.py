"""The fields of a request for a message that are translated for OpenAI's API."""

from typing import TypeAlias

import msgspec

__all__ = ["Block", "Json", "Message", "Request", "Source"]

Json: TypeAlias = dict[str, object]


class Source(msgspec.Struct):
    """The source of an image or a document: data, a URL or blocks."""

    type: str = ""
    media_type: str = ""
    data: str = ""
    url: str = ""
    content: "str | list[Block] | None" = None


class Block(msgspec.Struct):
    """One content block, with the fields of all its types."""

    type: str
    text: str = ""
    source: Source | str | None = None
    thinking: str = ""
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")
    tool_use_id: str = ""
    content: "str | list[Block] | dict[str, object] | None" = None
    is_error: bool = False
    title: str | None = None


class Message(msgspec.Struct):
    """One turn of the conversation."""

    role: str
    content: str | list[Block]


class Tool(msgspec.Struct):
    """The definition of a tool, or one of the tools that the client runs."""

    name: str = ""
    type: str = ""
    description: str | None = None
    input_schema: dict[str, object] | None = None


class ToolChoice(msgspec.Struct):
    """Whether and which tool the model must call."""

    type: str
    name: str = ""
    disable_parallel_tool_use: bool = False


class Metadata(msgspec.Struct):
    """Who the request is for."""

    user_id: str | None = None


class Thinking(msgspec.Struct):
    """How much the model may think."""

    type: str = ""
    budget_tokens: int = 0


class Format(msgspec.Struct):
    """The form of the answer."""

    type: str = ""
    schema: dict[str, object] = msgspec.field(default_factory=dict[str, object])


class OutputConfig(msgspec.Struct):
    """The effort and the form of the answer."""

    effort: str | None = None
    format: Format | None = None


class Request(msgspec.Struct):
    """The fields of the request; the others are left out or refused."""

    messages: list[Message]
    max_tokens: int
    system: str | list[Block] | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    metadata: Metadata | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: Format | None = None
