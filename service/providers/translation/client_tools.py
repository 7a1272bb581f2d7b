"""The schemas of Anthropic's client tools, for other models.

Anthropic's models know these tools without a schema; see "Bash tool" and "Text editor tool" in
https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview.
"""

from typing import Any, NamedTuple

__all__ = ["CLIENT_TOOLS", "ClientTool"]


class ClientTool(NamedTuple):
    """One tool, in all its versions."""

    type: str
    """The prefix of the type in all versions."""
    description: str
    schema: dict[str, Any]


def _of(required: tuple[str, ...], **properties: object) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*required]}


_TEXT, _NUMBER = {"type": "string"}, {"type": "integer"}
CLIENT_TOOLS = (
    ClientTool(
        "bash_",
        "Runs a command in a shell that stays open; `restart` begins a new one.",
        _of((), command=_TEXT, restart={"type": "boolean"}),
    ),
    ClientTool(
        "text_editor_",
        "Views and edits files; `str_replace` replaces the one place where `old_str` stands.",
        _of(
            ("command", "path"),
            command={"type": "string", "enum": ["view", "create", "str_replace", "insert"]},
            path=_TEXT,
            file_text=_TEXT,
            old_str=_TEXT,
            new_str=_TEXT,
            insert_line=_NUMBER,
            insert_text=_TEXT,
            view_range={"type": "array", "items": _NUMBER},
        ),
    ),
)
