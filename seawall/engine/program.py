"""What a stack deploys: a Pulumi program and the secrets that it needs."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from seawall.engine.errors import WorkspaceError
from seawall.engine.layout import Layout
from seawall.engine.workspace import stack_values
from seawall.wait import TimedOutError, wait_until

__all__ = ["Program", "closing_its_loop", "platform_program"]

_LOOP_ENDS_S = 2.0
"""The CLI is gone by then, so nothing is left to wait for but the thread's own last steps."""


@dataclass(frozen=True, slots=True)
class Program:
    """A Pulumi program."""

    run: Callable[[], None]
    secrets: tuple[str, ...]
    """Names below seawall:secrets in the stack's configuration."""


def platform_program(layout: Layout) -> Program:
    """The program of `infra/`, whose configuration is checked here before Pulumi starts.

    Raises WorkspaceError, with the line that says what is wrong, on a wrong value.
    """
    # Not at the top: the SDK's Kubernetes types take a second to import, which only an update owes.
    from infra.config import ConfigError, parse, secret_names  # noqa: PLC0415
    from infra.program import deploy  # noqa: PLC0415

    try:
        environment = parse(stack_values(layout))
    except ConfigError as error:
        raise WorkspaceError(f"{layout.committed_file.name}: {error}") from error
    return Program(run=deploy, secrets=secret_names(environment))


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
