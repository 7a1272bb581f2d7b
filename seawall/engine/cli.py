"""Runs the Pulumi CLI: its process group, its environment, Ctrl-C and standard input.

The Automation API runs every command through the class here. The class adds two things to the
SDK's runner: an interrupt reaches the CLI exactly once, and a secret is sent by standard input.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from seawall.engine.errors import Interrupted, ToolError, UpdateCutOff

__all__ = ["Cli"]

OnOutput = Callable[[str], object]

# Settings of the user that would override those of the stack. For example,
# PULUMI_CONFIG_PASSPHRASE takes precedence over PULUMI_CONFIG_PASSPHRASE_FILE.
_NOT_INHERITED = frozenset(
    {
        "PULUMI_ACCESS_TOKEN",
        "PULUMI_CONFIG",
        "PULUMI_CONFIG_PASSPHRASE",
        "PULUMI_STACK",
    }
)


class Cli(PulumiCommand):
    """One Pulumi executable."""

    def __init__(self, path: Path) -> None:
        # The SDK's constructor looks for <root>/bin/pulumi; this one accepts any path.
        self.command = str(path)
        self.version = _version(path)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
        stdin: str = "",
    ) -> CommandResult:
        """Run one command to its end.

        Args:
            args: the arguments of the command.
            cwd: the working directory.
            additional_env: variables in addition to those of this process.
            on_output: receives each line of standard output.
            on_error: receives each line of standard error.
            stdin: the standard input of the command. Secrets must use it, because every user of a
                machine can read the arguments of every process.

        Raises:
            CommandError: the SDK's error; the command failed.
            Interrupted: the command ended after Ctrl-C.
            UpdateCutOff: the command was killed.
        """
        inherited = {key: value for key, value in os.environ.items() if key not in _NOT_INHERITED}
        env = {**inherited, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        lines: list[str] = []
        errors: list[str] = []
        with subprocess.Popen(
            [self.command, "--non-interactive", *args],
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            # A separate process group: otherwise Ctrl-C in the terminal would reach the CLI a
            # second time, and the CLI would then stop without saving.
            process_group=0,
        ) as process:
            readers = [
                _reader(process.stdout, lines, on_output),
                _reader(process.stderr, errors, on_error),
            ]
            with _interrupts_to(process) as interrupted:
                _write(process.stdin, stdin)
                for reader in readers:
                    reader.join()
                code = process.wait()
        if code < 0:
            raise UpdateCutOff(
                f"the Pulumi CLI was killed (signal {-code}); run the same command to continue"
            )
        if code and interrupted.is_set():
            raise Interrupted("interrupted; what was done so far is saved in the stack's state")
        result = CommandResult(stdout="\n".join(lines), stderr="\n".join(errors), code=code)
        if code:
            raise create_command_error(result)
        return result


def _reader(
    stream: IO[str] | None, lines: list[str], callback: OnOutput | None
) -> threading.Thread:
    def consume() -> None:
        for line in stream or ():
            lines.append(line.rstrip())
            if callback:
                callback(lines[-1])

    thread = threading.Thread(target=consume, daemon=True)
    thread.start()
    return thread


def _write(stream: IO[str] | None, text: str) -> None:
    if stream is None:
        return
    try:
        stream.write(text)
        stream.close()
    except BrokenPipeError:
        # The command ended without reading; its exit code says why.
        return


@contextmanager
def _interrupts_to(process: subprocess.Popen[str]) -> Generator[threading.Event]:
    """Context manager: SIGINT and SIGTERM reach `process` as SIGINT, which ends it cleanly."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def forward(_signal: int, _frame: FrameType | None) -> None:
        interrupted.set()
        if process.poll() is None:
            process.send_signal(signal.SIGINT)

    before = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _version(path: Path) -> VersionInfo:
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run(
            [path, "version"], check=True, capture_output=True, text=True, env=env
        )
        return VersionInfo.parse(answer.stdout.strip().removeprefix("v"))
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolError(f"the Pulumi CLI {path} does not run: {error}") from error
    except ValueError as error:
        raise ToolError(f"the Pulumi CLI {path} reports no version: {error}") from error
