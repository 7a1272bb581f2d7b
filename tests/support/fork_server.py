"""`python -m tests.support.fork_server FD MODULE...`: imports modules, then forks for each request.

It is a separate program because a process that forks may have only one thread, and the process that
runs tests has several. A fork leaves the loop below and becomes the requested program. It therefore
ends as an interpreter ends: exit code, traceback, threads and registered exit functions. When the
client is gone, the server kills the forks that still run, and exits.
"""

import contextlib
import gc
import importlib
import json
import os
import random
import runpy
import selectors
import signal
import socket
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import BuiltinMethodType
from typing import TypedDict

__all__ = ["NUMBER", "Request"]

NUMBER = struct.Struct("q")
"""The messages about a fork: its process id, and its exit code after its end."""
_MAX_BYTES = 1 << 17
_SIGINT = signal.SIGINT


class Request(TypedDict):
    """A program to run. Its stdin, stdout, stderr and report channel arrive as descriptors."""

    words: list[str]
    """A module, or the path of a script, and its arguments."""
    environment: dict[str, str]
    folder: str


class _Server:
    """Forks for each request, and tracks running forks by their process id."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._wake_up, self._woken = socket.socketpair()
        for end in (self._wake_up, self._woken):
            end.setblocking(False)  # noqa: FBT003 - the method's own parameter
        self._usual = {number: signal.getsignal(number) for number in (signal.SIGCHLD, _SIGINT)}
        signal.set_wakeup_fd(self._wake_up.fileno())
        signal.signal(signal.SIGCHLD, _nothing)
        signal.signal(_SIGINT, signal.SIG_IGN)
        self._running: dict[int, int] = {}
        self._selector = selectors.DefaultSelector()
        for source in (self._channel, self._woken):
            self._selector.register(source, selectors.EVENT_READ)

    def serve(self) -> Request:
        """Serve forever; returns only in a fork, with the request of that fork."""
        while True:
            ready = {key.fileobj for key, _ in self._selector.select()}
            if self._woken in ready:
                self._woken.recv(4096)
                self._reap()
            if self._channel in ready and (request := self._take()) is not None:
                return request

    def _reap(self) -> None:
        for pid in tuple(self._running):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                descriptor = self._running.pop(pid)
                _send_number(descriptor, os.waitstatus_to_exitcode(status))
                os.close(descriptor)

    def _take(self) -> Request | None:
        """Fork for the next request: the fork returns the request, the server returns None."""
        message, descriptors, _, _ = socket.recv_fds(self._channel, _MAX_BYTES, 4)
        if not message:
            for pid in self._running:
                os.kill(pid, signal.SIGKILL)
            sys.exit()
        assert len(list(Path("/proc/self/task").iterdir())) == 1, "a fork has one thread only"
        pid = os.fork()
        if pid == 0:
            self._leave(descriptors)
            return json.loads(message)
        for descriptor in descriptors[:3]:
            os.close(descriptor)
        self._running[pid] = descriptors[3]
        _send_number(descriptors[3], pid)
        return None

    def _leave(self, descriptors: list[int]) -> None:
        """Close everything that belongs to the server, and use the streams of the request."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._usual.items():
            signal.signal(number, handler)
        for source in (self._selector, self._channel, self._wake_up, self._woken):
            source.close()
        for stream, descriptor in enumerate(descriptors[:3]):
            os.dup2(descriptor, stream)
        for descriptor in (*descriptors, *self._running.values()):
            os.close(descriptor)


def _nothing(number: int, frame: object) -> None:
    """Do nothing: the signal only wakes up the selector."""


def _send_number(descriptor: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # the client is gone
        os.write(descriptor, NUMBER.pack(number))


def _generators() -> Iterator[random.Random]:
    """Random generators that modules created at import, which all forks would share."""
    for module in tuple(sys.modules.values()):
        for value in tuple(vars(module).values()):
            owner = value.__self__ if isinstance(value, BuiltinMethodType) else value
            if isinstance(owner, random.Random):
                yield owner


def _run_program(request: Request) -> None:
    for generator in _generators():
        generator.seed()
    tempfile.tempdir = None  # an import may have cached it
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    program, *_ = sys.argv[:] = request["words"]
    if "/" in program:
        runpy.run_path(program, run_name="__main__")
    else:
        runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for name in sys.argv[2:]:
        importlib.import_module(name)
    gc.freeze()  # a collection in a fork would copy every page
    _run_program(_Server(socket.socket(fileno=int(sys.argv[1]))).serve())
