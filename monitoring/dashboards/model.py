"""The model of a dashboard, independent of Grafana."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Board", "Mark", "Panel", "Query", "Row", "Unit"]


class Unit(StrEnum):
    """The unit of an axis, in Grafana's terms."""

    NUMBER = "short"
    PER_SECOND = "reqps"
    SECONDS = "s"
    SHARE = "percentunit"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, and the names of its series: Grafana replaces {{label}}."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel.

    Attributes:
        title: what it shows, in a few words.
        why: how to read it, for a person who sees it for the first time.
        unit: the unit of its axis.
        queries: the series that it draws.
        number: whether it shows only the current value instead of a curve.
    """

    title: str
    why: str
    unit: Unit
    queries: tuple[Query, ...]
    number: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """An event that is drawn in all panels, at the times when the query has a value."""

    title: str
    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard; its name is the file's name and never changes, because links contain it."""

    name: str
    title: str
    rows: tuple[Row, ...]
    marks: tuple[Mark, ...] = ()

    def queries(self) -> Iterator[tuple[str, Query]]:
        """Every query with the title of its panel or mark."""
        for row in self.rows:
            for panel in row.panels:
                yield from ((panel.title, query) for query in panel.queries)
        yield from ((mark.title, mark.query) for mark in self.marks)
