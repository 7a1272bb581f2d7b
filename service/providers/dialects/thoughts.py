"""Adapts the thoughts in a conversation's history to Anthropic.

Anthropic signs each thought. A model with extended thinking requires its own thoughts before the
tool calls whose results a request contains, and refuses other thoughts. A conversation that another
provider answered in between has thoughts without a signature, or none.
https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking
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
    """The fields without other models' thoughts, and without `thinking` if its own are missing.

    Unreadable messages pass unchanged for the provider to refuse. `how` notes the changes.
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
        # With thinking off, context_management is an error, since it refers to thoughts.
        for name in ("thinking", "context_management"):
            made.pop(name, None)
    return made


def _drop_others(message: _Message) -> bool:
    """Remove the thoughts of other models from a message; return whether there were any."""
    if isinstance(message.content, str) or message.role != "assistant":
        return False
    blocks = [(raw, _decode_block(raw)) for raw in message.content]
    kept = [raw for raw, block in blocks if block.type != "thinking" or block.signature]
    dropped = len(kept) < len(blocks)
    message.content = kept
    return dropped


def _starts_with(messages: list[_Message]) -> str | None:
    """The type of the first block of the model's last message; None if it calls no tool."""
    last = next((one for one in reversed(messages) if one.role == "assistant"), None)
    if last is None or isinstance(last.content, str):
        return None
    types = [_decode_block(raw).type for raw in last.content]
    return types[0] if "tool_use" in types else None
