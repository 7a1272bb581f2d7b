"""The Pulumi program that a stack deploys, and the secrets that the program needs."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from seawall.common.wait import TimedOutError, wait_until
from seawall.engine.existing import ObjectName

__all__ = ["Program", "closing_its_loop"]

_LOOP_ENDS_S = 2.0
"""The CLI has ended before this wait, so the thread has only a few last steps to run."""


@dataclass(frozen=True, slots=True)
class Program:
    """A Pulumi program."""

    run: Callable[[], None]
    secrets: tuple[str, ...]
    """Names below seawall:secrets in the stack's configuration."""
    resources: int | None = None
    """The number of declared resources, including the stack; None when the program has not run."""
    objects: tuple[ObjectName, ...] = ()
    """The declared Kubernetes objects that have names."""


@contextmanager
def closing_its_loop(run: Callable[[], None]) -> Generator[Callable[[], None]]:
    """Yield `run` for one operation, and close the event loop of the operation afterwards.

    The SDK closes the loop itself, except after a failed resource: the pending tasks that the SDK
    then awaits raise, so the SDK skips the statement that closes the loop.
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
        # The loop stays open: it uses three file descriptors until this process ends.
        return
    loop.close()
