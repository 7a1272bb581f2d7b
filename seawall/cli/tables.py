"""Tables for people."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from seawall.cluster.interface import Part
from seawall.kit import Kit
from seawall.status import Status

__all__ = ["parts_table", "print_status"]


def parts_table(kit: Kit, parts: Sequence[Part]) -> Table:
    """A cluster's machines and daemons."""
    table = Table(title=f"cluster {kit.instance.name} ({kit.instance.network})")
    for column in ("part", "", "detail"):
        table.add_column(column)
    for part in parts:
        table.add_row(part.name, "[green]ok" if part.ok else "[red]down", part.detail)
    return table


def print_status(found: Status) -> None:
    """One environment: its workloads, and what is wrong."""
    console = Console(soft_wrap=True, highlight=False)
    table = Table(title=f"{found.env}: {found.place}", title_justify="left")
    for column in ("workload", "ready", "restarts", "image"):
        table.add_column(column, overflow="fold")
    for row in found.rows:
        color = "green" if row.ready == row.wanted else "red"
        ready = f"[{color}]{row.ready}/{row.wanted}"
        table.add_row(row.title, ready, str(row.restarts), ", ".join(row.images))
    console.print(table)
    for name in ("gateway_url", "redis_master"):
        if name in found.outputs:
            console.print(f"{name.replace('_', ' ')}: {found.outputs[name]}")
    for problem in found.problems:
        console.print(f"[red]{problem}")
