"""An environment is a file: no code branches on its name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.environments import CHECKOUT, ENVIRONMENTS

ROOMS = ("infra", "seawall")
ALLOWED = {
    # A keyword of the program `ip`.
    "seawall/testbed/cluster/network.py": {"dev"},
    # The default environment without SEAWALL_ENV, like the default of an argument.
    "seawall/cli/passthrough.py": {"local"},
    # The value of GOTOOLCHAIN for the installed toolchain.
    "seawall/testbed/toolchain/go.py": {"local"},
}


def names_in(source: str) -> Iterator[str]:
    """The environment names that are complete string literals in the code.

    The default of a command's argument is allowed: a user can pass another value.
    """
    tree = list(ast.walk(ast.parse(source)))
    arguments = [node for node in tree if isinstance(node, ast.arguments)]
    defaults = [item for node in arguments for item in (*node.defaults, *node.kw_defaults)]
    for node in tree:
        if isinstance(node, ast.Constant) and node.value in ENVIRONMENTS and node not in defaults:
            yield node.value


def files() -> list[Path]:
    return sorted(path for room in ROOMS for path in (CHECKOUT / room).rglob("*.py"))


def test_search_covers_the_expected_source_files() -> None:
    names = {path.relative_to(CHECKOUT).as_posix() for path in files()}
    assert {"infra/stack.py", "seawall/engine/stack.py", *ALLOWED} <= names


@pytest.mark.parametrize("room", ROOMS)
def test_no_code_mentions_an_environment_name(room: str) -> None:
    found: dict[str, set[str]] = {}
    for path in files():
        place = path.relative_to(CHECKOUT).as_posix()
        names = set(names_in(path.read_text(encoding="utf-8"))) - ALLOWED.get(place, set())
        if place.startswith(f"{room}/") and names:
            found[place] = names
    assert found == {}, "make it a value of the configuration"


def test_search_finds_a_comparison_with_an_environment_name() -> None:
    assert list(names_in('protect = stack == "prod"')) == ["prod"]
    assert list(names_in('"""For prod."""')) == []
    assert list(names_in('def up(env: str = "prod", *, other: str = "dev"): ...')) == []
