"""Names of environments: what one may be, and where one stands in an environment's file."""

import re
from collections.abc import Iterator
from typing import cast

import yaml

from seawall.common.errors import UsageError

__all__ = ["check_env_name", "renamed"]

_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")
_OWN_FOLDERS = frozenset({"passphrase", "pulumi-home", "state"})
"""What the kit itself keeps in its state folder, beside one folder for each environment."""
_OWN_KEYS = {
    "seawall:secret_store": None,
    "seawall:backup": frozenset({"prefix"}),
}
"""Sections whose values hold what belongs to one environment alone; None for all of their keys."""
_SHARED_KEYS = frozenset({"auth_mount", "kind", "mount", "refresh", "region", "server"})
"""Of those, the keys that name what environments share, or that are no names at all."""


def check_env_name(name: str) -> None:
    """Refuse what cannot be an environment's name: it becomes file, folder and stack names.

    Raises:
        UsageError: it has another form, or it is a name of the kit's own folders.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"environment {name!r}: a name has small letters, digits and dashes, begins with a "
            "letter, ends with a letter or digit, and is 2 to 40 characters long"
        )
    if name in _OWN_FOLDERS:
        raise UsageError(
            f"environment {name!r}: the kit keeps something of its own under this name; "
            f"these are taken: {', '.join(sorted(_OWN_FOLDERS))}"
        )


def renamed(text: str, old: str, new: str) -> tuple[str, list[str]]:
    """An environment's file with another name in what belongs to one environment alone.

    That are the secret store's paths and roles, the backup's prefix, and `--stack <name>` in
    comments. The name is replaced where it stands as a whole word; everything else stays as it is.

    Args:
        text: YAML that the strict loader takes.
        old: the name in it.
        new: the name to write.

    Returns:
        The new text, and a line about each replaced value.
    """
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(old)}(?![A-Za-z0-9])")
    told: list[str] = []
    for key, node in reversed(list(_own_values(text))):
        begin, end = node.start_mark.index, node.end_mark.index
        fresh = word.sub(new, text[begin:end])
        if fresh != text[begin:end]:
            told.insert(0, f"{key}: {fresh} instead of {text[begin:end]}")
            text = text[:begin] + fresh + text[end:]
    comment = re.compile(rf"^(\s*#.*--stack ){re.escape(old)}(?![A-Za-z0-9-])", re.MULTILINE)
    return comment.sub(rf"\g<1>{new}", text), told


def _own_values(text: str) -> Iterator[tuple[str, yaml.ScalarNode]]:
    """The values that belong to one environment alone, in the order of the file."""
    root = yaml.compose(text, yaml.SafeLoader)
    for name, config in _pairs(root):
        if name != "config":
            continue
        for section, node in _pairs(config):
            wanted = _OWN_KEYS.get(section)
            if section in _OWN_KEYS:
                yield from _texts(section, node, wanted)


def _texts(
    path: str, node: yaml.Node, wanted: frozenset[str] | None
) -> Iterator[tuple[str, yaml.ScalarNode]]:
    for key, value in _pairs(node):
        if key in _SHARED_KEYS or (wanted is not None and key not in wanted):
            continue
        if isinstance(value, yaml.ScalarNode):
            yield f"{path}.{key}", value
        else:
            yield from _texts(f"{path}.{key}", value, None)


def _pairs(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in cast("list[tuple[yaml.ScalarNode, yaml.Node]]", node.value):
            yield key.value, value
