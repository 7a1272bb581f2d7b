"""Converts a request for a message into one for OpenAI's chat completions.

Values that OpenAI's API refuses and Anthropic's accepts are adapted; see
`service.providers.encoding`.
"""

from typing import cast

import msgspec

from service.providers.chat_request import ChatCall
from service.providers.dialect import Untranslatable
from service.providers.dialects.quirks import Quirks
from service.providers.encoding import Encoding, fit_name, fit_user
from service.providers.schemas import fit_schema, is_strict
from service.providers.translation.anthropic_request_fields import (
    Block,
    Json,
    Message,
    Request,
    Source,
)
from service.providers.translation.client_tools import CLIENT_TOOLS
from service.providers.translation.reading import read_request

__all__ = ["completion_fields"]


_ALTERING = frozenset(("container", "mcp_servers"))
"""Fields without a counterpart that change the answer."""
_SAY_NOTHING = frozenset(("model", "stream", "service_tier", "cache_control", "context_management"))
"""Fields without a counterpart that do not change the answer."""
_KNOWN = _SAY_NOTHING | frozenset(Request.__struct_fields__)
_LONGEST_USER = 64
_LONGEST_NAME = 64
_MOST_STOPS = 4
_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "max": "high", "xhigh": "high"}
"""reasoning_effort by output_config.effort."""
_MUCH_THOUGHT, _SOME_THOUGHT = 16384, 4096
"""The least thinking budgets, in tokens, for the efforts high and medium."""
_NO_RESULT = "(no result)"
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
"""The values of tool_choice that name no tool. The choice of a tool that is left out is `auto`."""
_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Request)
_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def completion_fields(call: ChatCall, quirks: Quirks, how: Encoding) -> dict[str, msgspec.Raw]:
    """The fields of the body without the model; `how` records the changes.

    Raises:
        Untranslatable: chat completions cannot express the request.
    """
    request = read_request(call, _decoder, known=_KNOWN, altering=_ALTERING, how=how)
    messages = _messages(request, quirks, how)
    body: Json = {"messages": messages, quirks.max_tokens: request.max_tokens}
    user = request.metadata.user_id if request.metadata is not None else None
    for name, value in (
        ("temperature", request.temperature),
        ("top_p", request.top_p),
        ("stop", _stops(request.stop_sequences, how)),
        ("user", fit_user(user, _LONGEST_USER, how) if user else None),
        ("reasoning_effort", _effort(request, how)),
    ):
        if value or (value == 0 and isinstance(value, float)):
            body[name] = value
    if call.stream:
        body["stream"] = True
    body.update(_tools(request, how))
    body.update(_format(request))
    return _raw_fields(_encode(body))


def _stops(stops: list[str] | None, how: Encoding) -> list[str]:
    """The first four stop sequences, since OpenAI accepts no more."""
    asked = [text for text in stops or () if text]
    if len(asked) > _MOST_STOPS:
        how.adapted.add("stop_sequences")
    return asked[:_MOST_STOPS]


def _effort(request: Request, how: Encoding) -> str | None:
    """The reasoning effort: the client's, or one derived from its thinking budget."""
    config, thinking = request.output_config, request.thinking
    asked = _EFFORTS.get(config.effort or "") if config is not None else None
    if asked is None and thinking is not None and thinking.type == "enabled":
        much, some = (thinking.budget_tokens >= most for most in (_MUCH_THOUGHT, _SOME_THOUGHT))
        asked = "high" if much else "medium" if some else "low"
    if asked is None or how.may_add("reasoning_effort"):
        return asked
    how.adapted.add("output_config" if config is not None else "thinking")
    return None


def _format(request: Request) -> Json:
    config = request.output_config
    wanted = request.output_format or (config.format if config is not None else None)
    if wanted is None:
        return {}
    if wanted.type != "json_schema":
        raise Untranslatable(
            f"This provider does not support the output format '{wanted.type:.32}'.",
            "output_format",
        )
    schema: Json = {"name": "answer", "schema": wanted.schema, "strict": is_strict(wanted.schema)}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _messages(request: Request, quirks: Quirks, how: Encoding) -> list[Json]:
    system = _text(request.system or "")
    made: list[Json] = [{"role": "system", "content": system}] if system else []
    for message in request.messages:
        made += _message(message, quirks, how)
    return _paired(made, how)


def _paired(messages: list[Json], how: Encoding) -> list[Json]:
    """Put results right after their calls.

    A missing result is replaced by a note, and a surplus one becomes text.
    """
    made: list[Json] = []
    owed: list[object] = []
    strays: list[Json] = []
    for message in messages:
        if message["role"] != "tool":
            made += [*_missing(owed, how), *strays, message]
            calls = cast("list[Json]", message.get("tool_calls") or ())
            owed, strays = [call["id"] for call in calls], []
        elif message["tool_call_id"] in owed:
            owed.remove(message["tool_call_id"])
            made.append(message)
        else:
            how.adapted.add("messages")
            strays.append({"role": "user", "content": message["content"]})
    return [*made, *_missing(owed, how), *strays]


def _missing(owed: list[object], how: Encoding) -> list[Json]:
    if owed:
        how.adapted.add("messages")
    return [{"role": "tool", "tool_call_id": one, "content": _NO_RESULT} for one in owed]


def _text(content: str | list[Block] | None) -> str:
    if isinstance(content, list):
        for block in content:
            if block.type != "text":
                raise Untranslatable(
                    f"This provider accepts no block of type '{block.type:.32}' in a system"
                    " message.",
                    "messages",
                )
        return "\n\n".join(block.text for block in content)
    return content or ""


def _message(message: Message, quirks: Quirks, how: Encoding) -> list[Json]:
    """Convert a message into one or several: each tool result is one message, before the rest.

    A result contains only text; its images follow in a message of the user.
    """
    if message.role == "system":
        return [{"role": "system", "content": _text(message.content)}]
    if isinstance(message.content, str):
        return [{"role": message.role, "content": message.content}] if message.content else []
    if message.role == "assistant":
        return _assistant(message.content, quirks, how)
    results: list[Json] = []
    parts: list[Json] = []
    for block in message.content:
        if block.type == "tool_result":
            content, others = _result(block, how)
            results.append({"role": "tool", "tool_call_id": block.tool_use_id, "content": content})
            parts += others
        elif block.type != "text" or block.text:
            parts.append(_part(block))
    return [*results, {"role": message.role, "content": parts}] if parts else results


def _result(block: Block, how: Encoding) -> tuple[str, list[Json]]:
    """The text of a tool's result, and the parts of it that are not text."""
    others: list[Json] = []
    if isinstance(block.content, list):
        texts = [_readable(one) for one in block.content]
        text = "\n\n".join(one for one in texts if one)
        others = [
            _part(one)
            for one, read in zip(block.content, texts, strict=True)
            if read is None and one.type not in _NAMES_ONLY
        ]
    else:
        text = block.content if isinstance(block.content, str) else ""
    if others:
        how.adapted.add("messages")
        text = text or "(see the next message)"
    return f"Error: {text}" if block.is_error else text, others


def _readable(block: Block) -> str | None:
    """The text of a block that contains only text; None for other blocks."""
    if block.type == "text":
        return block.text
    if block.type == "search_result" and isinstance(block.content, list):
        # https://docs.anthropic.com/en/docs/build-with-claude/search-results
        source = block.source if isinstance(block.source, str) else ""
        head = " ".join(word for word in (block.title or "", source) if word)
        return "\n".join([head, *(one.text for one in block.content)])
    source = block.source
    if block.type == "document" and isinstance(source, Source):
        if source.type == "text":
            return source.data
        blocks = source.content
        if source.type == "content" and isinstance(blocks, str):
            return blocks
        if isinstance(blocks, list) and all(one.type == "text" for one in blocks):
            return "\n\n".join(one.text for one in blocks)
    return None


_NAMES_ONLY = frozenset(("tool_reference",))
"""Blocks that name a tool which the request defines anyway."""


def _assistant(blocks: list[Block], quirks: Quirks, how: Encoding) -> list[Json]:
    """Convert the model's text and tool calls; its thoughts go to providers that require them.

    Blocks of server tools, such as a search, are left out; the text contains their results.
    """
    text = thought = ""
    calls: list[Json] = []
    for block in blocks:
        if block.type == "text":
            text += block.text
        elif block.type == "tool_use":
            name = fit_name(block.name, _LONGEST_NAME, how)
            function = {"name": name, "arguments": bytes(block.input).decode()}
            calls.append({"id": block.id, "type": "function", "function": function})
        elif block.type == "thinking":
            thought += block.thinking
        elif block.type != "redacted_thinking":
            how.adapted.add("messages")
    made: Json = {"role": "assistant", "content": text or None}
    if calls:
        made["tool_calls"] = calls
        if quirks.wants_thoughts and thought and how.may_add("reasoning_content"):
            made["reasoning_content"] = thought
    return [made] if text or calls else []


def _part(block: Block) -> Json:
    text = _readable(block)
    if text is not None:
        return {"type": "text", "text": text}
    source = block.source
    if block.type == "image" and isinstance(source, Source):
        if source.type not in ("base64", "url"):
            raise Untranslatable(
                f"This provider accepts no image source of type '{source.type:.32}'.", "messages"
            )
        url = source.url or f"data:{source.media_type};base64,{source.data}"
        return {"type": "image_url", "image_url": {"url": url}}
    if block.type == "document" and isinstance(source, Source) and source.type == "base64":
        data = f"data:{source.media_type};base64,{source.data}"
        file = {"filename": block.title or "document.pdf", "file_data": data}
        return {"type": "file", "file": file}
    raise Untranslatable(f"This provider accepts no block of type '{block.type:.32}'.", "messages")


def _tools(request: Request, how: Encoding) -> Json:
    """Convert tools that the client runs; tools that run at the provider are left out."""
    tools: list[Json] = []
    for tool in request.tools or ():
        schema, description = tool.input_schema, tool.description
        if schema is None:
            how.adapted.add("tools")
            known = next((one for one in CLIENT_TOOLS if tool.type.startswith(one.type)), None)
            if known is None:
                continue
            schema, description = known.schema, known.description
        name = fit_name(tool.name, _LONGEST_NAME, how)
        function: Json = {"name": name, "parameters": fit_schema(schema, how)}
        if description:
            function["description"] = description
        tools.append({"type": "function", "function": function})
    if not tools:
        return {}
    made: Json = {"tools": tools}
    choice = request.tool_choice
    if choice is not None:
        made["tool_choice"] = _CHOICES.get(choice.type, "auto")
        chosen = fit_name(choice.name, _LONGEST_NAME, how) if choice.name else ""
        if any(cast("Json", tool["function"])["name"] == chosen for tool in tools):
            made["tool_choice"] = {"type": "function", "function": {"name": chosen}}
        if choice.disable_parallel_tool_use:
            made["parallel_tool_calls"] = False
    return made
