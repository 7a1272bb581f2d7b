"""Names of environments: their valid form, and where an environment's file contains them."""

import re
from collections.abc import Iterator
from typing import cast

import yaml

from seawall.common.errors import UsageError

__all__ = ["check_env_name", "renamed"]

_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")
_OWN_FOLDERS = frozenset({"passphrase", "pulumi-home", "state"})
"""The kit's own entries in its state folder, next to one folder for each environment."""
_OWN_KEYS = {
    "seawall:secret_store": None,
    "seawall:backup": frozenset({"prefix"}),
}
"""Sections with values that belong to one environment only, and their keys; None: all keys."""
_SHARED_KEYS = frozenset({"auth_mount", "kind", "mount", "refresh", "region", "server"})
"""Keys in these sections that name something shared by environments, or that are no names."""


def check_env_name(name: str) -> None:
    """Refuse an invalid name of an environment: file, folder and stack names contain it.

    Raises:
        UsageError: the name has another form, or the kit uses it for one of its own folders.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"environment {name!r}: a name has small letters, digits and dashes, begins with a "
            "letter, ends with a letter or digit, and is 2 to 40 characters long"
        )
    if name in _OWN_FOLDERS:
        raise UsageError(
            f"environment {name!r}: the kit uses this name itself; choose another name than "
            f"{', '.join(sorted(_OWN_FOLDERS))}"
        )


def renamed(text: str, old: str, new: str) -> tuple[str, list[str]]:
    """Replace the name of an environment in the parts of its file that belong to it only.

    These parts are the paths and roles of the secret store, the prefix of the backup, and
    `--stack <name>` in comments. Only whole words are replaced; the rest of the text is unchanged.

    Args:
        text: YAML that the strict loader accepts.
        old: the current name.
        new: the new name.

    Returns:
        The new text, and a line about each replaced value.
    """
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(old)}(?![A-Za-z0-9])")
    changes: list[str] = []
    for key, node in reversed(list(_own_values(text))):
        begin, end = node.start_mark.index, node.end_mark.index
        fresh = word.sub(new, text[begin:end])
        if fresh != text[begin:end]:
            changes.insert(0, f"{key}: {fresh} instead of {text[begin:end]}")
            text = text[:begin] + fresh + text[end:]
    comment = re.compile(rf"^(\s*#.*--stack ){re.escape(old)}(?![A-Za-z0-9-])", re.MULTILINE)
    return comment.sub(rf"\g<1>{new}", text), changes


def _own_values(text: str) -> Iterator[tuple[str, yaml.ScalarNode]]:
    """The values that belong to one environment only, in the order of the file."""
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
