"""Converts a request for a chat completion into one for Anthropic's messages API.

Values that Anthropic's API refuses and OpenAI's accepts are adapted; see
`service.providers.encoding`.
"""

from typing import cast

import msgspec

from service.providers.chat_request import ChatCall
from service.providers.dialect import Untranslatable
from service.providers.encoding import SAY_NOTHING, Encoding, fit_name, fit_user
from service.providers.schemas import fit_schema
from service.providers.translation.anthropic_blocks import LONGEST_NAME, text_block
from service.providers.translation.anthropic_turns import NO_TEXT, system_prompt, turns_of
from service.providers.translation.openai_request_fields import Json, Request, ToolChoice
from service.providers.translation.reading import read_request

__all__ = ["DEFAULT_MAX_TOKENS", "message_request"]

DEFAULT_MAX_TOKENS = 4096
"""Used when the request has no max_tokens, which Anthropic requires and OpenAI does not."""
_MOST_TEMPERATURE = 1.0
"""Anthropic's maximum; OpenAI's is 2."""
_LONGEST_USER = 256
_MOST_MARKS = 4
_THINKING_BUDGETS = {"low": 1024, "medium": 4096, "high": 16384, "xhigh": 32768}
"""The thinking budget in tokens by reasoning_effort; 1024 is Anthropic's minimum."""


_ALTERING = frozenset(("audio", "function_call", "functions", "web_search_options"))
"""Fields without a counterpart that change the answer."""
_KNOWN = SAY_NOTHING | {"model", "stream", "stream_options"} | frozenset(Request.__struct_fields__)
_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Request)


def message_request(call: ChatCall, model: str, how: Encoding) -> bytes:
    """The body for `model`; `how` records the changes.

    Raises:
        Untranslatable: the messages API cannot express the request.
    """
    request = read_request(call, _decoder, known=_KNOWN, altering=_ALTERING, how=how)
    _refuse(request)
    body: Json = {
        "model": model,
        "max_tokens": request.max_completion_tokens or request.max_tokens or DEFAULT_MAX_TOKENS,
        "messages": turns_of(request.messages, how),
    }
    system = system_prompt(request.messages)
    if system and body["messages"]:
        body["system"] = system
    elif system:
        how.adapted.add("messages")
        content = [text_block(system)] if isinstance(system, str) else system
        body["messages"] = [{"role": "user", "content": content}]
    elif not body["messages"]:
        body["messages"] = [{"role": "user", "content": [text_block(NO_TEXT)]}]
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


def _thin_out(body: Json, how: Encoding) -> None:
    """Keep at most four cache marks: the first, such as a system prompt's, and the last three."""
    system = body.get("system")
    blocks = cast("list[Json]", system if isinstance(system, list) else [])
    for turn in cast("list[Json]", body["messages"]):
        blocks = [*blocks, *cast("list[Json]", turn["content"])]
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


def _sampling(request: Request, thinks: bool, how: Encoding) -> Json:  # noqa: FBT001 - one of two
    """Temperature or top_p: newer models accept only one, and none with extended thinking."""
    found: Json = {}
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


def _calls_a_tool(turn: Json) -> bool:
    return any(block["type"] == "tool_use" for block in cast("list[Json]", turn["content"]))


def _thinking(request: Request, body: Json, how: Encoding) -> Json:
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
    forced = cast("Json", body.get("tool_choice") or {}).get("type") in ("any", "tool")
    before = cast("list[Json]", body["messages"])[-2:-1]
    budget = min(budget, room)
    forced = forced or any(map(_calls_a_tool, before))
    if forced or budget < _THINKING_BUDGETS["low"] or not how.may_add("thinking"):
        how.adapted.add("reasoning_effort")
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _refuse(request: Request) -> None:
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


def _tools(request: Request, how: Encoding) -> Json:
    if not request.tools:
        return _tools_of_history(request, how)
    tools: list[Json] = []
    for tool in request.tools:
        if tool.function is None:
            raise Untranslatable(
                f"This provider accepts no tool of type '{tool.type:.32}'.", "tools"
            )
        name = fit_name(tool.function.name, LONGEST_NAME, how)
        made: Json = {"name": name, "input_schema": fit_schema(tool.function.parameters, how)}
        if tool.function.description:
            made["description"] = tool.function.description
        tools.append(made)
    choice = _tool_choice(request.tool_choice, how)
    if request.parallel_tool_calls is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return {"tools": tools, "tool_choice": choice}


def _tools_of_history(request: Request, how: Encoding) -> Json:
    """Define the tools of earlier calls: Anthropic refuses calls in a request without tools."""
    calls = [call for one in request.messages for call in one.tool_calls or ()]
    if not calls:
        return {}
    how.adapted.add("tools")
    names = dict.fromkeys(fit_name(call.function.name, LONGEST_NAME, how) for call in calls)
    tools = [{"name": name, "input_schema": fit_schema(None, how)} for name in names]
    return {"tools": tools, "tool_choice": {"type": "none"}}


def _tool_choice(choice: str | ToolChoice | None, how: Encoding) -> Json:
    if isinstance(choice, ToolChoice):
        if choice.function is None:
            raise Untranslatable(
                f"This provider does not support a tool choice of type '{choice.type:.32}'.",
                "tool_choice",
            )
        return {"type": "tool", "name": fit_name(choice.function.name, LONGEST_NAME, how)}
    return {"type": {"required": "any", "none": "none"}.get(choice or "auto", "auto")}
