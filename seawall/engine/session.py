"""The generated project of one environment, with its CLI, its provider and its state.

The session prepares an operation, and translates the SDK's errors after it.
"""

import dataclasses
import os
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from pulumi.automation import LocalWorkspace, OutputMap, Stack, UpdateSummary
from pulumi.automation._stack import StackInitMode
from pulumi.automation.errors import CommandError, ConcurrentUpdateError
from pydantic import JsonValue, TypeAdapter

from seawall.engine import programs
from seawall.engine.backend import Backend, committed_backend
from seawall.engine.cli import Cli
from seawall.engine.errors import ToolError, UpdateCutOff, UpdateFailed, UpdateRunning
from seawall.engine.layout import Layout
from seawall.engine.programs import Programs
from seawall.engine.recovery import Lock, locks_in, read_or_restore
from seawall.engine.snapshot import DamagedError, Snapshot
from seawall.engine.temporary import own_folder
from seawall.engine.update import Listener, OnProgress, silent
from seawall.engine.workspace import RunValues, write_project

__all__ = ["Session"]

_OUTPUTS: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])
_GOGC = "400"
"""The CLI runs for seconds and keeps most of what it allocates. With Go's default of 100, a preview
of 80 resources spends a quarter of its processor time on garbage collection."""
_NO_STACK = re.compile(r"no stack named")
_EXISTS = re.compile(r"stack .* already exists")
_UNREADABLE = re.compile(r"\(key |failed to load checkpoint|unable to open bucket|read \"\.pulumi")
_WRONG_PASSPHRASE = re.compile(r"incorrect passphrase|message authentication failed")
_CUT_OFF = re.compile(
    # Pulumi's error for a provider whose process ended, gRPC's errors for a broken connection
    # (the rest of their text varies), and the error for a full disk under the state.
    r"exited prematurely|connection error: desc|error reading from server|transport is closing|"
    r"no space left on device"
)


class Session:
    """The programs and the state that every operation of one environment uses.

    Args:
        layout: the paths of the environment.
        cli: returns the CLI that is used when none is on PATH, and may build it.
        provider: finds or builds the program of the Kubernetes provider.
    """

    def __init__(
        self, layout: Layout, *, cli: Callable[[], Path], provider: Callable[[], Path]
    ) -> None:
        self._layout = layout
        self._cli = cli
        self._provider = provider
        self.repaired: str | None = None
        """A line about a damaged state that was restored; None when the state was intact."""
        self._seen: Snapshot | None = None

    def write_only(self, run: RunValues) -> None:
        """Write the generated project without reading the state, which may be damaged."""
        complete = dataclasses.replace(run, secrets_provider=self.backend.key)
        write_project(self._layout, complete)

    def write(self, run: RunValues) -> None:
        """Write the generated project and put the provider in place."""
        self.write_only(run)
        programs.place(self._layout, self.programs.provider)

    @cached_property
    def backend(self) -> Backend:
        """Where the state lives."""
        return committed_backend(self._layout)

    @cached_property
    def cli(self) -> Cli:
        """The Pulumi CLI."""
        programs.stop_automatic_logs(self._layout)
        return Cli(programs.choose_cli(self._cli))

    @cached_property
    def programs(self) -> Programs:
        """The CLI and the provider of this stack."""
        return Programs(
            cli=Path(self.cli.command),
            cli_version=str(self.cli.version),
            provider=self._provider(),
            provider_version=programs.provider_release(),
        )

    @cached_property
    def stack(self) -> "QuickStack":
        """The stack; created when it does not exist."""
        workspace = LocalWorkspace(
            work_dir=str(self._layout.project),
            pulumi_home=str(self._layout.pulumi_home),
            env_vars={**self.variables(), "TMPDIR": str(own_folder(self._layout))},
            pulumi_command=self.cli,
            secrets_provider=self.backend.key,
        )
        with self.heard():
            return QuickStack(self._layout.env, workspace, StackInitMode.CREATE_OR_SELECT)

    def seen(self) -> Snapshot:
        """The state as it was last read; read again only after an operation has changed it.

        The CLI takes half a second to read a shared state.
        """
        return self._seen or self.snapshot()

    def forget(self) -> None:
        """Discard the state that was read, because an operation may have changed it."""
        self._seen = None

    def snapshot(self) -> Snapshot:
        """The current state of the stack; an empty one before the first operation.

        Raises:
            WorkspaceError, UpdateFailed: the state cannot be read.
        """
        self._seen = self._read()
        return self._seen

    def _read(self) -> Snapshot:
        if not self.backend.is_shared:
            found, repaired = read_or_restore(self._layout)
            self.repaired = repaired or self.repaired
            return found
        with self.heard():
            text = self.export()
        if text is None:
            return Snapshot()
        try:
            return Snapshot.of_export(text)
        except DamagedError as error:
            raise UpdateFailed(
                f"the state of {self._layout.env} in {self.backend.url} is damaged ({error}); "
                f"restore a backup with `seawall state restore {self._layout.env} FILE`"
            ) from error

    def export(self) -> str | None:
        """The state as JSON with encrypted secrets; None when there is no stack."""
        try:
            return self.run("stack", "export")
        except CommandError as error:
            if _NO_STACK.search(str(error)):
                return None
            raise

    def lock_holders(self) -> list[Lock]:
        """The holders of the stack's lock.

        The method tries to create the existing stack: that takes the lock but changes nothing.
        """
        try:
            words = ["stack", "init", self._layout.env]
            self.cli.run(words, str(self._layout.project), self.variables())
        except ConcurrentUpdateError as error:
            return locks_in(str(error))
        except CommandError as error:
            if not _EXISTS.search(str(error)):
                raise self._explained(str(error), str(error)) from error
        return []

    def outputs(self) -> dict[str, JsonValue]:
        """All outputs, with secrets in plain text."""
        with self.heard():
            return _OUTPUTS.validate_json(self.run("stack", "output", "--json", "--show-secrets"))

    def run(self, *words: str, stdin: str = "") -> str:
        """Standard output of one command on this stack; raises the SDK's CommandError."""
        self._layout.project.mkdir(parents=True, exist_ok=True)
        args = [*words, "--stack", self._layout.env]
        done = self.cli.run(args, str(self._layout.project), self.variables(), stdin=stdin)
        return done.stdout

    @contextmanager
    def heard(self, on_progress: OnProgress = silent) -> Generator[Listener]:
        """Turn events into progress, and the SDK's errors into errors of the engine."""
        listener = Listener(on_progress)
        try:
            yield listener
        except ConcurrentUpdateError as error:
            held = locks_in(str(error))
            holders = " and ".join(str(lock) for lock in held) or "unknown holder"
            raise UpdateRunning(
                f"stack {self._layout.env}: another update is running ({holders}); wait for it to "
                f"end, or, if its process is dead, run `seawall state unlock {self._layout.env}`",
                stale=bool(held) and all(lock.is_stale for lock in held),
            ) from error
        except CommandError as error:
            raise self._explained(listener.failure(str(error)), str(error)) from error

    def _explained(self, reason: str, everything: str) -> ToolError | UpdateFailed:
        if _WRONG_PASSPHRASE.search(everything):
            source = self.backend.own_passphrase or "PULUMI_CONFIG_PASSPHRASE(_FILE)"
            return ToolError(
                f"the passphrase in {source} is not the one that the state in {self.backend.url} "
                "was encrypted with; use that one"
            )
        if _CUT_OFF.search(everything):
            return UpdateCutOff(f"{reason}; the operation was interrupted; the next `up` cleans up")
        if _UNREADABLE.search(everything):
            return UpdateFailed(
                f"the state of {self._layout.env} in {self.backend.url} cannot be read or written: "
                f"{reason}"
            )
        return UpdateFailed(reason)

    def variables(self) -> dict[str, str]:
        """The environment variables of Pulumi's processes; they override those of the user."""
        return {
            **self.backend.variables(),
            "GOGC": os.environ.get("GOGC", _GOGC),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(self._layout.pulumi_home),
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }


class QuickStack(Stack):
    """A stack that runs no further CLI command after an operation.

    The SDK would run the CLI three more times, for outputs and history, which takes a second or
    more. The events and the state contain the same data.
    """

    def outputs(self) -> OutputMap:
        """Empty: `Session.outputs` reads the outputs when they are needed."""
        return {}

    def info(self, show_secrets: bool = True) -> UpdateSummary:  # noqa: FBT001, FBT002 - the base class' signature
        """A summary with only the result `succeeded`; `Listener.changes` has the counts."""
        del show_secrets
        return UpdateSummary(
            kind="update",
            start_time=datetime.now(UTC),
            message="",
            environment={},
            config={},
            result="succeeded",
        )
