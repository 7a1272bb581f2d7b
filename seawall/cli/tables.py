"""Tables for people. What comes from a cluster is shown as it is: it is never Rich's markup."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seawall.cluster.interface import Part
from seawall.kit import Kit
from seawall.status import Status

__all__ = ["parts_table", "print_status"]


def parts_table(kit: Kit, parts: Sequence[Part]) -> Table:
    """A cluster's machines and daemons."""
    table = Table(title=Text(f"cluster {kit.instance.name} ({kit.instance.network})"))
    for column in ("part", "", "detail"):
        table.add_column(column)
    for part in parts:
        state = Text("ok", "green") if part.ok else Text("down", "red")
        table.add_row(Text(part.name), state, Text(part.detail))
    return table


def print_status(found: Status) -> None:
    """One environment: its workloads, and what is wrong."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    table = Table(title=Text(f"{found.env}: {found.place}"), title_justify="left")
    for column in ("workload", "ready", "restarts", "image"):
        table.add_column(column, overflow="fold")
    for row in found.rows:
        color = "green" if row.ready == row.wanted else "red"
        ready = Text(f"{row.ready}/{row.wanted}", color)
        images = Text(", ".join(row.images))
        table.add_row(Text(row.title), ready, str(row.restarts), images)
    console.print(table)
    if "gateway_url" in found.outputs:
        console.print(f"gateway url: {found.outputs['gateway_url']}")
    for problem in found.problems:
        console.print(Text(problem, "red"))
