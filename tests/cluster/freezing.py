"""Stop processes of a pod with SIGSTOP from the host, as on a node without CPU time."""

import os
import signal
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import Environment

__all__ = ["frozen", "host_pid_of_listener"]


def host_pid_of_listener(environment: Environment, pod: str, port: int) -> int:
    """The process of a Redis pod that listens at `port`, as a process ID of the host."""
    command = ("-n", "seawall", "get", "pod", pod, "-o", "jsonpath={.metadata.uid}")
    uid = environment.kubectl(*command)
    title = f"redis-server *:{port}"  # a Sentinel has the same title
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            is_in_pod = f"pod{uid}" in (entry / "cgroup").read_text()
            process_title = (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if is_in_pod and process_title.startswith(title):
            return int(entry.name)
    raise AssertionError(f"{pod} has no process {title}")


@contextmanager
def frozen(pids: Iterable[int]) -> Generator[None]:
    """Stop the processes until the end of the block."""
    stopped = list(pids)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
