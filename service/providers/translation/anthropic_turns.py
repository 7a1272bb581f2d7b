"""Converts OpenAI's messages into Anthropic's alternating turns, each call with its result."""

import re
from collections import deque
from typing import cast

from service.providers.dialect import Untranslatable
from service.providers.encoding import Encoding, fit_id
from service.providers.translation.anthropic_blocks import (
    content_block,
    marked,
    text_block,
    tool_use_block,
)
from service.providers.translation.openai_request_fields import Json, Message

__all__ = ["NO_TEXT", "system_prompt", "turns_of"]

NO_TEXT = "(no text)"
_NO_RESULT = "(no result)"
_BEGINNING = "(the conversation begins)"
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ID_LENGTH = 32


def system_prompt(messages: list[Message]) -> str | list[Json]:
    """The system prompt as one text, or as blocks if the client sets cache marks."""
    ours = [one for one in messages if one.role in ("system", "developer")]
    texts = [text for text in map(_text, ours) if text.strip()]
    parts = [part for one in ours if isinstance(one.content, list) for part in one.content]
    if not any(part.cache_control for part in parts):
        return "\n\n".join(texts)
    blocks: list[Json] = []
    for one in ours:
        if isinstance(one.content, list):
            parts = [part for part in one.content if part.text.strip()]
            blocks += [marked(text_block(part.text), part) for part in parts]
        elif one.content and one.content.strip():
            blocks.append(text_block(one.content))
    return blocks


def turns_of(messages: list[Message], how: Encoding) -> list[Json]:
    """Convert messages into alternating turns: consecutive messages of one side become one.

    Tool results need that. Each tool call has its result at the beginning of the next turn.
    """
    turns: list[tuple[str, list[Json]]] = []
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


def _text(message: Message) -> str:
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


def _paired(turns: list[tuple[str, list[Json]]], how: Encoding) -> list[tuple[str, list[Json]]]:
    """Put results right after their calls.

    A missing result is replaced by a note, and a surplus one becomes text. White space is removed
    at the end of a last text of the model, because Anthropic refuses it. A conversation that begins
    with the model gets a first turn of the user.
    """
    made: list[tuple[str, list[Json]]] = []
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
        made.insert(0, ("user", [text_block(_BEGINNING)]))
    if made and made[-1][0] == "assistant" and made[-1][1][-1]["type"] == "text":
        last = made[-1][1][-1]
        last["text"] = str(last["text"]).rstrip()
    return made


def _answering(owed: list[object], blocks: list[Json], how: Encoding) -> list[Json]:
    results: dict[object, Json] = {}
    rest: list[Json] = []
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
    first: list[Json] = [
        results.get(one) or {"type": "tool_result", "tool_use_id": one, "content": _NO_RESULT}
        for one in owed
    ]
    return [*first, *rest]


def _as_blocks(content: object) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content if content.strip() else _NO_RESULT}]
    return cast("list[Json]", content)


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


def _blocks(message: Message, ids: _CallIds, how: Encoding) -> list[Json]:
    match message.role:
        case "tool":
            result: Json = {
                "type": "tool_result",
                "tool_use_id": ids.of_result(message.tool_call_id),
            }
            return [{**result, "content": _result(message, how)}]
        case "assistant":
            text = _text(message)
            spoken: list[Json] = [{"type": "text", "text": text}] if text.strip() else []
            calls = message.tool_calls or ()
            return spoken + [tool_use_block(call, ids.of_call(call.id), how) for call in calls]
        case "user":
            return _parts(message, how)
        case _:
            raise Untranslatable(f"A message has the role '{message.role:.32}'.", "messages")


def _parts(message: Message, how: Encoding) -> list[Json]:
    """The blocks of a message without texts of only white space, which Anthropic refuses."""
    if isinstance(message.content, list):
        made = [marked(content_block(part, how), part) for part in message.content]
    else:
        made = [text_block(message.content or "")]
    fit = [block for block in made if block["type"] != "text" or str(block["text"]).strip()]
    if len(fit) < len(made):
        how.adapted.add("messages")
    return fit


def _result(message: Message, how: Encoding) -> str | list[Json]:
    """The content of a tool's result: text, or blocks if it contains images."""
    if isinstance(message.content, list) and any(
        part.type == "image_url" for part in message.content
    ):
        return _parts(message, how)
    return _text(message)
