"""Writes the results of a test run to a file; `python -m tests.support.results` prints them.

A run with `--results=FILE` writes the number of passed tests, the failed tests, the number of
repeated tests, the seconds, the number of completed rounds (see tests.support.rounds), and the
measured lines.
"""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.measured import MEASURED
from tests.support import rounds
from tests.support.witness import REPEATED

__all__ = ["Results", "add_option"]

_MIN_S = 60


def add_option(parser: pytest.Parser) -> None:
    """Let pytest take `--results=FILE`.

    The option is one word: pytest takes a second word for a test path before it knows the option.
    """
    parser.addoption("--results", type=Path, help="write the results of the run to this file")


class Results:
    """Receives all reports of a run, and writes the file at the end of the run."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._began = time.monotonic()
        self._passed = 0
        self._failed: list[str] = []
        self._repeated = 0
        self._measured: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the result of one phase of a test."""
        self._passed += report.passed and report.when == "call"
        if report.failed:
            self._failed.append(report.nodeid)
        names = [name for name, _ in report.user_properties]
        self._repeated += REPEATED in names
        self._measured += [str(v) for name, v in report.user_properties if name == MEASURED]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the file."""
        document = {
            "passed": self._passed,
            "failed": self._failed,
            "run_once_more": self._repeated,
            "seconds": round(time.monotonic() - self._began, 1),
            "rounds": session.config.stash.get(rounds.DONE, 1),
            "measured": self._measured,
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Register where all reports arrive: in the only process, or in the controller of workers."""
    file = config.getoption("--results")
    if file is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Results(file), "results")


def main() -> int:
    """Print a table of the named files: part, tests, minutes."""
    total_tests, total_s = 0, 0.0
    print(f"{'part':12}{'tests':>8}{'minutes':>10}")
    for name in sys.argv[1:]:
        run: Mapping[str, Any] = json.loads(Path(name).read_text("utf-8"))
        tests = int(run["passed"]) + len(run["failed"])
        print(f"{Path(name).stem:12}{tests:8}{run['seconds'] / _MIN_S:10.1f}")
        total_tests, total_s = total_tests + tests, total_s + run["seconds"]
    print(f"{'all':12}{total_tests:8}{total_s / _MIN_S:10.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
