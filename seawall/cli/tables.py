"""Tables for people."""

from collections.abc import Sequence

from rich.table import Table

from seawall.cluster.interface import Part
from seawall.kit import Kit

__all__ = ["parts_table"]


def parts_table(kit: Kit, parts: Sequence[Part]) -> Table:
    """A cluster's machines and daemons."""
    table = Table(title=f"cluster {kit.instance.name} ({kit.instance.network})")
    for column in ("part", "", "detail"):
        table.add_column(column)
    for part in parts:
        table.add_row(part.name, "[green]ok" if part.ok else "[red]down", part.detail)
    return table
