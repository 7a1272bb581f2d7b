"""Operations on a stack that may be interrupted: marked while they run, recovered from, timed.

docs/adr/0010-recovery-is-marked-and-narrow.md explains the marker, the locks and the adoption.
"""

import time
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from seawall.common.errors import EngineError
from seawall.engine.errors import UpdateCutOff, UpdateRunning
from seawall.engine.layout import Layout
from seawall.engine.orphans import end_orphaned_providers
from seawall.engine.recovery import keep_copy
from seawall.engine.session import Session
from seawall.engine.snapshot import Snapshot
from seawall.engine.update import Listener, OnProgress

__all__ = ["Operations"]

T = TypeVar("T")


class Operations:
    """The common steps of every operation on one stack."""

    def __init__(self, layout: Layout, session: Session) -> None:
        self._layout = layout
        self._session = session
        self.timings: dict[str, float] = {}
        """Duration in seconds of each step, by name."""

    def recover(self, before: Snapshot, on_progress: OnProgress) -> bool:
        """Clean up after an interrupted operation; returns whether there was one."""
        cut_off = self._layout.unfinished.exists() or before.pending or self._session.repaired
        if not cut_off:
            return False
        end_orphaned_providers(self._layout)
        with self.run("recover", on_progress) as heard:
            self._session.stack.refresh(
                clear_pending_creates=True, on_event=heard.hear, color="never"
            )
        self._layout.unfinished.touch()  # until created but unrecorded objects are adopted as well
        return True

    def past_dead_locks(self, operation: Callable[[], T]) -> T:
        """Run an operation; when only the lock of a dead process blocks it, unlock and retry.

        A lock of a shared state is removed only when this checkout has an unfinished operation:
        containers on other machines may have the same host name as this machine.
        """
        was_marked = self._layout.unfinished.exists()
        try:
            return operation()
        except UpdateRunning as running:
            if not running.stale or (self._session.backend.is_shared and not was_marked):
                raise
        with self._session.heard():
            self._session.stack.cancel()
        self._session.forget()
        self._layout.unfinished.touch()
        return operation()

    @contextmanager
    def run(self, name: str, on_progress: OnProgress) -> Generator[Listener]:
        """One run of the CLI that changes the state; an interrupted run leaves the marker."""
        if not self._session.backend.is_shared:
            keep_copy(self._layout)
        mark = self._layout.unfinished
        was_marked = mark.exists()
        mark.touch()
        try:
            with (
                warnings.catch_warnings(),
                self.timed(name),
                self._session.heard(on_progress) as heard,
            ):
                # The SDK's warning about a killed CLI; the raised error is clearer.
                warnings.filterwarnings("ignore", "Error in event stream")
                yield heard
        except UpdateCutOff:
            raise
        except EngineError:
            if not was_marked:
                mark.unlink(missing_ok=True)
            raise
        finally:
            self._session.forget()
        mark.unlink(missing_ok=True)

    @contextmanager
    def timed(self, name: str) -> Generator[None]:
        """Record how long the body of the `with` statement takes."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] = time.perf_counter() - begun
