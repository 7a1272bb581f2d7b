"""Ports for test servers; no two test runs on this machine get the same ones.

Every process of a test run reserves a block of ports with a file lock, which the kernel drops when
the process ends. The blocks lie below the range from which the kernel takes the ports of clients
(`net.ipv4.ip_local_port_range`, 32768 and above by default), so that no outgoing connection can
take a port between its choice and the start of its server.
"""

import fcntl
import itertools
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

__all__ = ["free_port", "reserve"]

_FIRST = 10_240
_SIZE = 400
_BLOCKS = 50


def free_port() -> int:
    """A port without a listener on any address of this host; never the same one twice in a row.

    Raises:
        RuntimeError: every block is reserved, or every port of this process' block is in use.
    """
    block = _block()
    for _ in range(_SIZE):
        port = next(block)
        if _is_free(port):
            return port
    raise RuntimeError(f"all {_SIZE} ports of this process' block are in use")


@cache
def _block() -> Iterator[int]:
    """Cycle through the ports of the block that this process holds until it ends."""
    first = _FIRST + reserve("ports", range(_BLOCKS)) * _SIZE
    return itertools.cycle(range(first, first + _SIZE))


def reserve(kind: str, numbers: Iterable[int]) -> int:
    """Reserve the first number of its kind that is free on this machine, until this process ends.

    Raises:
        RuntimeError: all numbers are held.
    """
    folder = Path(tempfile.gettempdir()) / f"seawall-test-{kind}"
    folder.mkdir(exist_ok=True)
    for number in numbers:
        handle = os.open(folder / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
        else:
            return number
    raise RuntimeError(f"all {kind} are reserved by other processes: {folder}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
