"""Report steps to the user: what runs, how long it has taken and how long it may take.

There is one line when a step starts, one when it ends, and one every half minute in between, so
that the output is readable in a terminal and in a log file. Durations are remembered, so after the
first run the estimates are those of this machine.
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Progress"]

_HEARTBEAT_S = 30.0


class Progress:
    """Reports steps on standard error and remembers their durations in a file.

    Args:
        memory: JSON file of earlier durations in seconds; created when missing.
        emit: receives each line; by default, lines go to standard error.
    """

    def __init__(self, memory: Path, emit: Callable[[str], None] | None = None) -> None:
        self._memory = memory
        self._emit = emit or _to_stderr
        self._started = time.monotonic()

    def note(self, text: str) -> None:
        """Print one line with the time since the start."""
        self._emit(f"[{time.monotonic() - self._started:6.1f} s] {text}")

    @contextmanager
    def step(self, what: str, *, estimate_s: float) -> Generator[None]:
        """Report the start of a step, its progress every half minute, and its duration.

        Args:
            what: the step, in terms that a user knows.
            estimate_s: expected seconds, used until this machine has measured a duration.
        """
        remembered = self._durations()
        expected = remembered.get(what, estimate_s)
        self.note(f"{what} ... (about {_span(expected)})")
        begun = time.monotonic()
        done = threading.Event()
        beat = threading.Thread(target=self._beat, args=(what, begun, expected, done), daemon=True)
        beat.start()
        try:
            yield
        finally:
            done.set()
            beat.join()
        took = time.monotonic() - begun
        self.note(f"{what}: done in {_span(took)}")
        self._remember(what, took)

    def _beat(self, what: str, begun: float, expected: float, done: threading.Event) -> None:
        while not done.wait(_HEARTBEAT_S):
            so_far = time.monotonic() - begun
            self.note(f"{what}: running for {_span(so_far)} of about {_span(expected)}")

    def _durations(self) -> dict[str, float]:
        try:
            return json.loads(self._memory.read_text())
        except (OSError, ValueError):
            return {}  # no file yet, or an incomplete one: use the built-in estimates

    def _remember(self, what: str, took: float) -> None:
        durations = {**self._durations(), what: round(took, 1)}
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._memory.with_suffix(".new")
        fresh.write_text(json.dumps(durations, indent=1, sort_keys=True))
        fresh.replace(self._memory)


def _span(seconds: float) -> str:
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
