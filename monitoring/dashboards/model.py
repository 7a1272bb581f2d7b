"""What a dashboard is, without a word of Grafana's."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Board", "Mark", "Panel", "Query", "Row", "Unit"]


class Unit(StrEnum):
    """What an axis counts, in Grafana's words."""

    NUMBER = "short"
    PER_SECOND = "reqps"
    SECONDS = "s"
    SHARE = "percentunit"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, and how its series are called: Grafana fills in {{label}}."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture.

    Attributes:
        title: what it shows, in a few words.
        why: what to see in it, for whoever looks for the first time.
        unit: of its axis.
        queries: what is drawn.
        number: one figure of now in place of a curve.
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
    """An event that is drawn through all panels: where the query has a value."""

    title: str
    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard; its name is the file's and never changes, since links hold it."""

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
