"""The content of a message of OpenAI's format, which some providers write as a list of parts.

Mistral's reasoning models write thoughts and text as parts. vLLM, DeepSeek and others write
thoughts into a separate field (`reasoning_content`, or the newer `reasoning`).
"""

from typing import NamedTuple, cast

__all__ = ["ThoughtAndText", "thought_and_text"]


class ThoughtAndText(NamedTuple):
    """The thought and the text of a message, or of a piece of one."""

    thought: str = ""
    text: str = ""


def thought_and_text(content: object, reasoning: object = None) -> ThoughtAndText:
    """The thought and the text of a message; other parts are left out.

    Args:
        content: a string, or a list of parts: {"type": "text", "text": ...} and
            {"type": "thinking", "thinking": ...}.
        reasoning: the field `reasoning_content` or `reasoning`, a string.
    """
    thought = reasoning if isinstance(reasoning, str) else ""
    if not isinstance(content, list):
        return ThoughtAndText(thought, content if isinstance(content, str) else "")
    texts: list[str] = []
    thoughts = [thought]
    for part in cast("list[object]", content):
        fields = cast("dict[str, object]", part) if isinstance(part, dict) else {}
        inner = thought_and_text(
            fields.get("thinking") or fields.get("text") or fields.get("refusal")
        )
        (thoughts if fields.get("type") == "thinking" else texts).append(inner.text)
    return ThoughtAndText("".join(thoughts), "".join(texts))
