"""Records stalls of the machine, to tell whether a failed test may be blamed on the machine.

A thread wakes up fifty times a second and records each late wake-up. The report of a failure shows
the stalls during its test, the CPU time that the hypervisor stole, and the CPU pressure.

A test marked `timed` is judged by the clock. If it fails and the machine stalled for over a second
during the test, the test is repeated once. Other tests are never repeated. The closing lines count
the repetitions.
"""

import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

__all__ = ["REPEATED", "Stall", "Witness"]

EVERY_S = 0.02
NOTED_S = 0.2
LONG_S = 1.0
"""Seconds of a stall that excuse a failed `timed` test."""
REPEATED = "repeated"
"""The name of the report property with the reason for a repetition."""


@dataclass(frozen=True, slots=True)
class Stall:
    """The machine did not run this process for `seconds`, until the monotonic time `ended`."""

    ended: float
    seconds: float


class Witness:
    """Records the stalls of the machine in its own thread."""

    def __init__(self) -> None:
        self._stalls: list[Stall] = []
        self._thread = threading.Thread(target=self._record_stalls, daemon=True, name="witness")

    def start(self) -> None:
        """Start the thread, which ends with the process."""
        self._thread.start()

    def since(self, began: float) -> list[Stall]:
        """The stalls that ended after the monotonic time `began`."""
        return [stall for stall in self._stalls if stall.ended >= began]

    def _record_stalls(self) -> None:
        before = time.monotonic()
        while True:
            time.sleep(EVERY_S)
            now = time.monotonic()
            late = now - before - EVERY_S
            if late >= NOTED_S:
                self._stalls.append(Stall(now, late))
            before = now


_witness = Witness()


def _steal_s() -> float:
    """CPU seconds that the hypervisor has stolen since the machine booted."""
    fields = Path("/proc/stat").read_text("ascii").splitlines()[0].split()
    return int(fields[8]) / 100


def _pressure() -> str:
    file = Path("/proc/pressure/cpu")
    return file.read_text("ascii").splitlines()[0] if file.exists() else "unknown to this kernel"


def pytest_configure() -> None:
    """Start the witness before the first test."""
    _witness.start()


_BEGAN = pytest.StashKey[tuple[float, float]]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember the state of the machine at the start of the test."""
    item.stash[_BEGAN] = (time.monotonic(), _steal_s())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the state of the machine during the test to the report of a failure."""
    report = yield
    if report.failed:
        began, steal = item.stash[_BEGAN]
        stalls = [stall.seconds for stall in _witness.since(began)]
        machine_state = (
            f"{len(stalls)} stalls of over {NOTED_S:g} s,"
            f" the longest {max(stalls, default=0):.1f} s; "
            f"{_steal_s() - steal:.1f} s of processor time taken by the hypervisor; "
            f"pressure on processors: {_pressure()}"
        )
        report.sections.append(("the machine during this test", machine_state))
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test marked `timed`, and repeat it once if it failed while the machine stalled."""
    if item.get_closest_marker("timed") is None:
        return None
    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    began = time.monotonic()
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    longest = max((stall.seconds for stall in _witness.since(began)), default=0.0)
    if any(report.failed for report in reports) and longest >= LONG_S:
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        reason = f"{item.nodeid}: the machine stood still for {longest:.1f} s"
        reports[0].user_properties.append((REPEATED, reason))
    for report in reports:
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the number of repeated tests and the reasons."""
    reports = [
        report
        for kind in ("passed", "failed", "error", "")
        for report in terminalreporter.getreports(kind)
        if isinstance(report, pytest.TestReport)
    ]
    reasons = [str(value) for r in reports for name, value in r.user_properties if name == REPEATED]
    terminalreporter.write_line(f"run once more, since the machine stood still: {len(reasons)}")
    for line in reasons:
        terminalreporter.write_line(f"  {line}")
