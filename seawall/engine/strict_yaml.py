"""YAML as people mean it: what PyYAML would take silently, and in another sense, is refused.

Refused are a key that stands twice (the last would win), characters that look like others or like
nothing, and tabs. Each refusal names the line, the column and what stands there.
"""

import unicodedata
from pathlib import Path
from typing import TypeAlias, cast

import yaml

from seawall.engine.errors import WorkspaceError

__all__ = ["Value", "Values", "load"]

Value: TypeAlias = "dict[str, Value] | list[Value] | str | int | float | bool | None"
Values: TypeAlias = dict[str, Value]

_LINE_ENDS = frozenset("\n\r")
_ODD_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Zl", "Zp", "Zs"})
_TYPOGRAPHIC_QUOTES = frozenset("\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb")
_TEXT = "tag:yaml.org,2002:str"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


def load(path: Path) -> Values:
    """The mapping in a YAML file.

    Raises:
        WorkspaceError: it cannot be read, is no mapping, or holds what is refused here.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WorkspaceError(
            f"{path}: byte {error.start + 1} is no UTF-8; save the file as UTF-8"
        ) from error
    _refuse_odd_characters(path, text)
    try:
        document = cast("Value", yaml.load(text, _Loader))  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        raise WorkspaceError(f"{path}{_place(error)}: {_problem(error)}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise WorkspaceError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise WorkspaceError(f"{path} is no YAML mapping of keys to values")
    return document


class _Loader(yaml.SafeLoader):
    """The safe loader, with keys that must be plain texts and stand once; dates stay texts."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the base class' attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, object]:  # type: ignore[override]  # noqa: FBT001, FBT002 - the base class' signature
        seen: set[str] = set()
        for key_node, _ in node.value:
            told = _wrong_key(key_node, seen)
            if told:
                raise yaml.constructor.ConstructorError(None, None, told, key_node.start_mark)
            seen.add(key_node.value)
        return cast("dict[str, object]", super().construct_mapping(node, deep))


def _wrong_key(node: yaml.Node, seen: set[str]) -> str | None:
    """What is wrong with a key; None when nothing is."""
    if node.tag != _TEXT:
        given = f" {node.value}" if isinstance(node, yaml.ScalarNode) else ""
        return f"key{given} is not a text; put it in quotes"
    key = cast("str", node.value)
    if key in seen:
        return f"key {key!r} stands here a second time; remove one of the two"
    foreign = next((character for character in key if not character.isascii()), None)
    return f"key {key!r} holds {_name(foreign)}; write plain letters" if foreign else None


def _refuse_odd_characters(path: Path, text: str) -> None:
    for number, line in enumerate(text.split("\n"), start=1):
        for column, character in enumerate(line, start=1):
            if _is_odd(character):
                name = "a tab" if character == "\t" else _name(character)
                raise WorkspaceError(
                    f"{path}, line {number}, column {column}: {name}; "
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
