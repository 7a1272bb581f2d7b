"""The result of a run as a table, as JSON and as a plot."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from rich.console import Console
from rich.table import Table

from tests.bench.contestants import CONTESTANTS
from tests.bench.goals import Verdict
from tests.bench.rounds import Figures

__all__ = ["show", "write"]

_COLUMNS = (
    ("requests/s", "per_s", "{:,.0f}"),
    ("CPU ms/request", "cpu_ms", "{:.3f}"),
    ("p50 ms", "p50_ms", "{:.3f}"),
    ("p99 ms", "p99_ms", "{:.3f}"),
    ("RSS MiB", "rss_mib", "{:.0f}"),
)


def _table(figures: Mapping[str, Figures], how: str) -> Table:
    table = Table(title=how, title_justify="left")
    table.add_column("what")
    for title, _, _ in _COLUMNS:
        table.add_column(f"{title}\nmedian (least-most)", justify="right")
    for name, found in figures.items():
        cells = found.by_name()
        row = [name]
        for _, figure, form in _COLUMNS:
            middle, least, most = (form.format(value) for value in cells[figure])
            row.append(f"{middle} ({least}-{most})")
        table.add_row(*row)
    return table


def show(
    figures: Mapping[str, Figures],
    verdicts: Sequence[Verdict],
    skipped: Mapping[str, str],
    how: str,
) -> None:
    """Print the tables."""
    console = Console(width=160, highlight=False)
    console.print(_table(figures, how))
    goals = Table(title="Goals, as ratios of medians", title_justify="left")
    for title in ("goal", "measured", ""):
        goals.add_column(title)
    for verdict in verdicts:
        ratio = "-" if verdict.ratio is None else f"{verdict.ratio:.2f}x"
        goals.add_row(str(verdict.goal), ratio, verdict.word)
    console.print(goals)
    for one in CONTESTANTS:
        console.print(f"  {one.name}: {one.note}")
    for name, why in skipped.items():
        console.print(f"  NOT RUN: {name}: {why}")


def write(
    folder: Path,
    figures: Mapping[str, Figures],
    verdicts: Sequence[Verdict],
    skipped: Mapping[str, str],
    how: str,
) -> None:
    """Write results.json and results.svg into `folder`."""
    document = {
        "how": how,
        "figures": {name: found.by_name() for name, found in figures.items()},
        "spread": "median, least, most",
        "goals": [
            {"goal": str(one.goal), "ratio": one.ratio, "verdict": one.word} for one in verdicts
        ],
        "not_run": dict(skipped),
    }
    (folder / "results.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    _plot(folder / "results.svg", figures)


def _plot(path: Path, figures: Mapping[str, Figures]) -> None:
    mpl.use("svg")
    import matplotlib.pyplot as plt  # noqa: PLC0415 - the backend is chosen before

    names = list(figures)
    panels = (("CPU ms per request (log)", "cpu_ms"), ("requests per second (log)", "per_s"))
    plot, axes = plt.subplots(1, len(panels), figsize=(11, 3.6), layout="constrained")
    for axis, (title, figure) in zip(axes, panels, strict=True):
        spread = [figures[name].by_name()[figure] for name in names]
        middles = [middle for middle, _, _ in spread]
        below = [middle - least for middle, least, _ in spread]
        above = [most - middle for middle, _, most in spread]
        bars = axis.barh(names, middles, xerr=[below, above], color="#3b6ea5", capsize=3)
        axis.bar_label(bars, labels=[f"{value:.3g}" for value in middles], padding=6)
        axis.set_xscale("log")
        axis.set_title(title)
        axis.invert_yaxis()
        axis.margins(x=0.25)
    plot.savefig(str(path))  # pyright: ignore[reportUnknownMemberType]
    plt.close(plot)
