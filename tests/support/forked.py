"""Python programs for tests, forked from a process that has imported what they import.

A fork costs a tenth of a new interpreter. The program runs as `python -m` runs it: as `__main__`,
with its own arguments, environment, streams, signals and exit code. Only the start of the
interpreter differs: a test of that start uses a real interpreter.
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
    """A forked process with the part of the `subprocess.Popen` interface that tests use."""

    def __init__(self, words: Sequence[str], report_channel: int) -> None:
        self._words = tuple(words)
        self._report_channel = report_channel
        self._code: int | None = None
        self.pid = self._number()

    def _number(self) -> int:
        text = os.read(self._report_channel, NUMBER.size)
        if not text:
            raise RuntimeError(f"the fork server ended; it was to start {self._words}")
        return NUMBER.unpack(text)[0]

    def _exit_code_within(self, timeout: float | None) -> int | None:
        if self._code is None and select.select([self._report_channel], [], [], timeout)[0]:
            self._code = self._number()
            os.close(self._report_channel)
        return self._code

    def poll(self) -> int | None:
        return self._exit_code_within(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._exit_code_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self._words, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """A fork server that starts with its first program, and ends with this process.

    No import reads variables with a prefix in `free`, so a program may have other values of these
    variables than the server.
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
        """Whether a program with this environment would import the same modules as the server."""
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
            words: the module or script, and its arguments.
            environment: the complete environment.
            streams: the descriptors of standard input, output and error.
            folder: the working directory; the current one by default.
        """
        # The same audit event as subprocess raises: the counter of programs also counts this one.
        command = [sys.executable, *([] if "/" in words[0] else ["-m"]), *words]
        sys.audit("subprocess.Popen", sys.executable, command, folder, environment)
        request: Request = {
            "words": [*words],
            "environment": dict(environment),
            "folder": str(folder or Path.cwd()),
        }
        read_end, write_end = os.pipe()
        try:
            message = json.dumps(request).encode()
            socket.send_fds(self._open(), [message], [*streams, write_end])
        finally:
            os.close(write_end)
        return ForkedProgram(words, read_end)


def _end(server: "subprocess.Popen[bytes]", channel: socket.socket) -> None:
    """Close the channel, so that the server kills its forks and exits."""
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
    # Modules that its commands import when they run.
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
