"""Thoughts in a history, made fit for Anthropic: only its own may come back, and those must.

https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking: each thought is signed, and
a model that thinks wants its thoughts back before the calls of tools whose results it is given. A
conversation that another provider answered in between has thoughts without a signature, or none.
"""

import msgspec

from service.providers.dialect import UNREADABLE
from service.providers.encoding import Encoding

__all__ = ["fit_thoughts"]

_Fields = dict[str, msgspec.Raw]


class _Block(msgspec.Struct):
    type: str = ""
    signature: str | None = None


class _Message(msgspec.Struct):
    role: str
    content: str | list[msgspec.Raw]


_THOUGHTS = ("thinking", "redacted_thinking")
_encode = msgspec.json.Encoder().encode
_decode_messages = msgspec.json.Decoder(list[_Message]).decode
_decode_block = msgspec.json.Decoder(_Block).decode


def fit_thoughts(fields: _Fields, how: Encoding) -> _Fields:
    """The fields without thoughts of others; without thinking, where its own are missing.

    The provider judges what cannot be read; `how` notes the changes.
    """
    messages = bytes(fields.get("messages", b""))
    thinks = b'"enabled"' in bytes(fields.get("thinking", b""))
    if b'"thinking"' not in messages and not (thinks and b'"tool_use"' in messages):
        return fields
    try:
        found = _decode_messages(messages)
        others = [_drop_others(one) for one in found]
        starts = _starts_with(found)
    except UNREADABLE:
        return fields
    made = dict(fields)
    if any(others):
        how.adapted.add("messages")
        made["messages"] = msgspec.Raw(_encode([one for one in found if one.content]))
    if thinks and starts is not None and starts not in _THOUGHTS:
        how.adapted.add("thinking")
        # What it may say of thoughts is an error without them.
        for name in ("thinking", "context_management"):
            made.pop(name, None)
    return made


def _drop_others(message: _Message) -> bool:
    """Take the thoughts of other models out of a message; whether there were any."""
    if isinstance(message.content, str) or message.role != "assistant":
        return False
    blocks = [(raw, _decode_block(raw)) for raw in message.content]
    kept = [raw for raw, block in blocks if block.type != "thinking" or block.signature]
    dropped = len(kept) < len(blocks)
    message.content = kept
    return dropped


def _starts_with(messages: list[_Message]) -> str | None:
    """The type of the first block of the last answer, where it called a tool."""
    last = next((one for one in reversed(messages) if one.role == "assistant"), None)
    if last is None or isinstance(last.content, str):
        return None
    types = [_decode_block(raw).type for raw in last.content]
    return types[0] if "tool_use" in types else None
