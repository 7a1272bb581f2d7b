"""The goals of the gateway, as ratios between contestants of one run."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench.rounds import Figures

__all__ = ["GOALS", "Goal", "Verdict", "judge"]

TOLERANCE = 3.0
"""A run fails only if it misses a goal by this factor, since machines are noisy."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit for the ratio of `figure` of `contestant` to that of `reference`."""

    contestant: str
    figure: str
    reference: str
    limit: float
    at_least: bool

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{self.contestant} {self.figure} {sign} {self.limit:g}x {self.reference}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a run for a goal; the ratio is None if a contestant did not run."""

    goal: Goal
    ratio: float | None

    @property
    def word(self) -> str:
        """The verdict as shown in the table."""
        if self.ratio is None:
            return "not run"
        return "reached" if self._within(1.0) else "missed" if self.passes else "FAILED"

    @property
    def passes(self) -> bool:
        """Whether the run may pass. A goal without a measurement passes, as the table shows."""
        return self._within(TOLERANCE)

    def _within(self, tolerance: float) -> bool:
        if self.ratio is None:
            return True
        if self.goal.at_least:
            return self.ratio >= self.goal.limit / tolerance
        return self.ratio <= self.goal.limit * tolerance


GOALS = (
    Goal("bare", "cpu_ms", "raw", 2.0, at_least=False),
    Goal("bare", "per_s", "litellm", 35.0, at_least=True),
    Goal("bare", "per_s", "portkey", 4.0, at_least=True),
    Goal("governed", "cpu_ms", "raw", 3.0, at_least=False),
)


def judge(figures: Mapping[str, Figures]) -> list[Verdict]:
    """Compare the medians of a run with each goal."""

    def median(contestant: str, figure: str) -> float:
        return figures[contestant].by_name()[figure][0]

    return [
        Verdict(
            goal,
            median(goal.contestant, goal.figure) / median(goal.reference, goal.figure)
            if goal.contestant in figures and goal.reference in figures
            else None,
        )
        for goal in GOALS
    ]
