"""An update's progress: a bar on a terminal, one line for each change everywhere else."""

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from seawall.engine.update import Progress as EngineProgress
from seawall.engine.update import Stage
from seawall.ops.release import Watcher
from seawall.testbed.kit import Kit

__all__ = ["progress_bar"]

_QUIET = frozenset({"read", "refresh", "same"})


@contextmanager
def progress_bar(kit: Kit) -> Generator[Watcher]:
    """A watcher that shows the steps of one update."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Watcher(expect=lambda _total: None, hear=lambda step: _note(kit, step))
        return
    columns = (
        TextColumn("         {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("resources", total=None)
        done: set[str] = set()

        def hear(step: EngineProgress) -> None:
            _note(kit, step)
            if step.stage is not Stage.BEGUN and step.op != "refresh":
                done.add(step.urn)
                bar.update(task, completed=len(done), description=step.resource[:40])

        yield Watcher(expect=lambda total: bar.update(task, total=total), hear=hear)


def _note(kit: Kit, step: EngineProgress) -> None:
    if step.stage is not Stage.BEGUN and step.op not in _QUIET:
        failed = " FAILED" if step.stage is Stage.FAILED else ""
        kit.progress.note(f"  {step.op} {step.resource}{failed}")
