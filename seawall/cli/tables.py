"""Tables for people. What comes from a cluster is shown as it is: it is never Rich's markup."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seawall.cluster.interface import Part
from seawall.doctor import Finding, State
from seawall.status import Status
from seawall.watched import Watched

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
    if found.watched:
        _print_watched(console, found.watched)
    else:
        console.print(f"not watched: {found.unwatched}")
    console.print(f"last backup: {found.backup}")
    if "gateway_url" in found.outputs:
        console.print(f"gateway url: {found.outputs['gateway_url']}")
    for problem in found.problems:
        console.print(Text(problem, "red"))


def _print_watched(console: Console, watched: Watched) -> None:
    """Breakers, Redis, Sentinel, the objective's budget, and what fires."""
    not_closed = {name: state for name, state in watched.breakers.items() if state != "closed"}
    states = ", ".join(f"{name} {state}" for name, state in not_closed.items())
    line = states or f"all {len(watched.breakers)} closed"
    console.print(Text(f"breakers: {line}", "red" if not_closed else "green"))
    masters = sum(pod.role == "master" for pod in watched.redis)
    pods = ", ".join(
        f"{pod.pod} {pod.role}" + ("" if pod.lag_s is None else f" ({pod.lag_s:g} s behind)")
        for pod in watched.redis
    )
    console.print(Text(f"redis: {pods or 'unknown'}", "green" if masters == 1 else "red"))
    quorum = {True: "quorum", False: "NO QUORUM", None: "quorum unknown"}[watched.quorum]
    console.print(
        Text(f"sentinels: {watched.sentinels}, {quorum}", "" if watched.quorum else "red")
    )
    budget = "no requests yet" if watched.budget is None else f"{watched.budget:.1%} left"
    console.print(f"error budget of {watched.objective:.1%} in 30 days: {budget}")
    for alert in watched.alerts:
        console.print(Text(f"{alert.severity}: {alert.name}: {alert.summary}", "bold red"))
        console.print(f"  {alert.runbook}")
    if not watched.alerts:
        console.print(Text("no alert fires", "green"))
