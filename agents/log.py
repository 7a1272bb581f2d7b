"""Writes a line to the container's log, also from a hook, whose output Kubernetes discards."""

import os
import sys
import time
from pathlib import Path

__all__ = ["say"]

_CONTAINER_LOG = Path("/proc/1/fd/1")


def say(text: str) -> None:
    """Print one line with the time (UTC)."""
    line = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} agents: {text}\n"
    if os.getpid() != 1:
        try:
            with _CONTAINER_LOG.open("a") as log:
                log.write(line)
        except OSError:
            pass  # not in a container: use standard output below
        else:
            return
    sys.stdout.write(line)
    sys.stdout.flush()
