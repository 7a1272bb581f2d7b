"""`python -m tests.soak`: run the tests marked `soak` once, and those marked `timed` ten times.

All share one environment, which is removed at the end. The whole takes sixty minutes at most, or
`--minutes`. A round begins only when there is time for one; a run that is under way when the time
is over is interrupted. The result is docs/results/soak.json: the version, the commit, what failed,
and how many rounds of the `timed` tests there was time for.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.soak.versions import CHECKOUT, RESULT, newest_version

LIMIT_MINUTES = 60.0
ROUNDS = 10
_JUDGED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
_ENVIRONMENT = {"SEAWALL_HOME": str(CHECKOUT / ".seawall-test")}


@dataclass
class Result:
    """The result of a soak; the fields are those of its file."""

    version: str
    commit: str
    date: str
    minutes: float = 0.0
    tests: int = 0
    timed_rounds: int = 0
    timed_rounds_wanted: int = ROUNDS
    run_once_more: int = 0
    """`timed` tests that were repeated, since the machine stood still."""
    failed: list[str] = field(default_factory=list[str])
    measured: list[str] = field(default_factory=list[str])

    def add(self, run: Mapping[str, Any]) -> None:
        self.tests += int(run["passed"]) + len(run["failed"])
        self.run_once_more += int(run["run_once_more"])
        self.failed += run["failed"]
        self.measured += run["measured"]


def main() -> int:
    """Run everything; the exit code is 1 if a test failed or did not run in time."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=LIMIT_MINUTES, help="the longest time")
    changelog = (CHECKOUT / "CHANGELOG.md").read_text("utf-8")
    ends = time.monotonic() + parser.parse_args().minutes * 60
    began = time.monotonic()
    describe = ["git", "-C", CHECKOUT, "describe", "--always", "--abbrev=12", "--dirty"]
    commit = subprocess.run(describe, capture_output=True, text=True, check=True).stdout.strip()
    today = datetime.now(UTC).date().isoformat()
    result = Result(newest_version(changelog) or "unreleased", commit, today)
    try:
        whole = _run("soak", ends, result)
        if whole:
            within = f"--rounds-within={_left_s(ends):.0f}"
            _run("timed and not soak and cluster", ends, result, f"--rounds={ROUNDS}", within)
    finally:
        seawall = CHECKOUT / ".venv" / "bin" / "seawall"
        subprocess.run(
            [seawall, "cluster", "down"], env={**os.environ, **_ENVIRONMENT}, check=False
        )
    if not whole:
        result.failed.append("the tests marked soak did not come to their end in time")
    result.minutes = round((time.monotonic() - began) / 60, 1)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(asdict(result), indent=2) + "\n", "utf-8")
    print(
        f"soak of {result.version}: {result.tests} tests, {len(result.failed)} failed,"
        f" {result.timed_rounds} of {ROUNDS} timed rounds, {result.minutes} min: {RESULT}"
    )
    return 1 if result.failed else 0


def _left_s(ends: float) -> float:
    return ends - time.monotonic()


def _run(marks: str, ends: float, result: Result, *rounds: str) -> bool:
    """Run the tests with these marks; return whether they completed in time."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.json"
        command = [sys.executable, "-m", "pytest", "-m", marks, f"--results={file}", *rounds]
        print(f"{_left_s(ends) / 60:.0f} min left; now the tests: {marks}", flush=True)
        running = subprocess.Popen(command, env={**os.environ, "SEAWALL_TEST_KEEP": "1"})
        try:
            running.wait(timeout=_left_s(ends))
            ended = True
        except subprocess.TimeoutExpired:
            _interrupt(running)
            ended = False
        if file.exists():
            run = json.loads(file.read_text("utf-8"))
            result.add(run)
            result.timed_rounds = run["rounds"] if rounds else 0
        if ended and running.returncode not in _JUDGED:
            result.failed.append(f"pytest -m '{marks}' ended with {running.returncode}")
            return False
    return ended


def _interrupt(running: subprocess.Popen[bytes]) -> None:
    """Interrupt pytest as Ctrl-C does; repeat if code under test has caught the signal."""
    while running.poll() is None:
        running.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(timeout=20)


if __name__ == "__main__":
    sys.exit(main())
