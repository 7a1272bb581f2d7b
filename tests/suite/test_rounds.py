"""Each round sets up module fixtures again, and keeps session fixtures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

pytestmark = [pytest.mark.servers]

PLUGINS = """
from tests.support import results, rounds

def pytest_addoption(parser):
    results.add_option(parser)
    rounds.add_options(parser)

def pytest_configure(config):
    config.pluginmanager.register(rounds)
    config.pluginmanager.register(results)
"""
TESTS = """
import pytest
from pathlib import Path

def note(word):
    with Path("noted").open("a") as noted:
        noted.write(word + " ")

@pytest.fixture(scope="session")
def session():
    note("session")

@pytest.fixture(scope="module")
def module(session):
    note("module")

def test_that_passes(module):
    note("test")

def test_that_fails(module):
    pytest.fail("on purpose")
"""


@pytest.mark.parametrize(("within_s", "rounds"), [(60, 3), (0, 1)])
def test_rounds_run_while_time_is_left(tmp_path: Path, within_s: int, rounds: int) -> None:
    (tmp_path / "conftest.py").write_text(PLUGINS)
    (tmp_path / "test_it.py").write_text(TESTS)
    options = ("--rounds=3", f"--rounds-within={within_s}", "--results=run.json")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", os.devnull, "-p", "no:cacheprovider", *options],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    noted = (tmp_path / "noted").read_text().split()
    assert noted == ["session", *["module", "test"] * rounds]
    run = json.loads((tmp_path / "run.json").read_text())
    assert (run["rounds"], run["passed"], len(run["failed"])) == (rounds, rounds, rounds)
