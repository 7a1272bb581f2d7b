"""Operations on a stack that may be cut off: marked while they run, recovered from, timed.

The mark, the locks and what adopts are decided in docs/adr/0010-recovery-is-marked-and-narrow.md.
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
    """What every operation of one stack goes through."""

    def __init__(self, layout: Layout, session: Session) -> None:
        self._layout = layout
        self._session = session
        self.timings: dict[str, float] = {}
        """Seconds by what took them."""

    def recover(self, before: Snapshot, on_progress: OnProgress) -> bool:
        """Clean up after an operation that was cut off; whether there was one."""
        cut_off = self._layout.unfinished.exists() or before.pending or self._session.repaired
        if not cut_off:
            return False
        end_orphaned_providers(self._layout)
        with self.run("recover", on_progress) as heard:
            self._session.stack.refresh(
                clear_pending_creates=True, on_event=heard.hear, color="never"
            )
        self._layout.unfinished.touch()  # until what was made and not recorded is adopted, too
        return True

    def past_dead_locks(self, operation: Callable[[], T]) -> T:
        """Run an operation, and once again when only a dead process' lock was in its way.

        Of a shared state that is known only of this checkout's own: containers may have one name.
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
        """One run of the CLI that changes state; it leaves a mark when it is cut off."""
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
                # The SDK's own word about a CLI that was killed; the error says it better.
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
        """Note how long what happens inside takes."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] = time.perf_counter() - begun
