"""Tables for people. Text from a cluster is shown literally, never parsed as Rich markup."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seawall.ops.doctor import Finding, State
from seawall.ops.environment_metrics import Monitored, RedisPod
from seawall.ops.status import Status
from seawall.testbed.cluster.interface import Part

__all__ = ["monitored_lines", "parts_table", "print_findings", "print_status"]

_COLORS = {State.OK: "green", State.NOTE: "yellow", State.BAD: "red"}
_WELL, _UNKNOWN, _WRONG = "green", "yellow", "red"


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
    """Print the findings about this machine, and what to do about each."""
    table = Table(title=Text("this machine"), title_justify="left")
    for column in ("what", "", "seen", "to do"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        state = Text(finding.state.value, _COLORS[finding.state])
        table.add_row(Text(finding.what), state, Text(finding.seen), Text(finding.to_do))
    Console(highlight=False, markup=False).print(table)


def print_status(found: Status) -> None:
    """Print one environment: its workloads, and what is wrong."""
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
    if found.monitored:
        for line in monitored_lines(found.monitored, found.redis_pods):
            console.print(line)
    else:
        console.print(Text(f"not monitored: {found.unmonitored}", _UNKNOWN))
    console.print(f"last backup: {found.backup}")
    if "gateway_url" in found.outputs:
        console.print(f"gateway url: {found.outputs['gateway_url']}")
    for problem in found.problems:
        console.print(Text(problem, "red"))


def monitored_lines(monitored: Monitored, redis_pods: int | None) -> Iterator[Text]:
    """Lines about breakers, Redis, Sentinel, the error budget and alerts.

    Green is healthy, yellow is unknown or pending, red is broken.
    """
    yield _breakers_line(monitored.breakers)
    yield _redis_line(monitored.redis, redis_pods)
    yield _sentinels_line(monitored, redis_pods)
    budget = monitored.budget
    if budget is None:
        left = "unknown: no request was counted"
    else:
        left = f"{budget:.1%} left" if budget >= 0 else f"{1 - budget:.1f} times used up"
    color = _UNKNOWN if budget is None else _WELL if budget > 0 else _WRONG
    yield Text(f"error budget of {monitored.objective:.1%} in 30 days: {left}", color)
    yield from _alert_lines(monitored)


def _breakers_line(breakers: Mapping[str, str] | None) -> Text:
    if breakers is None:
        return Text("breakers: unknown", _UNKNOWN)
    not_closed = [f"{name} {state}" for name, state in breakers.items() if state != "closed"]
    line = ", ".join(not_closed) or f"all {len(breakers)} closed"
    return Text(f"breakers: {line}", _WRONG if not_closed else _WELL)


def _redis_line(pods: Sequence[RedisPod] | None, wanted: int | None) -> Text:
    if pods is None:
        return Text("redis: unknown", _UNKNOWN)
    up = sum(pod.up for pod in pods)
    line = f"redis: {up} of {'unknown' if wanted is None else wanted} answer: "
    line += ", ".join(map(_redis_words, pods))
    masters = sum(pod.role == "master" for pod in pods)
    broken = any(not pod.up or pod.link_up is False for pod in pods)
    if masters != 1 or broken or (wanted is not None and up < wanted):
        return Text(line, _WRONG)
    replicas = [pod for pod in pods if pod.role != "master"]
    known = wanted is not None and all(pod.link_up is not None for pod in replicas)
    return Text(line, _WELL if known else _UNKNOWN)


def _redis_words(pod: RedisPod) -> str:
    if not pod.up:
        return f"{pod.pod} does not answer"
    line = f"{pod.pod} {pod.role or 'of unknown role'}"
    if pod.role == "master":
        return line
    match pod.link_up:
        case None:
            return f"{line} (link to its master unknown)"
        case False:
            return f"{line} (LINK TO ITS MASTER DOWN)"
        case True:
            since = "" if pod.lag_s is None else f", lag {pod.lag_s:g} s"
            return f"{line} (linked to its master{since})"


def _sentinels_line(monitored: Monitored, wanted: int | None) -> Text:
    count = monitored.sentinels
    quorum = {True: "quorum", False: "NO QUORUM", None: "quorum unknown"}[monitored.quorum]
    if count is None:
        line = f"sentinels: unknown, {quorum}"
    else:
        line = f"sentinels: {count} of {'unknown' if wanted is None else wanted} answer, {quorum}"
    missing = count is not None and wanted is not None and count < wanted
    if missing or monitored.quorum is False:
        return Text(line, _WRONG)
    return Text(line, _UNKNOWN if None in (count, wanted, monitored.quorum) else _WELL)


def _alert_lines(monitored: Monitored) -> Iterator[Text]:
    """Firing alerts, then pending alerts, then alerts whose state is unknown."""
    alerts = monitored.alerts or ()
    for alert in sorted(alerts, key=lambda one: one.state != "firing"):
        firing = alert.state == "firing"
        state = "" if firing else f" ({alert.state})"
        text = f"{alert.severity}: {alert.name}{state}: {alert.summary}"
        yield Text(text, f"bold {_WRONG}" if firing else _UNKNOWN)
        yield Text(f"  {alert.runbook}")
    if monitored.alerts is None:
        yield Text("alerts: unknown: no bundled rule was evaluated in the last minute", _UNKNOWN)
    elif monitored.unevaluated:
        names = ", ".join(monitored.unevaluated)
        yield Text(f"alerts: unknown, not evaluated in the last minute: {names}", _UNKNOWN)
    elif not any(alert.state == "firing" for alert in alerts):
        yield Text("no alert fires", _UNKNOWN if alerts else _WELL)
