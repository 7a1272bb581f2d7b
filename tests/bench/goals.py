"""What the gateway should reach, as ratios between contestants of one run."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench.rounds import Figures

__all__ = ["GOALS", "Goal", "Verdict", "judge"]

TOLERANCE = 3.0
"""A run fails only that far from a goal: machines are noisy."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio of `figure` of `who` to that of `to`."""

    who: str
    figure: str
    to: str
    limit: float
    at_least: bool

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{self.who} {self.figure} {sign} {self.limit:g}x {self.to}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run says of a goal; None where a contestant did not run."""

    goal: Goal
    ratio: float | None

    @property
    def word(self) -> str:
        """For the table."""
        if self.ratio is None:
            return "not run"
        return "reached" if self._within(1.0) else "missed" if self.passes else "FAILED"

    @property
    def passes(self) -> bool:
        """Whether the run may pass; what was not run does not fail it, and is told."""
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
    """Each goal against the medians of a run."""

    def median(who: str, figure: str) -> float:
        return figures[who].by_name()[figure][0]

    return [
        Verdict(
            goal,
            median(goal.who, goal.figure) / median(goal.to, goal.figure)
            if goal.who in figures and goal.to in figures
            else None,
        )
        for goal in GOALS
    ]
