"""Adapts messages of OpenAI's format to servers that are stricter than OpenAI.

Messages are decoded only when a search finds something to adapt; otherwise the bytes pass through.
"""

import re

import msgspec

from service.providers.dialect import UNREADABLE
from service.providers.dialects.quirks import CallIds, Quirks
from service.providers.encoding import Encoding, fit_id

__all__ = ["MessageFitter"]

_Message = dict[str, msgspec.Raw]
_encode = msgspec.json.Encoder().encode
_decode_objects = msgspec.json.Decoder(list[_Message]).decode
_decode_calls = msgspec.json.Decoder(list[_Message] | None).decode
_decode_text = msgspec.json.Decoder(str).decode
_NONE, _NULL, _TRUE = msgspec.Raw(b'""'), msgspec.Raw(b"null"), msgspec.Raw(b"true")
_EMPTY = frozenset((b"null", b'""', b"[]", b"{}"))
_IN_CALLS = frozenset(("id", "type", "function"))
"""The fields of a tool call in every provider's reference."""
_DONE: _Message = {"role": msgspec.Raw(b'"assistant"'), "content": msgspec.Raw(b'"Done."')}
"""Inserted between the result of a tool and the next message of the user."""
_SIGNATURE = msgspec.Raw(
    b'{"google":{"thought_signature":"skip_thought_signature_validator"}}',
)
"""For tool calls without a signature; see the FAQs of
https://ai.google.dev/gemini-api/docs/thought-signatures."""


class MessageFitter:
    """Adapts messages to servers with these quirks."""

    def __init__(self, quirks: Quirks) -> None:
        self._quirks = quirks
        looked_for = {*quirks.roles, *quirks.not_in_messages}
        if not quirks.marks_caches:
            looked_for.add("cache_control")
        if quirks.ids is not None or quirks.signs_calls:
            looked_for.add("tool_calls")
        words = "|".join(re.escape(f'"{word}"') for word in sorted(looked_for))
        self._looks_for = re.compile(words.encode()).search if looked_for else None
        self._always = quirks.knows_in_messages is not None or not quirks.takes_empty_answers

    def fit(self, messages: msgspec.Raw, how: Encoding) -> msgspec.Raw:
        """The messages adapted to the server; unreadable ones pass unchanged for it to refuse."""
        if not self._always and (self._looks_for is None or not self._looks_for(messages)):
            return messages
        try:
            found = _decode_objects(messages)
            for message in found:
                self._fit(message, how)
        except UNREADABLE:
            return messages
        return msgspec.Raw(_encode(self._in_order(found, how)))

    def _fit(self, message: _Message, how: Encoding) -> None:
        quirks = self._quirks
        role = _decode_text(message.get("role", _NONE))
        other = quirks.roles.get(role)
        if other is not None:
            message["role"] = msgspec.Raw(_encode(other))
        self._drop(message, role, how)
        if not quirks.marks_caches and b"cache_control" in bytes(message.get("content", _NULL)):
            message["content"] = _without_marks(message["content"])
        if "tool_calls" in message:
            message["tool_calls"] = self._calls(message["tool_calls"], how)
            if quirks.misses_thoughts and bytes(message["tool_calls"]) not in _EMPTY:
                message.setdefault("reasoning_content", _NONE)
        if quirks.ids is not None and "tool_call_id" in message:
            message["tool_call_id"] = _fit_id(message["tool_call_id"], quirks.ids, how)

    def _drop(self, message: _Message, role: str, how: Encoding) -> None:
        quirks = self._quirks
        unknown = quirks.not_in_messages & message.keys()
        if quirks.knows_in_messages is not None:
            unknown |= message.keys() - quirks.knows_in_messages
        if quirks.names_tools_only and role != "tool":
            unknown |= message.keys() & {"name"}
        for name in unknown:
            if bytes(message.pop(name)) not in _EMPTY:
                how.adapted.add("messages")

    def _calls(self, raw: msgspec.Raw, how: Encoding) -> msgspec.Raw:
        """The tool calls of a message; null stays null."""
        calls = _decode_calls(raw)
        if calls is None:
            return raw
        quirks = self._quirks
        for call in calls:
            if quirks.knows_in_messages is not None:
                for name in call.keys() - _IN_CALLS:
                    del call[name]
            if quirks.ids is not None and "id" in call:
                call["id"] = _fit_id(call["id"], quirks.ids, how)
        if quirks.signs_calls and calls:
            calls[0].setdefault("extra_content", _SIGNATURE)
        return msgspec.Raw(_encode(calls))

    def _in_order(self, messages: list[_Message], how: Encoding) -> list[_Message]:
        quirks = self._quirks
        if quirks.prefixes and messages and _is(messages[-1], "assistant"):
            messages[-1].setdefault("prefix", _TRUE)
        if quirks.user_follows_tool and quirks.takes_empty_answers:
            return messages
        made: list[_Message] = []
        for message in messages:
            if not quirks.takes_empty_answers and _is_empty_answer(message):
                how.adapted.add("messages")
                continue
            if (
                not quirks.user_follows_tool
                and made
                and _is(message, "user")
                and _is(made[-1], "tool")
            ):
                how.adapted.add("messages")
                made.append(_DONE)
            made.append(message)
        return made


def _is(message: _Message, role: str) -> bool:
    return bytes(message.get("role", _NONE)) == f'"{role}"'.encode()


def _is_empty_answer(message: _Message) -> bool:
    values = (message.get(name, _NULL) for name in ("content", "tool_calls"))
    return _is(message, "assistant") and all(bytes(one) in _EMPTY for one in values)


def _without_marks(content: msgspec.Raw) -> msgspec.Raw:
    """The parts without `cache_control`, which only marks where a cache entry may end."""
    try:
        parts = _decode_objects(content)
    except UNREADABLE:
        return content
    for part in parts:
        part.pop("cache_control", None)
    return msgspec.Raw(_encode(parts))


def _fit_id(call_id: msgspec.Raw, ids: CallIds, how: Encoding) -> msgspec.Raw:
    fitted = fit_id(_decode_text(call_id), ids.fits, "", ids.length, how)
    return msgspec.Raw(_encode(fitted))
