"""One environment's stack: up, preview, refresh, destroy and outputs.

This is what commands use. Everything else in the package serves it.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from pulumi.automation import EngineEvent, LocalWorkspace, OutputMap, Stack
from pulumi.automation.errors import CommandError, ConcurrentUpdateError

from seawall.engine import ladder, plugins, recovery
from seawall.engine.cli import Cli
from seawall.engine.errors import UpdateFailed, UpdateRunning, WorkspaceError
from seawall.engine.ladder import Rung
from seawall.engine.layout import Layout
from seawall.engine.program import Program, closing_its_loop, platform_program
from seawall.engine.secrets import ensure_secrets
from seawall.engine.update import Listener, OnProgress, Output, UpResult, count_changes, silent
from seawall.engine.workspace import Values, environment, write_project

__all__ = ["Engine"]

PROJECT = "seawall"
"""The project's name in Pulumi.yaml; the backend's folders carry it."""


class Engine:
    """The stack of one environment.

    Args:
        checkout: where Pulumi.yaml and Pulumi.<env>.yaml are.
        state_dir: where state, secrets and the generated project are kept.
        env: the environment, which is also the stack's name.
        pulumi: the CLI that the kit built, used when none is on PATH.
        kubeconfig: the cluster; None leaves it to the configuration or to $KUBECONFIG.
        embedded: whether the cluster is one of this kit's own; only there may the stand-in serve.
        program: what to deploy; the platform by default.

    Every method raises an EngineError of one line.
    """

    def __init__(
        self,
        *,
        checkout: Path,
        state_dir: Path,
        env: str,
        pulumi: Path | None,
        kubeconfig: Path | None,
        embedded: bool,
        program: Program | None = None,
    ) -> None:
        self._layout = Layout(checkout.resolve(), state_dir.resolve(), env)
        self._built = pulumi
        self._kubeconfig = kubeconfig
        self._embedded = embedded
        self._given_program = program

    def rung(self) -> Rung:
        """Which CLI and which provider serve this stack."""
        return self._rung

    def up(
        self,
        *,
        images: Mapping[str, str] | None = None,
        refresh: bool = False,
        on_progress: OnProgress = silent,
    ) -> UpResult:
        """Bring the cluster to what the program says.

        Args:
            images: image references by name; those of the last run when not given.
            refresh: look at the live objects first, so that drift is repaired.
            on_progress: told of every step.

        After an update that was cut off it cleans up first and adopts what was already created.
        """
        self._prepare(images, adopt=False)
        program = self._program()
        recovered = self._recover(on_progress)
        if recovered:
            self._prepare(images, adopt=True)
        with self._heard(on_progress) as hear, closing_its_loop(program) as run:
            done = self._stack.up(
                program=run, on_event=hear, refresh=refresh, show_secrets=False, color="never"
            )
        changes = count_changes(done.summary.resource_changes)
        return UpResult(changes, _outputs(done.outputs), recovered)

    def preview(
        self,
        *,
        images: Mapping[str, str] | None = None,
        refresh: bool = False,
        on_progress: OnProgress = silent,
    ) -> UpResult:
        """What `up` would do; with `refresh` it also shows drift. Nothing is changed."""
        self._prepare(images, adopt=False)
        program = self._program()
        with self._heard(on_progress) as hear, closing_its_loop(program) as run:
            seen = self._stack.preview(program=run, on_event=hear, refresh=refresh, color="never")
        return UpResult(count_changes(seen.change_summary), {})

    def refresh(self, *, on_progress: OnProgress = silent) -> UpResult:
        """Take the live objects into the state; the cluster is not changed."""
        self._prepare(None, adopt=False)
        with self._heard(on_progress) as hear:
            done = self._stack.refresh(on_event=hear, show_secrets=False, color="never")
        return UpResult(count_changes(done.summary.resource_changes), {})

    def destroy(self, *, on_progress: OnProgress = silent) -> UpResult:
        """Delete everything that the stack made; its configuration and secrets stay."""
        self._prepare(None, adopt=False)
        recovered = self._recover(on_progress)
        with self._heard(on_progress) as hear:
            done = self._stack.destroy(on_event=hear, show_secrets=False, color="never")
        # An empty state belongs to no provider: the next `up` may choose anew.
        self._layout.rung_file.unlink(missing_ok=True)
        return UpResult(count_changes(done.summary.resource_changes), {}, recovered)

    def outputs(self) -> Mapping[str, Output]:
        """The outputs of the last update; an error before the first."""
        if not self._layout.stack_file.is_file():
            raise WorkspaceError(f"stack {self._layout.env} was never deployed from here")
        with self._heard(silent):
            return _outputs(self._stack.outputs())

    def environment(self) -> Mapping[str, str]:
        """What to set to use the plain CLI: `pulumi -C <project>`, whose path is `project`."""
        return environment(self._layout, self._rung.provider)

    @property
    def project(self) -> Path:
        """The folder of the generated project."""
        return self._layout.project

    @cached_property
    def _cli(self) -> Cli:
        return Cli(ladder.choose_cli(self._built))

    @cached_property
    def _rung(self) -> Rung:
        provider = ladder.choose_provider(
            official=plugins.official_plugin(self._layout) is not None,
            embedded=self._embedded,
            before=ladder.recorded(self._layout),
            env=self._layout.env,
        )
        return Rung(provider, Path(self._cli.command), str(self._cli.version))

    @cached_property
    def _stack(self) -> Stack:
        workspace = LocalWorkspace(
            work_dir=str(self._layout.project),
            pulumi_home=str(self._layout.pulumi_home),
            env_vars=dict(self.environment()),
            pulumi_command=self._cli,
        )
        return Stack.create_or_select(self._layout.env, workspace)

    def _prepare(self, images: Mapping[str, str] | None, *, adopt: bool) -> None:
        """Write the project and put the provider in place: all that a destruction needs.

        The program is not looked at, so that a stack can be removed whose configuration is wrong.
        """
        plugins.install(self._layout, self._rung.provider)
        kubernetes: Values = {}
        if self._kubeconfig is not None:
            kubernetes["kubeconfig"] = str(self._kubeconfig.resolve())
        if adopt:
            kubernetes["adopt_existing"] = True
        write_project(self._layout, kubernetes=kubernetes, images=images)

    def _program(self) -> Callable[[], None]:
        """The program, after its configuration was checked and its secrets were completed."""
        program = self._given_program or platform_program(self._layout)
        with self._heard(silent):
            # The first command of a new stack: it also makes the salt of its secrets.
            _ = self._stack
            ladder.record(self._layout, self._rung)
            ensure_secrets(self._layout, program.secrets, self._store)
        return program.run

    def _store(self, path: str, value: str) -> None:
        args = ["config", "set", "--path", "--secret", path, "--stack", self._layout.env]
        self._cli.run(args, str(self._layout.project), self.environment(), stdin=value)

    def _recover(self, on_progress: OnProgress) -> bool:
        held = recovery.locks(self._layout, PROJECT)
        for lock in held:
            if not lock.is_stale:
                raise UpdateRunning(
                    f"stack {self._layout.env}: another update is running (process {lock.pid} on "
                    f"{lock.hostname}); wait for it to end"
                )
        if not held and not recovery.has_pending_operations(self._layout, PROJECT):
            return False
        with self._heard(on_progress) as hear:
            if held:
                self._stack.cancel()
            self._stack.refresh(
                clear_pending_creates=True, on_event=hear, show_secrets=False, color="never"
            )
        return True

    @contextmanager
    def _heard(self, on_progress: OnProgress) -> Generator[Callable[[EngineEvent], None]]:
        listener = Listener(on_progress)
        try:
            yield listener.hear
        except ConcurrentUpdateError as error:
            raise UpdateRunning(
                f"stack {self._layout.env}: another update is running; wait for it to end"
            ) from error
        except CommandError as error:
            raise UpdateFailed(listener.failure(str(error))) from error


def _outputs(outputs: OutputMap) -> dict[str, Output]:
    return {name: Output(item.value, item.secret) for name, item in outputs.items()}
