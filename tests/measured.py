"""Measurements that are printed at the end of a run, where people compare them with the goals.

Lines travel with the test reports, so that lines of other processes arrive too.
"""

from collections.abc import Generator

import pytest

__all__ = ["MEASURED", "measured"]

MEASURED = "measured"
"""The name of the report property that holds a line."""
_new: list[str] = []


def measured(line: str) -> None:
    """Keep one line for the end of the run."""
    _new.append(line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    report.user_properties = [*report.user_properties, *((MEASURED, line) for line in _new)]
    _new.clear()
    return report


class _Lines:
    """The lines of all tests, in the order in which the tests ended."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._lines += [str(line) for name, line in report.user_properties if name == MEASURED]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._lines:
            terminalreporter.section("measured")
            for line in self._lines:
                terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Lines(), "measured-lines")
