"""Stop the processes of a pod with SIGSTOP, from the host, as a node that starves would."""

import os
import signal
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import Environment

__all__ = ["frozen", "listener"]


def listener(environment: Environment, pod: str, port: int) -> int:
    """The process of a Redis pod that listens at `port`; the number is the host's."""
    words = ("-n", "seawall", "get", "pod", pod, "-o", "jsonpath={.metadata.uid}")
    uid = environment.kubectl(*words)
    title = f"redis-server *:{port}"  # a sentinel calls itself so, too
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            of_pod = f"pod{uid}" in (entry / "cgroup").read_text()
            named = (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if of_pod and named.startswith(title):
            return int(entry.name)
    raise AssertionError(f"{pod} has no process {title}")


@contextmanager
def frozen(pids: Iterable[int]) -> Generator[None]:
    """They do nothing meanwhile."""
    held = list(pids)
    for pid in held:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in held:
            os.kill(pid, signal.SIGCONT)
