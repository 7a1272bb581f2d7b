"""Strict YAML: refuses text that PyYAML would accept silently with an unexpected meaning.

It refuses duplicate keys (the last one would win), invisible and look-alike characters, tabs, tags
other than those of plain values, anchors and aliases. Each error names the line, the column and the
text. A value that only YAML 1.1 reads as a number or a boolean (0100, 2:30, 0x10, 1_000, yes) is a
string, so that the typed configuration refuses it with its value.
"""

import re
import unicodedata
from pathlib import Path
from typing import TypeAlias, cast

import yaml
from yaml.composer import ComposerError
from yaml.error import Mark

from seawall.engine.errors import WorkspaceError

__all__ = ["Value", "Values", "load", "value_in"]

Value: TypeAlias = "dict[str, Value] | list[Value] | str | int | float | bool | None"
Values: TypeAlias = dict[str, Value]

_LINE_ENDS = frozenset("\n\r")
_ODD_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_TYPOGRAPHIC_QUOTES = frozenset("\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb")
_STANDARD = "tag:yaml.org,2002:"
_TEXT = f"{_STANDARD}str"
_GIVEN_TAGS = frozenset({_TEXT, f"{_STANDARD}map", f"{_STANDARD}seq"})
"""Tags that may be written explicitly; others would change the meaning of a plain value."""
_MEANINGS = (
    # YAML 1.2, 10.3.2 (core schema), without the forms that have another meaning in YAML 1.1.
    # PyYAML writes a string without quotes if it is a string in YAML 1.1; it must stay a string.
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]*(?:[eE][-+][0-9]+)?", list("-+0123456789")),
    ("merge", r"<<", ["<"]),
)


def load(path: Path) -> Values:
    """The mapping in a YAML file.

    Raises:
        WorkspaceError: it cannot be read, is not a mapping, or contains something refused here.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WorkspaceError(
            f"{path}: byte {error.start + 1} is no UTF-8; save the file as UTF-8"
        ) from error
    document = value_in(text, str(path))
    if not isinstance(document, dict):
        raise WorkspaceError(f"{path} is no YAML mapping of keys to values")
    return document


def value_in(text: str, source: str) -> Value:
    """The one value in a YAML text.

    Args:
        text: the YAML.
        source: the origin of the text, for messages.

    Raises:
        WorkspaceError: it is not YAML, or contains something refused here.
    """
    _refuse_odd_characters(source, text)
    try:
        return cast("Value", yaml.load(text, _Loader))  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        raise WorkspaceError(f"{source}{_place(error)}: {_problem(error)}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise WorkspaceError(f"{source} is no YAML: {' '.join(str(error).split())}") from error


class _Loader(yaml.SafeLoader):
    """The safe loader, restricted to plain values and to unique keys that are plain strings."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the base class' attribute
        first: [
            (f"{_STANDARD}{tag}", re.compile(rf"(?:{pattern})\Z"))
            for tag, pattern, firsts in _MEANINGS
            if first in firsts
        ]
        for first in sorted({first for _, _, firsts in _MEANINGS for first in firsts})
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = cast("yaml.Event", self.peek_event())  # pyright: ignore[reportUnknownMemberType] - the stubs leave it open
        wrong = _wrong_event(event)
        if wrong:
            raise ComposerError(None, None, wrong, cast("Mark | None", event.start_mark))
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, object]:  # type: ignore[override]  # noqa: FBT001, FBT002 - the base class' signature
        seen: set[str] = set()
        for key_node, _ in node.value:
            wrong = _wrong_key(key_node, seen)
            if wrong:
                raise yaml.constructor.ConstructorError(None, None, wrong, key_node.start_mark)
            seen.add(key_node.value)
        return cast("dict[str, object]", super().construct_mapping(node, deep))


def _wrong_event(event: yaml.Event) -> str | None:
    """What is wrong with the notation of a value; None when it is valid."""
    if isinstance(event, yaml.AliasEvent):
        return f"alias *{event.anchor}; write the value itself"
    if not isinstance(event, yaml.NodeEvent):
        return None
    if event.anchor is not None:
        return f"anchor &{event.anchor}; write the value without it"
    tag = cast("str | None", getattr(event, "tag", None))
    if tag is None or tag in _GIVEN_TAGS:
        return None
    shown = f"!!{tag.removeprefix(_STANDARD)}" if tag.startswith(_STANDARD) else tag
    return f"tag {shown}; write a plain value without it"


def _wrong_key(node: yaml.Node, seen: set[str]) -> str | None:
    """What is wrong with a key; None when it is valid."""
    if node.tag != _TEXT:
        given = f" {node.value}" if isinstance(node, yaml.ScalarNode) else ""
        return f"key{given} is not a text; put it in quotes"
    key = cast("str", node.value)
    if key in seen:
        return f"key {key!r} stands here a second time; remove one of the two"
    foreign = next((character for character in key if not character.isascii()), None)
    return f"key {key!r} holds {_name(foreign)}; write plain letters" if foreign else None


def _refuse_odd_characters(source: str, text: str) -> None:
    for number, line in enumerate(text.split("\n"), start=1):
        for column, character in enumerate(line, start=1):
            if _is_odd(character):
                name = "a tab" if character == "\t" else _name(character)
                raise WorkspaceError(
                    f"{source}, line {number}, column {column}: {name}; "
                    "write spaces and plain quotes instead"
                )


def _is_odd(character: str) -> bool:
    if character == " " or character in _LINE_ENDS:
        return False
    return character in _TYPOGRAPHIC_QUOTES or unicodedata.category(character) in _ODD_CATEGORIES


def _name(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, 'a control character')}"


def _place(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""


def _problem(error: yaml.MarkedYAMLError) -> str:
    return " ".join(str(error.problem or error.context or "no YAML").split())
