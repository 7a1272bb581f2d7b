"""Runs the read-only commands of every runbook unchanged against the live environment."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from seawall.common.wait import TimedOutError, wait_until
from tests.conftest import CHECKOUT, Environment

PAGES = sorted((CHECKOUT / "runbooks").glob("*.md"))
STEP = re.compile(r"```sh\n(?P<commands>.*?)```\s*Expected: `(?P<expected>[^`]+)`", re.DOTALL)
QUERY = re.compile(r"seawall query '([^']+)'")
NOTHING = (
    "",
    "\n",
    "0\n",
    "no series\n",
    '{"status":"success","data":{"resultType":"vector","result":[]}}',
)
"""Outputs of a command that has found nothing."""


def first_steps(page: Path) -> list[tuple[str, str]]:
    section = page.read_text().split("## First 2 minutes")[1].split("\n## ")[0]
    return [(m["commands"].strip(), m["expected"]) for m in STEP.finditer(section)]


def found(expected: str, printed: str) -> bool:
    """Whether the expected text is in one of the lines."""
    return re.search(expected, printed, re.MULTILINE) is not None


each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@each_page
def test_runbook_has_three_first_steps_with_expected_output(page: Path) -> None:
    assert len(first_steps(page)) == 3


@each_page
def test_expected_output_never_matches_an_empty_result(page: Path) -> None:
    for commands, expected in first_steps(page):
        assert "success" not in expected, f"{commands}: an empty answer is one, too"
        for nothing in NOTHING:
            assert not found(expected, nothing), f"{commands}: {nothing!r} would do"
        if "seawall query" in commands:
            assert re.search(r"\\} .*\d", expected), f"{commands}: expects no value of a series"


@each_page
def test_runbook_uses_the_environment_in_seawall_env(page: Path) -> None:
    text = page.read_text()
    first = text.split("## First 2 minutes")[1].split("```")[0]
    assert "export SEAWALL_ENV=" in first
    assert not re.search(r"-n seawall\b|namespaces/seawall", text), "one environment's namespace"
    assert "/proxy/" not in text
    assert "|| true" not in text, "a step that cannot fail"


@each_page
def test_runbook_queries_are_valid_and_select_a_seawall_job_or_slo(
    page: Path, tmp_path: Path
) -> None:
    queries = QUERY.findall(page.read_text())
    for query in queries:
        for series in re.findall(r"\b(?:seawall|redis|slo|probe)[_:][\w:]+(.?)", query):
            assert series == "{", f"{query}: of whatever job"
        assert re.search(r'\{(job="seawall-|slo=")', query), query
    rules = [{"record": "asked", "expr": query} for query in queries]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "asked", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", "--lint=none", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.cluster
@each_page
def test_first_steps_print_the_expected_output(environment: Environment, page: Path) -> None:
    chosen = {
        **environment.variables,
        "SEAWALL_ENV": "local",
        "PATH": f"{CHECKOUT / '.venv' / 'bin'}:{os.environ['PATH']}",
    }
    for commands, expected in first_steps(page):
        run_until_it_prints(commands, expected, chosen)


def run_until_it_prints(commands: str, expected: str, variables: dict[str, str]) -> None:
    """Repeat for a minute, because a fresh Prometheus needs that long to compute rates."""
    printed: list[str] = []

    def prints() -> bool:
        done = subprocess.run(
            ["sh", "-ec", commands],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{commands}: {done.stderr}"
        printed[:] = [done.stdout]
        return found(expected, done.stdout)

    try:
        wait_until(prints, deadline_s=60, what=expected, interval_s=2)
    except TimedOutError as late:
        raise AssertionError(f"{commands}: printed {printed}") from late
