"""Processes under the benchmark: pinned to a core, and what they cost, by /proc."""

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
    """What a tree of processes has used: CPU seconds since its start, resident bytes now."""

    cpu_s: float
    rss_bytes: int


class PinnedProcess:
    """A program on one core, in a session of its own; its output goes to a file."""

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
        """Wait until `ready`; the program's last words when it ends before.

        Raises:
            RuntimeError: it ended.
            TimedOutError: it is not ready in time.
        """

        def there() -> bool:
            if self._process.poll() is not None:
                words = self._log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{what} ended with {self._process.returncode}: {words}")
            return ready()

        wait_until(there, deadline_s=deadline_s, what=f"{what} to answer", interval_s=0.1)

    def cost(self) -> Cost:
        """Of the program and all that it started."""
        cpu_s, rss = 0.0, 0
        for pid in _tree(self._process.pid):
            with contextlib.suppress(OSError):
                # After the name in brackets: https://man7.org/linux/man-pages/man5/proc.5.html
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                cpu_s += (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
                rss += int(fields[21]) * _PAGE
        return Cost(cpu_s, rss)

    def stop(self) -> None:
        """End it and all that it started."""
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
    """Whether anything answers HTTP there, with whatever status."""

    def asked() -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1).close()
        except urllib.error.HTTPError:
            return True
        except (OSError, ValueError):
            return False
        return True

    return asked
