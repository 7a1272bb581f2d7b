"""Converts a request for a chat completion into one for Anthropic's messages API.

Values that Anthropic's API refuses and OpenAI's accepts are adapted; see
`service.providers.encoding`.
"""

import base64
import binascii
import re
from collections import deque
from typing import TypeAlias, cast

import msgspec

from service.providers.chat_request import ChatCall
from service.providers.dialect import UNREADABLE, Untranslatable
from service.providers.encoding import SAY_NOTHING, Encoding, fit_id, fit_name, fit_user
from service.providers.schemas import fit_schema
from service.providers.translation.reading import read_request

__all__ = ["DEFAULT_MAX_TOKENS", "message_request"]

DEFAULT_MAX_TOKENS = 4096
"""Used when the request has no max_tokens, which Anthropic requires and OpenAI does not."""
_MOST_TEMPERATURE = 1.0
"""Anthropic's maximum; OpenAI's is 2."""
_LONGEST_USER = 256
_LONGEST_NAME = 128
_MOST_MARKS = 4
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ID_LENGTH = 32
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*)?;base64,(.+)", re.DOTALL | re.IGNORECASE)
_MEDIA_TYPES = {
    **{name: name for name in ("image/jpeg", "image/png", "image/gif", "image/webp")},
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
}
"""The media types that Anthropic accepts, by the ones that clients send."""
_STARTS = (
    ("/9j/", "image/jpeg"),
    ("iVBORw0KGgoAAAAN", "image/png"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
)
"""The first base64 characters of image data, and the type that they show."""
_PDF = "application/pdf"
_THINKING_BUDGETS = {"low": 1024, "medium": 4096, "high": 16384, "xhigh": 32768}
"""The thinking budget in tokens by reasoning_effort; 1024 is Anthropic's minimum."""
_Json: TypeAlias = dict[str, object]


class _ImageUrl(msgspec.Struct):
    url: str


class _File(msgspec.Struct):
    file_data: str = ""
    filename: str | None = None


class _Part(msgspec.Struct):
    type: str
    text: str = ""
    image_url: _ImageUrl | str | None = None
    refusal: str = ""
    file: _File | None = None
    cache_control: dict[str, object] | None = None


class _Function(msgspec.Struct):
    name: str
    arguments: str | dict[str, msgspec.Raw] | None = "{}"
    description: str | None = None
    parameters: dict[str, object] | None = None


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
    reasoning_effort: str | None = None


_ALTERING = frozenset(("audio", "function_call", "functions", "web_search_options"))
"""Fields without a counterpart that change the answer."""
_KNOWN = SAY_NOTHING | {"model", "stream", "stream_options"} | frozenset(_Request.__struct_fields__)
_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(_Request)
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def message_request(call: ChatCall, model: str, how: Encoding) -> bytes:
    """The body for `model`; `how` records the changes.

    Raises:
        Untranslatable: the messages API cannot express the request.
    """
    request = read_request(call, _decoder, known=_KNOWN, altering=_ALTERING, how=how)
    _refuse(request)
    body: _Json = {
        "model": model,
        "max_tokens": request.max_completion_tokens or request.max_tokens or DEFAULT_MAX_TOKENS,
        "messages": _messages(request.messages, how),
    }
    system = _system(request.messages)
    if system and body["messages"]:
        body["system"] = system
    elif system:
        how.adapted.add("messages")
        content = [_text_block(system)] if isinstance(system, str) else system
        body["messages"] = [{"role": "user", "content": content}]
    elif not body["messages"]:
        body["messages"] = [{"role": "user", "content": [_text_block(_NO_TEXT)]}]
    if call.stream:
        body["stream"] = True
    stops = _stops(request.stop, how)
    if stops:
        body["stop_sequences"] = stops
    if request.user:
        body["metadata"] = {"user_id": fit_user(request.user, _LONGEST_USER, how)}
    _thin_out(body, how)
    body.update(_tools(request, how))
    body.update(_thinking(request, body, how))
    body.update(_sampling(request, "thinking" in body, how))
    return _encode(body)


def _thin_out(body: _Json, how: Encoding) -> None:
    """Keep at most four cache marks: the first, such as a system prompt's, and the last three."""
    system = body.get("system")
    blocks = cast("list[_Json]", system if isinstance(system, list) else [])
    for turn in cast("list[_Json]", body["messages"]):
        blocks = [*blocks, *cast("list[_Json]", turn["content"])]
    marked = [block for block in blocks if "cache_control" in block]
    for block in marked[1 : len(marked) - _MOST_MARKS + 1]:
        how.adapted.add("cache_control")
        del block["cache_control"]


def _stops(stop: str | list[str] | None, how: Encoding) -> list[str]:
    """The stop sequences without those of only white space, which Anthropic refuses."""
    asked = [stop] if isinstance(stop, str) else stop or []
    fit = [text for text in asked if text.strip()]
    if len(fit) < len(asked):
        how.adapted.add("stop")
    return fit


def _sampling(request: _Request, thinks: bool, how: Encoding) -> _Json:  # noqa: FBT001 - one of two
    """Temperature or top_p: newer models accept only one, and none with extended thinking."""
    found: _Json = {}
    if request.temperature is not None:
        found["temperature"] = min(request.temperature, _MOST_TEMPERATURE)
        if request.temperature > _MOST_TEMPERATURE:
            how.adapted.add("temperature")
    if request.top_p is not None and found:
        how.adapted.add("top_p")
    elif request.top_p is not None:
        found["top_p"] = request.top_p
    if found and thinks:
        how.adapted |= found.keys()
        return {}
    return found


def _calls_a_tool(turn: _Json) -> bool:
    return any(block["type"] == "tool_use" for block in cast("list[_Json]", turn["content"]))


def _thinking(request: _Request, body: _Json, how: Encoding) -> _Json:
    """The thinking budget in tokens, at most half of the length of the answer.

    There is no thinking with a forced tool choice, which Anthropic does not combine with it. There
    is none after tool results either: the request would have to return the signed thoughts before
    the call, which clients of this format do not have.
    """
    effort = request.reasoning_effort
    if effort is None:
        return {}
    budget = _THINKING_BUDGETS.get(effort, 0)
    room = (request.max_completion_tokens or request.max_tokens or DEFAULT_MAX_TOKENS) // 2
    forced = cast("_Json", body.get("tool_choice") or {}).get("type") in ("any", "tool")
    before = cast("list[_Json]", body["messages"])[-2:-1]
    budget = min(budget, room)
    forced = forced or any(map(_calls_a_tool, before))
    if forced or budget < _THINKING_BUDGETS["low"] or not how.may_add("thinking"):
        how.adapted.add("reasoning_effort")
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


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


def _system(messages: list[_Message]) -> str | list[_Json]:
    """The system prompt as one text, or as blocks if the client sets cache marks."""
    ours = [one for one in messages if one.role in ("system", "developer")]
    texts = [text for text in map(_text, ours) if text.strip()]
    parts = [part for one in ours if isinstance(one.content, list) for part in one.content]
    if not any(part.cache_control for part in parts):
        return "\n\n".join(texts)
    blocks: list[_Json] = []
    for one in ours:
        if isinstance(one.content, list):
            parts = [part for part in one.content if part.text.strip()]
            blocks += [_marked(_text_block(part.text), part) for part in parts]
        elif one.content and one.content.strip():
            blocks.append(_text_block(one.content))
    return blocks


def _text(message: _Message) -> str:
    if isinstance(message.content, list):
        for part in message.content:
            if part.type not in ("text", "refusal", "thinking"):
                detail = (
                    f"This provider accepts no part of type '{part.type:.32}' in a message with the"
                    f" role '{message.role:.32}'."
                )
                raise Untranslatable(detail, "messages")
        # Thoughts of another model are left out.
        return "".join(part.text or part.refusal for part in message.content)
    return message.content or ""


def _messages(messages: list[_Message], how: Encoding) -> list[_Json]:
    """Convert messages into alternating turns: consecutive messages of one side become one.

    Tool results need that. Each tool call has its result at the beginning of the next turn.
    """
    turns: list[tuple[str, list[_Json]]] = []
    ids = _CallIds(how)
    for message in messages:
        if message.role in ("system", "developer"):
            continue
        role = "assistant" if message.role == "assistant" else "user"
        if role == "assistant" and turns and turns[-1][0] == "user":
            ids.forget()
        blocks = _blocks(message, ids, how)
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        elif blocks:
            turns.append((role, blocks))
    return [{"role": role, "content": blocks} for role, blocks in _paired(turns, how)]


def _paired(turns: list[tuple[str, list[_Json]]], how: Encoding) -> list[tuple[str, list[_Json]]]:
    """Put results right after their calls.

    A missing result is replaced by a note, and a surplus one becomes text. White space is removed
    at the end of a last text of the model, because Anthropic refuses it. A conversation that begins
    with the model gets a first turn of the user.
    """
    made: list[tuple[str, list[_Json]]] = []
    owed: list[object] = []
    for role, blocks in turns:
        content = blocks
        if role == "user":
            content = _answering(owed, blocks, how)
        elif owed:
            made.append(("user", _answering(owed, [], how)))
        owed = [block["id"] for block in blocks if block["type"] == "tool_use"]
        made.append((role, content))
    if owed:
        made.append(("user", _answering(owed, [], how)))
    if made and made[0][0] == "assistant":
        how.adapted.add("messages")
        made.insert(0, ("user", [_text_block(_BEGINNING)]))
    if made and made[-1][0] == "assistant" and made[-1][1][-1]["type"] == "text":
        last = made[-1][1][-1]
        last["text"] = str(last["text"]).rstrip()
    return made


def _answering(owed: list[object], blocks: list[_Json], how: Encoding) -> list[_Json]:
    results: dict[object, _Json] = {}
    rest: list[_Json] = []
    for block in blocks:
        if block["type"] != "tool_result":
            rest.append(block)
        elif block["tool_use_id"] in owed and block["tool_use_id"] not in results:
            results[block["tool_use_id"]] = block
        else:
            how.adapted.add("messages")
            rest += _as_blocks(block["content"])
    if any(one not in results for one in owed):
        how.adapted.add("messages")
    first: list[_Json] = [
        results.get(one) or {"type": "tool_result", "tool_use_id": one, "content": _NO_RESULT}
        for one in owed
    ]
    return [*first, *rest]


_NO_RESULT = "(no result)"
_BEGINNING = "(the conversation begins)"
_NO_TEXT = "(no text)"


def _as_blocks(content: object) -> list[_Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content if content.strip() else _NO_RESULT}]
    return cast("list[_Json]", content)


class _CallIds:
    """Makes call ids unique in a conversation, since some servers reuse them in every turn."""

    def __init__(self, how: Encoding) -> None:
        self._how = how
        self._used: set[str] = set()
        self._waiting: dict[str, deque[str]] = {}
        self._last: dict[str, str] = {}

    def forget(self) -> None:
        """Begin a new turn of the model; later results belong to its calls."""
        self._waiting.clear()
        self._last.clear()

    def of_call(self, one: str) -> str:
        """The unique id for a call."""
        made, number = self._fitted(one), 1
        while made in self._used:
            number += 1
            made = self._fitted(f"{one}#{number}")
        self._used.add(made)
        self._waiting.setdefault(one, deque()).append(made)
        return made

    def of_result(self, one: str) -> str:
        """The unique id of the call of a result; calls with the same id are matched in order."""
        waiting = self._waiting.get(one)
        if waiting:
            self._last[one] = waiting.popleft()
        return self._last.get(one) or self._fitted(one)

    def _fitted(self, one: str) -> str:
        return fit_id(one, _ID, "call_", _ID_LENGTH, self._how)


def _blocks(message: _Message, ids: _CallIds, how: Encoding) -> list[_Json]:
    match message.role:
        case "tool":
            result: _Json = {
                "type": "tool_result",
                "tool_use_id": ids.of_result(message.tool_call_id),
            }
            return [{**result, "content": _result(message, how)}]
        case "assistant":
            text = _text(message)
            spoken: list[_Json] = [{"type": "text", "text": text}] if text.strip() else []
            calls = message.tool_calls or ()
            return spoken + [_tool_use(call, ids.of_call(call.id), how) for call in calls]
        case "user":
            return _parts(message, how)
        case _:
            raise Untranslatable(f"A message has the role '{message.role:.32}'.", "messages")


def _parts(message: _Message, how: Encoding) -> list[_Json]:
    """The blocks of a message without texts of only white space, which Anthropic refuses."""
    if isinstance(message.content, list):
        made = [_marked(_part(part, how), part) for part in message.content]
    else:
        made = [_text_block(message.content or "")]
    fit = [block for block in made if block["type"] != "text" or str(block["text"]).strip()]
    if len(fit) < len(made):
        how.adapted.add("messages")
    return fit


def _marked(block: _Json, part: _Part) -> _Json:
    """The block with the cache mark of the part, if the client set one."""
    return {**block, "cache_control": part.cache_control} if part.cache_control else block


def _result(message: _Message, how: Encoding) -> str | list[_Json]:
    """The content of a tool's result: text, or blocks if it contains images."""
    if isinstance(message.content, list) and any(
        part.type == "image_url" for part in message.content
    ):
        return _parts(message, how)
    return _text(message)


def _text_block(text: str) -> _Json:
    return {"type": "text", "text": text}


def _part(part: _Part, how: Encoding) -> _Json:
    if part.type == "text":
        return _text_block(part.text)
    if part.type == "image_url" and part.image_url is not None:
        image = part.image_url
        url = image if isinstance(image, str) else image.url
        return {"type": "image", "source": _image(url, how)}
    if part.type == "file" and part.file is not None:
        return _document(part.file)
    raise Untranslatable(f"This provider accepts no part of type '{part.type:.32}'.", "messages")


def _document(file: _File) -> _Json:
    """A document block for a PDF inside the request; an uploaded file exists only at OpenAI."""
    found = _DATA_URL.fullmatch(file.file_data)
    if found is None or found[1].strip().lower() != _PDF:
        raise Untranslatable("A file is not a PDF as base64 data, which is required.", "messages")
    source = {"type": "base64", "media_type": _PDF, "data": _base64(found[2])}
    title = {"title": file.filename} if file.filename else {}
    return {"type": "document", "source": source, **title}


def _image(url: str, how: Encoding) -> _Json:
    """The source of an image; its type comes from the data if possible, which Anthropic checks."""
    if url.startswith(("https://", "http://")):
        return {"type": "url", "url": url}
    found = _DATA_URL.fullmatch(url)
    if found is None:
        raise Untranslatable("An image is neither an http(s) URL nor base64 data.", "messages")
    data = _base64(found[2])
    declared = _MEDIA_TYPES.get(found[1].strip().lower())
    media_type = next((name for start, name in _STARTS if data.startswith(start)), declared)
    if media_type is None:
        raise Untranslatable("An image is not a JPEG, PNG, GIF or WebP.", "messages")
    if media_type != found[1]:
        how.adapted.add("messages")
    return {"type": "base64", "media_type": media_type, "data": data}


def _base64(text: str) -> str:
    """The data without white space.

    Raises:
        Untranslatable: it is not base64.
    """
    data = "".join(text.split())
    try:
        base64.b64decode(data, validate=True)
    except binascii.Error:
        raise Untranslatable("The data of an image or a file is not base64.", "messages") from None
    return data


def _tool_use(call: _ToolCall, call_id: str, how: Encoding) -> _Json:
    text = call.function.arguments or "{}"
    arguments: object
    try:
        arguments = _decode_object(text.strip() or "{}") if isinstance(text, str) else text
    except UNREADABLE:
        # Wrong arguments of a model in the history must not end the conversation.
        how.adapted.add("messages")
        arguments = {"arguments": text}
    name = fit_name(call.function.name, _LONGEST_NAME, how)
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def _tools(request: _Request, how: Encoding) -> _Json:
    if not request.tools:
        return _tools_of_history(request, how)
    tools: list[_Json] = []
    for tool in request.tools:
        if tool.function is None:
            raise Untranslatable(
                f"This provider accepts no tool of type '{tool.type:.32}'.", "tools"
            )
        name = fit_name(tool.function.name, _LONGEST_NAME, how)
        made: _Json = {"name": name, "input_schema": fit_schema(tool.function.parameters, how)}
        if tool.function.description:
            made["description"] = tool.function.description
        tools.append(made)
    choice = _tool_choice(request.tool_choice, how)
    if request.parallel_tool_calls is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return {"tools": tools, "tool_choice": choice}


def _tools_of_history(request: _Request, how: Encoding) -> _Json:
    """Define the tools of earlier calls: Anthropic refuses calls in a request without tools."""
    calls = [call for one in request.messages for call in one.tool_calls or ()]
    if not calls:
        return {}
    how.adapted.add("tools")
    names = dict.fromkeys(fit_name(call.function.name, _LONGEST_NAME, how) for call in calls)
    tools = [{"name": name, "input_schema": fit_schema(None, how)} for name in names]
    return {"tools": tools, "tool_choice": {"type": "none"}}


def _tool_choice(choice: str | _ToolChoice | None, how: Encoding) -> _Json:
    if isinstance(choice, _ToolChoice):
        if choice.function is None:
            raise Untranslatable(
                f"This provider does not support a tool choice of type '{choice.type:.32}'.",
                "tool_choice",
            )
        return {"type": "tool", "name": fit_name(choice.function.name, _LONGEST_NAME, how)}
    return {"type": {"required": "any", "none": "none"}.get(choice or "auto", "auto")}
