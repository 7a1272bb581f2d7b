"""Processes of the benchmark: pinned to a core, with their cost according to /proc."""

import contextlib
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seawall.common.wait import wait_until

__all__ = ["Cost", "PinnedProcess", "answers_on"]

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a process tree: CPU seconds since its start, and current resident bytes."""

    cpu_s: float
    rss_bytes: int


class PinnedProcess:
    """A program on one core, in a separate session; its output goes to a file."""

    def __init__(
        self, arguments: Sequence[str], *, core: int, log: Path, env: Mapping[str, str]
    ) -> None:
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["taskset", "-c", str(core), *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **env},
                start_new_session=True,
            )
        self._log = log

    def wait_for(self, ready: Callable[[], bool], *, deadline_s: float, what: str) -> None:
        """Wait until `ready` returns true.

        Raises:
            RuntimeError: the program ended; the message has the end of its output.
            TimedOutError: the program is not ready in time.
        """

        def is_ready() -> bool:
            if self._process.poll() is not None:
                output_end = self._log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{what} ended with {self._process.returncode}: {output_end}")
            return ready()

        wait_until(is_ready, deadline_s=deadline_s, what=f"{what} to answer", interval_s=0.1)

    def cost(self) -> Cost:
        """The cost of the program and all its descendants."""
        cpu_s, rss = 0.0, 0
        for pid in _tree(self._process.pid):
            with contextlib.suppress(OSError):
                # After the name in brackets: https://man7.org/linux/man-pages/man5/proc.5.html
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                cpu_s += (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
                rss += int(fields[21]) * _PAGE
        return Cost(cpu_s, rss)

    def stop(self) -> None:
        """End the program and all its descendants."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def answers_on(port: int, path: str = "/") -> Callable[[], bool]:
    """A function that returns whether the port answers HTTP, with any status."""

    def responds() -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1).close()
        except urllib.error.HTTPError:
            return True
        except (OSError, ValueError):
            return False
        return True

    return responds
