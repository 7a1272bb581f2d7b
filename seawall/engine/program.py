"""What a stack deploys: a Pulumi program and the secrets that it needs."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from seawall.common.wait import TimedOutError, wait_until
from seawall.engine.existing import ObjectName

__all__ = ["Program", "closing_its_loop"]

_LOOP_ENDS_S = 2.0
"""The CLI is gone by then, so nothing is left to wait for but the thread's own last steps."""


@dataclass(frozen=True, slots=True)
class Program:
    """A Pulumi program."""

    run: Callable[[], None]
    secrets: tuple[str, ...]
    """Names below seawall:secrets in the stack's configuration."""
    resources: int | None = None
    """How many it declares, the stack included; None when it was not tried out."""
    objects: tuple[ObjectName, ...] = ()
    """The Kubernetes objects among them that have names."""


@contextmanager
def closing_its_loop(run: Callable[[], None]) -> Generator[Callable[[], None]]:
    """`run` for one operation, after which the event loop in which it ran is closed.

    The SDK closes the loop itself except when a resource failed: the pending tasks that it then
    waits for raise, and the closing that stands after them is skipped.
    """
    loops: list[asyncio.AbstractEventLoop] = []

    def remembered() -> None:
        loops.append(asyncio.get_running_loop())
        run()

    try:
        yield remembered
    finally:
        for loop in loops:
            _close(loop)


def _close(loop: asyncio.AbstractEventLoop) -> None:
    try:
        wait_until(
            lambda: not loop.is_running(), deadline_s=_LOOP_ENDS_S, what="the program's event loop"
        )
    except TimedOutError:
        # Left open: it costs three descriptors until this process ends.
        return
    loop.close()
