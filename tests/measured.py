"""Measurements, printed at the end of a run: goals are compared there, by people."""

__all__ = ["LINES", "measured"]

LINES: list[str] = []


def measured(line: str) -> None:
    """Keep one line for the end of the run."""
    LINES.append(line)
