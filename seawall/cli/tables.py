"""Tables for people. What comes from a cluster is shown as it is: it is never Rich's markup."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seawall.cluster.interface import Part
from seawall.doctor import Finding, State
from seawall.status import Status

__all__ = ["parts_table", "print_findings", "print_status"]

_COLORS = {State.OK: "green", State.NOTE: "yellow", State.BAD: "red"}


def parts_table(place: str, parts: Sequence[Part]) -> Table:
    """A cluster's machines and daemons."""
    table = Table(title=Text(place))
    for column in ("part", "", "detail"):
        table.add_column(column)
    for part in parts:
        state = Text("ok", "green") if part.ok else Text("down", "red")
        table.add_row(Text(part.name), state, Text(part.detail))
    return table


def print_findings(findings: Sequence[Finding]) -> None:
    """What this machine has and lacks, and what to do about it."""
    table = Table(title=Text("this machine"), title_justify="left")
    for column in ("what", "", "seen", "to do"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        state = Text(finding.state.value, _COLORS[finding.state])
        table.add_row(Text(finding.what), state, Text(finding.seen), Text(finding.to_do))
    Console(highlight=False, markup=False).print(table)


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
