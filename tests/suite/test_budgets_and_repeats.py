"""A room above its budget fails the run; tests are repeated only after a machine stall."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.support.witness import LONG_S

pytestmark = [pytest.mark.servers]

STALL_S = 2 * LONG_S
PLUGINS = """
import json, os, subprocess, sys, time
from pathlib import Path
import pytest
from tests.support import spending, witness

spending._CHECKOUT = Path(__file__).parents[1]
spending._BUDGETS = spending._CHECKOUT / "budgets.toml"

def pytest_configure(config):
    config.addinivalue_line("markers", "timed: judged by the clock")
    config.pluginmanager.register(spending)
    config.pluginmanager.register(witness)
"""
STARTS = """
import subprocess, sys
def test_that_starts_a_program():
    subprocess.run(["true"], check=True)
"""
FAILS_ONCE = """
import os, pytest, signal, subprocess, time
from pathlib import Path
{mark}
def test_that_fails_at_first():
    again = Path(__file__).with_name("ran")
    if not again.exists():
        again.touch()
        if {stall}:
            # Somebody stops this process, as a machine that stands still does.
            command = "sleep 0.1; kill -STOP $0; sleep {stall}; kill -CONT $0"
            waker = subprocess.Popen(["sh", "-c", command, str(os.getpid())])
            end = time.monotonic() + 0.5
            while time.monotonic() < end:
                pass
            waker.wait()
        pytest.fail("at first")
"""


def run(folder: Path, test: str, budgets: str) -> subprocess.CompletedProcess[str]:
    """Run a separate pytest on one test file, in a room named `room`."""
    room = folder / "tests" / "room"
    room.mkdir(parents=True)
    (folder / "budgets.toml").write_text(budgets)
    (folder / "tests" / "conftest.py").write_text(PLUGINS)
    (room / "test_it.py").write_text(test)
    (folder / "pytest.ini").write_text("[pytest]\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "pytest.ini", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("allowed", [0, 1])
def test_run_above_its_process_budget_fails(tmp_path: Path, allowed: int) -> None:
    done = run(tmp_path, STARTS, f"[check.room]\nseconds = 5\nprocesses = {allowed}\n")
    assert "1 passed" in done.stdout
    told = "over budget: check/room: 1 processes, the budget is 0" in done.stdout
    assert (done.returncode == 1, told) == ((True, True) if allowed == 0 else (False, False))


def test_run_without_a_budget_fails(tmp_path: Path) -> None:
    done = run(tmp_path, STARTS, "")
    assert done.returncode == 1
    assert "check/room has no budget" in done.stdout


@pytest.mark.parametrize(
    ("mark", "stall_s", "passes"),
    [
        ("@pytest.mark.timed", STALL_S, True),
        ("@pytest.mark.timed", 0, False),
        ("", STALL_S, False),
    ],
    ids=["timed and stalled", "timed", "stalled"],
)
def test_timed_test_is_repeated_once_after_a_stall_of_the_machine(
    tmp_path: Path,
    mark: str,
    stall_s: float,
    passes: bool,  # noqa: FBT001 - a parameter
) -> None:
    test = FAILS_ONCE.format(mark=mark, stall=stall_s)
    done = run(tmp_path, test, "[check.room]\nseconds = 60\nprocesses = 9\n")
    assert (done.returncode == 0) is passes, done.stdout
    assert f"since the machine stood still: {int(passes)}" in done.stdout
    if not passes:
        assert "the machine during this test" in done.stdout
    if stall_s and not passes:
        assert "1 stalls of over" in done.stdout
