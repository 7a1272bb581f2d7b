"""Python programs for tests, forked from a process that has imported what they import.

A start costs a tenth of what a new interpreter costs. The program runs as `python -m` runs it: as
`__main__`, with its own arguments, environment, streams and signals; its exit code is its own. What
is not the same is the start of the interpreter: a test of that starts a real one.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.fork_server import NUMBER, Request

__all__ = ["COMMANDS", "SERVICES", "ForkServer", "ForkedProgram"]

_CHECKOUT = Path(__file__).resolve().parents[2]


class ForkedProgram:
    """A process of its own; the part of `subprocess.Popen` that tests use."""

    def __init__(self, words: Sequence[str], told: int) -> None:
        self._words = tuple(words)
        self._told = told
        self._code: int | None = None
        self.pid = self._number()

    def _number(self) -> int:
        text = os.read(self._told, NUMBER.size)
        if not text:
            raise RuntimeError(f"the fork server ended; it was to start {self._words}")
        return NUMBER.unpack(text)[0]

    def _look(self, timeout: float | None) -> int | None:
        if self._code is None and select.select([self._told], [], [], timeout)[0]:
            self._code = self._number()
            os.close(self._told)
        return self._code

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self._words, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """Starts with its first program, and ends with this process.

    Variables whose names begin as one of `free` are read by no import: a program's may differ from
    those that the server itself has.
    """

    def __init__(self, *modules: str, free: Sequence[str]) -> None:
        self._modules = modules
        self._free = ("PYTEST_", *free)
        self._own: Mapping[str, str] = {}
        self._channel: socket.socket | None = None

    def _open(self) -> socket.socket:
        if self._channel is None:
            self._own = dict(os.environ)
            self._channel, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            words = ["-m", "tests.support.fork_server", str(other.fileno()), *self._modules]
            with other:
                server = subprocess.Popen(
                    [sys.executable, *words],
                    cwd=_CHECKOUT,
                    pass_fds=[other.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                )
            atexit.register(_end, server, self._channel)
        return self._channel

    def may_start(self, environment: Mapping[str, str]) -> bool:
        """Whether a program with this environment would import the same as the server has."""
        self._open()
        differing = dict(self._own.items() ^ environment.items())
        return all(name.startswith(self._free) for name in differing)

    def start(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        *,
        streams: tuple[int, int, int],
        folder: Path | None = None,
    ) -> ForkedProgram:
        """Start a module, or the script at a path.

        Args:
            words: which, and its arguments.
            environment: all of it.
            streams: descriptors of its standard input, output and error.
            folder: where it runs; here by default.
        """
        # As subprocess tells it: who counts the programs of a test hears of this one too.
        command = [sys.executable, *([] if "/" in words[0] else ["-m"]), *words]
        sys.audit("subprocess.Popen", sys.executable, command, folder, environment)
        request: Request = {
            "words": [*words],
            "environment": dict(environment),
            "folder": str(folder or Path.cwd()),
        }
        told, tell = os.pipe()
        try:
            message = json.dumps(request).encode()
            socket.send_fds(self._open(), [message], [*streams, tell])
        finally:
            os.close(tell)
        return ForkedProgram(words, told)


def _end(server: "subprocess.Popen[bytes]", channel: socket.socket) -> None:
    """Close the channel: the server kills its forks, and ends."""
    channel.close()
    server.wait()


SERVICES = ForkServer(
    *("argparse", "service.env", "service.http.server", "simulator.server"),
    "uvicorn.lifespan.on",
    free=["SEAWALL_"],
)
"""For `service` and `simulator`."""
COMMANDS = ForkServer(
    "seawall.cli.app",
    # What its commands import when they run.
    *("infra.policies", "infra.synth", "seawall.cli.summary", "seawall.cli.tables"),
    *(
        "seawall.engine.state",
        "seawall.ops.environments",
        "seawall.ops.prometheus",
        "seawall.ops.release",
    ),
    *("seawall.ops.status", "seawall.ops.deployment"),
    free=["SEAWALL_", "HOME", "KUBECONFIG", "PATH", "FAKE_DOCKER", "TMPDIR"],
)
"""For `seawall`."""
