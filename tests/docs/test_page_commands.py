"""Every command in getting-started and the how-to pages is run by a test, or named here."""

import re
import shlex

import typer.main
from typer.core import TyperCommand, TyperGroup

from seawall.cli.app import app
from tests.support.page_commands import CHECKOUT, PAGES, commands

RUN_ON_A_CLUSTER = {"getting-started.md", "api-keys-and-budgets.md", "alerts-and-dashboards.md"}
"""Pages whose commands tests/cluster/test_page_commands.py runs."""
NEED_MORE_THAN_THIS_MACHINE = ("docker build ", "pulumi ")
"""A registry, and an account with a bucket and a key."""


def test_every_command_is_run_or_cannot_be() -> None:
    for page in PAGES:
        if page.name in RUN_ON_A_CLUSTER:
            continue
        for command in commands(page):
            is_known = command.startswith(("make ", ".venv/bin/seawall "))
            assert is_known or command.startswith(NEED_MORE_THAN_THIS_MACHINE), (
                f"{page.name}: {command}: run it in tests/cluster/test_page_commands.py"
            )


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    named = {
        word
        for page in PAGES
        for command in commands(page)
        if command.startswith("make ")
        for word in command.split()[1:]
        if "=" not in word
    }
    assert {"up", "down", "check"} <= named
    assert named <= targets


def test_arguments_of_seawall_are_accepted() -> None:
    seen = 0
    for page in PAGES:
        for command in commands(page):
            first, *words = shlex.split(command)
            if first.endswith("seawall"):
                seen += 1
                parse(words)
    assert seen > 4


def parse(words: list[str]) -> None:
    """Parse the arguments of `seawall` without running the command; an error exits."""
    found: object = typer.main.get_group(app)
    while isinstance(found, TyperGroup):
        name, *words = words
        found = found.commands[name]
    assert isinstance(found, TyperCommand)
    found.make_context(found.name, words)
