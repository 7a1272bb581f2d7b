"""Python programs for tests, forked from a process that has imported what they import.

A start costs 0.1 s of a core instead of 0.75 s. The program runs as `python -m` runs it: as
`__main__`, with its own arguments, environment, output and signals; its exit code is its own. What
is not the same is the start of the interpreter: a test of that starts a real one.
"""

import atexit
import multiprocessing
import os
import random
import runpy
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from io import TextIOWrapper
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import BuiltinMethodType
from typing import cast

__all__ = ["PRELOADED", "ForkedProgram", "may_be_forked"]

PRELOADED = (
    __name__,
    "argparse",
    "service.environment",
    "service.server",
    "service.simulator.server",
    "uvicorn.lifespan.on",
)
"""What `service` and `service.simulator` import; the fork server may start no thread by it."""
_FREE = ("SEAWALL_", "PYTEST_")
"""Variables that no import reads: they may differ from the fork server's own."""


@cache
def _forks() -> tuple[ForkServerContext, Mapping[str, str]]:
    """The way to this process' fork server, and the environment that it starts with."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context, dict(os.environ)


def may_be_forked(environment: Mapping[str, str]) -> bool:
    """Whether a program with this environment would import the same in the fork server's."""
    _, own = _forks()
    differing = dict(own.items() ^ environment.items())
    return all(name.startswith(_FREE) for name in differing)


class ForkedProgram:
    """A module that runs as its own process; the part of `subprocess.Popen` that tests use."""

    def __init__(self, words: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        context, _ = _forks()
        self._words = tuple(words)
        # As subprocess tells it: who counts the programs of a test hears of this one too.
        command = [sys.executable, "-m", *words]
        sys.audit("subprocess.Popen", sys.executable, command, None, environment)
        log.write_bytes(b"")
        # A daemon is killed with the test run, where another process would hold up its end.
        self._process = context.Process(
            target=_run, args=(self._words, log, dict(environment), Path.cwd()), daemon=True
        )
        self._process.start()

    @property
    def pid(self) -> int:
        return cast("int", self._process.pid)

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self._words, timeout or 0)
        return code


def _run(words: Sequence[str], log: Path, environment: Mapping[str, str], folder: Path) -> None:
    """Be the program: all of it happens in the forked process."""
    threads = list(Path(f"/proc/{os.getppid()}/task").iterdir())
    assert len(threads) == 1, "a fork copies one thread only"
    for generator in _generators():
        generator.seed()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)
    cast("TextIOWrapper", sys.stdout).reconfigure(line_buffering=False)  # as in a file
    sys.argv[:] = words
    try:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        # As the interpreter does it: whoever waits learns that it was the signal.
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        # multiprocessing leaves by `os._exit`, which calls nothing that was registered.
        threading._shutdown()  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
        atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]


def _generators() -> Iterator[random.Random]:
    """What modules made of chance when they were imported, which all forks would share."""
    for module in tuple(sys.modules.values()):
        for value in tuple(vars(module).values()):
            owner = value.__self__ if isinstance(value, BuiltinMethodType) else value
            if isinstance(owner, random.Random):
                yield owner
