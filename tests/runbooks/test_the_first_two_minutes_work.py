"""The read-only commands of every runbook, run against the live environment as they are written."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, Environment

PAGES = sorted((CHECKOUT / "runbooks").glob("*.md"))
STEP = re.compile(r"```sh\n(?P<commands>.*?)```\s*Expected: `(?P<expected>[^`]+)`", re.DOTALL)


def first_steps(page: Path) -> list[tuple[str, str]]:
    section = page.read_text().split("## First 2 minutes")[1].split("\n## ")[0]
    return [(m["commands"].strip(), m["expected"]) for m in STEP.finditer(section)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_three_first_steps_that_say_what_to_expect(page: Path) -> None:
    assert len(first_steps(page)) == 3


@pytest.mark.cluster
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_first_steps_print_what_the_page_expects(environment: Environment, page: Path) -> None:
    path = f"{CHECKOUT / '.venv' / 'bin'}:{os.environ['PATH']}"
    for commands, expected in first_steps(page):
        done = subprocess.run(
            ["sh", "-ec", commands],
            env={**os.environ, **environment.variables, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{commands}: {done.stderr}"
        assert re.search(expected, done.stdout), f"{commands}: printed {done.stdout!r}"
