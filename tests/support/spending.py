"""Compares what each room of tests spends with its budget in tests/budgets.toml.

A room is one part of the suite in one test folder, such as `check/service`. The marker of a test
decides its part. A Python audit hook counts the programs that the test process starts; programs
that those start in turn are not counted. Counts are the same on every machine, so a count above its
budget fails the run. Seconds depend on the machine, so they fail only at three times their budget.
"""

import sys
import tomllib
from collections import Counter
from collections.abc import Generator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest

from tests.support import rounds

KINDS = ("processes", "gateways", "pulumi_runs", "cluster_starts")
LENIENCE = 3
_CHECKOUT = Path(__file__).resolve().parents[2]
_BUDGETS = _CHECKOUT / "tests" / "budgets.toml"
_POLLING_PROGRAMS = {"kubectl"}
"""Programs that tests poll with: their count depends on the speed of the machine."""
_PULUMI_VERBS = {"up", "preview", "refresh", "destroy"}
_PROPERTY = "spent"

_spent: Counter[str] = Counter()
"""What this process has spent since the start of the current test."""


def _part_of(item: pytest.Item) -> str:
    """The part of the suite that a test belongs to: check, engine, own, cluster or soak."""
    parts = ("soak", "own", "cluster", "engine")
    return next((part for part in parts if item.get_closest_marker(part)), "check")


def _count_program(event: str, arguments: tuple[object, ...]) -> None:
    if event == "subprocess.Popen":
        words = [str(word) for word in cast("list[object]", arguments[1])]
        _spent["processes"] += Path(words[0]).name not in _POLLING_PROGRAMS
        _spent.update(_kinds_of(words))


def _kinds_of(words: list[str]) -> list[str]:
    """The further kinds that a command line counts as, in addition to a process."""
    names = [Path(word).name for word in words]
    kinds: list[str] = []
    if any(a == "-m" and b == "service" for a, b in pairwise(words)):
        kinds.append("gateways")
    if names[0] == "pulumi" and _PULUMI_VERBS & {*words[1:3]}:
        kinds.append("pulumi_runs")
    if "seawall" in names and words[names.index("seawall") + 1 :][:2] in (
        ["up"],
        ["cluster", "up"],
    ):
        kinds.append("cluster_starts")
    return kinds


sys.addaudithook(_count_program)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach what a test phase spent to its report, which travels between processes."""
    del call
    report = yield
    spent = {**_spent, "room": f"{_part_of(item)}/{_folder(item)}"}
    _spent.clear()
    report.user_properties = [*report.user_properties, (_PROPERTY, spent)]
    return report


def _folder(item: pytest.Item) -> str:
    inside = item.path.relative_to(_CHECKOUT / "tests").parts
    return inside[0] if len(inside) > 1 else "tests"


class _Room:
    """The spending and the budget of one room."""

    def __init__(self, name: str, budget: Mapping[str, float] | None) -> None:
        self._name = name
        self._budget = budget or {}
        self._missing = budget is None
        self._counts: Counter[str] = Counter()
        self._tests = 0
        self._seconds = 0.0

    def add(self, report: pytest.TestReport, counts: Mapping[str, int]) -> None:
        self._counts.update(counts)
        self._tests += report.when == "call"
        self._seconds += report.duration

    def row(self) -> list[str]:
        """The cells of the room's table row."""
        seconds = f"{self._seconds:.0f}/{self._budget.get('seconds', 0)}"
        counts = (f"{self._counts[kind]}/{self._budget.get(kind, 0)}" for kind in KINDS)
        return [self._name, str(self._tests), seconds, *counts]

    def over_budget(self) -> list[str]:
        """One line for each exceeded budget."""
        if self._missing:
            return [f"{self._name} has no budget: give it one in {_BUDGETS.name}"]
        over = [
            f"{self._name}: {self._counts[kind]} {kind.replace('_', ' ')},"
            f" the budget is {self._budget.get(kind, 0)}"
            for kind in KINDS
            if self._counts[kind] > self._budget.get(kind, 0)
        ]
        if self._seconds > LENIENCE * self._budget.get("seconds", 0):
            over.append(f"{self._name}: {self._seconds:.0f} s, over {LENIENCE} times its budget")
        return over


class _Table:
    """The table of all rooms; it exists only in the process that receives all reports."""

    def __init__(self) -> None:
        self._rooms: dict[str, _Room] = {}
        self._budgets = cast(
            "dict[str, dict[str, dict[str, float]]]", tomllib.loads(_BUDGETS.read_text("utf-8"))
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        spent = dict(cast("Mapping[str, object]", dict(report.user_properties)[_PROPERTY]))
        name = str(spent.pop("room"))
        if name not in self._rooms:
            part, folder = name.split("/")
            self._rooms[name] = _Room(name, self._budgets.get(part, {}).get(folder))
        self._rooms[name].add(report, cast("Mapping[str, int]", spent))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._over_budget() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("rooms: what each spent, and of what budget")
        headings = ["room", "tests", "seconds", *(kind.replace("_", " ") for kind in KINDS)]
        for row in [headings, *(room.row() for _, room in sorted(self._rooms.items()))]:
            terminalreporter.write_line(f"{row[0]:20}" + "".join(f"{c:>15}" for c in row[1:]))
        for line in self._over_budget():
            terminalreporter.write_line(f"over budget: {line}", red=True)

    def _over_budget(self) -> list[str]:
        return [line for room in self._rooms.values() for line in room.over_budget()]


def pytest_configure(config: pytest.Config) -> None:
    """Sum up where all reports arrive: in the only process, or in the controller of workers.

    A budget applies to one round.
    """
    if not hasattr(config, "workerinput") and config.getoption(rounds.ROUNDS, None) is None:
        config.pluginmanager.register(_Table(), "spending-table")
