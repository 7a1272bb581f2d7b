"""One environment's stack: up, preview, refresh, destroy and outputs.

This is what commands use. Everything else in the package serves it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from seawall.engine.checks import checked_program
from seawall.engine.errors import WorkspaceError
from seawall.engine.existing import refuse_existing
from seawall.engine.layout import Layout
from seawall.engine.operations import Operations
from seawall.engine.program import Program, closing_its_loop
from seawall.engine.programs import Programs
from seawall.engine.release import LAST_GOOD, release_of, write_release
from seawall.engine.secrets import ensure_secrets
from seawall.engine.session import Session
from seawall.engine.snapshot import Snapshot
from seawall.engine.strict_yaml import Values, load
from seawall.engine.update import Listener, OnProgress, Output, UpResult, silent
from seawall.engine.values import object_at
from seawall.engine.workspace import IMAGES, KUBERNETES, RunValues, committed_values, write_document
from seawall.kube.kubectl import Kubectl

__all__ = ["Engine"]

T = TypeVar("T")


class Engine:
    """The stack of one environment.

    Args:
        checkout: where Pulumi.yaml and Pulumi.<env>.yaml are.
        state_dir: where state, secrets and the generated project are kept.
        env: the environment, which is also the stack's name.
        pulumi: the CLI that the kit built, used when none is on PATH.
        kubeconfig: the cluster; None leaves it to the configuration or to $KUBECONFIG.
        provider: finds, or makes, the program of the Kubernetes provider.
        kubectl: finds what asks the same cluster which objects exist.
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
        provider: Callable[[], Path],
        kubectl: Callable[[], Kubectl],
        program: Program | None = None,
    ) -> None:
        self._layout = Layout(checkout.resolve(), state_dir.resolve(), env)
        self._session = Session(self._layout, built=pulumi, provider=provider)
        self._kubeconfig = kubeconfig
        self._kubectl = kubectl
        self._given_program = program
        self._deployed: Values | None = None
        self._operations = Operations(self._layout, self._session)

    def up(
        self,
        *,
        images: Mapping[str, str] | None = None,
        settings: Values | None = None,
        refresh: bool = False,
        on_progress: OnProgress = silent,
    ) -> UpResult:
        """Bring the cluster to what the program says.

        Args:
            images: image references by name, over the committed ones and those that are deployed.
            settings: those of an earlier release, in place of the committed ones.
            refresh: look at the live objects first, so that drift is repaired.
            on_progress: told of every step.

        After an operation that was cut off it cleans up first and adopts what was already created.
        """
        run = self._run_values(images, settings)
        self._deployed = None
        return self._operations.past_dead_locks(
            lambda: self._up(run, refresh=refresh, on_progress=on_progress)
        )

    def record_good(self) -> None:
        """Record what `up` deployed as the release to return to; does nothing when it is.

        Exactly that: whatever the committed or the generated file says by now.
        """
        if self._deployed is None:
            raise WorkspaceError(f"stack {self._layout.env}: nothing was deployed by this run")
        write_document(self._layout, self._deployed)
        release = release_of(self._layout)
        if self._session.seen().outputs.get(LAST_GOOD) == release:
            return
        write_release(self._layout, last_good=release)
        program = self._program()
        with (
            self._operations.run("record the release", silent) as heard,
            closing_its_loop(program.run) as run,
        ):
            self._session.stack.up(program=run, on_event=heard.hear, color="never")

    def last_good(self) -> Values | None:
        """The release that was last seen to serve: images, settings, settings_sha256."""
        found = self.snapshot().outputs.get(LAST_GOOD)
        return found if isinstance(found, dict) else None

    def preview(
        self,
        *,
        images: Mapping[str, str] | None = None,
        refresh: bool = False,
        on_progress: OnProgress = silent,
    ) -> UpResult:
        """What `up` would do; with `refresh` it also shows drift. Nothing is changed."""
        self._session.write(self._run_values(images, None))
        program = self._program()
        self._complete(program)
        write_release(self._layout, last_good=self._session.seen().outputs.get(LAST_GOOD))
        with (
            self._operations.timed("preview"),
            self._session.heard(on_progress) as heard,
            closing_its_loop(program.run) as run,
        ):
            self._session.stack.preview(
                program=run, on_event=heard.hear, refresh=refresh, color="never"
            )
        return _result(heard)

    def refresh(self, *, on_progress: OnProgress = silent) -> UpResult:
        """Take the live objects into the state; the cluster is not changed."""
        self._session.write(self._run_values(None, None))
        with self._operations.run("refresh", on_progress) as heard:
            self._session.stack.refresh(on_event=heard.hear, color="never")
        return _result(heard)

    def destroy(self, *, on_progress: OnProgress = silent) -> UpResult:
        """Delete everything that the stack made; its configuration and secrets stay.

        The program is not looked at, so that a stack can be removed whose configuration is wrong.
        """
        return self._operations.past_dead_locks(lambda: self._destroy(on_progress))

    def outputs(self) -> Mapping[str, Output]:
        """The outputs of the last update, secrets included; an error before the first."""
        found = self.snapshot()
        if found.stack is None:
            raise WorkspaceError(
                f"stack {self._layout.env} was never deployed, or it was deleted; "
                f"`seawall up {self._layout.env}` deploys it"
            )
        plain = found.outputs
        return {
            name: Output(value, secret=name not in plain)
            for name, value in self._session.outputs().items()
        }

    def prepare(self) -> None:
        """Make the generated project when there is none, so that commands about the state work.

        One that is there is left alone: an update may be reading it.
        """
        if not self._layout.stack_file.is_file():
            self._session.write_only(RunValues(self._place()))

    def snapshot(self) -> Snapshot:
        """The state as it was last saved, without asking the cluster."""
        self.prepare()
        return self._session.snapshot()

    @property
    def repaired(self) -> str | None:
        """A line about a damaged state that was restored from a copy; None when it was whole."""
        return self._session.repaired

    @property
    def timings(self) -> Mapping[str, float]:
        """Seconds by what took them, of the last operations."""
        return self._operations.timings

    @property
    def programs(self) -> Programs:
        """Which CLI and which provider serve this stack."""
        return self._session.programs

    def environment(self) -> Mapping[str, str]:
        """What to set to use the plain CLI: `pulumi -C <project>`, whose path is `project`."""
        return self._session.variables()

    @property
    def layout(self) -> Layout:
        """Where everything is."""
        return self._layout

    @property
    def session(self) -> Session:
        """For what concerns the state itself; see `seawall.engine.state`."""
        return self._session

    @property
    def project(self) -> Path:
        """The folder of the generated project."""
        return self._layout.project

    def _place(self) -> Values:
        """Where the cluster is, below seawall:kubernetes."""
        if self._kubeconfig is None:
            return {}
        return {"kubeconfig": str(self._kubeconfig.resolve())}

    def _run_values(self, images: Mapping[str, str] | None, settings: Values | None) -> RunValues:
        """What a run adds: images that nobody names stay as they are deployed."""
        self.prepare()
        deployed = self._session.snapshot().outputs.get("images")
        known = {k: str(v) for k, v in deployed.items()} if isinstance(deployed, dict) else {}
        committed = object_at(committed_values(self._layout), IMAGES)
        named = {k: str(v) for k, v in committed.items()}
        return RunValues(self._place(), {**known, **named, **(images or {})}, settings)

    def _up(self, run: RunValues, *, refresh: bool, on_progress: OnProgress) -> UpResult:
        self._session.write(run)
        program = self._program()
        before = self._session.seen()
        self._complete(program)
        recovered = self._operations.recover(before, on_progress)
        if not recovered and not self._adopts():
            refuse_existing(
                program.objects, before=before, env=self._layout.env, kubectl=self._kubectl()
            )
        write_release(self._layout, last_good=before.outputs.get(LAST_GOOD))
        self._deployed = load(self._layout.stack_file)
        with (
            self._operations.run("up", on_progress) as heard,
            closing_its_loop(program.run) as deploy,
        ):
            self._session.stack.up(
                program=deploy, on_event=heard.hear, refresh=refresh, color="never"
            )
        outputs = {
            name: Output(v, secret=False) for name, v in self._session.seen().outputs.items()
        }
        return _result(heard, outputs=outputs, recovered=recovered)

    def _adopts(self) -> bool:
        """Whether the team lets the stack take over objects that exist."""
        return object_at(committed_values(self._layout), KUBERNETES).get("adopt_existing") is True

    def _destroy(self, on_progress: OnProgress) -> UpResult:
        self._session.write(self._run_values(None, None))
        before = self._session.seen()
        if before.protected:
            # Pulumi would delete all the others before it comes to these.
            raise WorkspaceError(
                f"stack {self._layout.env} has protected resources ({', '.join(before.protected)}):"
                " nothing was deleted; set seawall:protect to false and run `seawall up "
                f"{self._layout.env}` first"
            )
        recovered = self._operations.recover(before, on_progress)
        with self._operations.run("destroy", on_progress) as heard:
            self._session.stack.destroy(on_event=heard.hear, color="never")
        return _result(heard, recovered=recovered)

    def _program(self) -> Program:
        """The program, after its configuration and what it deploys were checked."""
        with self._operations.timed("program and policies"):
            return self._given_program or checked_program(self._layout)

    def _complete(self, program: Program) -> None:
        """Make the stack when there is none, and the secrets that it lacks."""
        _ = self._session.stack  # the first command of a new stack: it makes its secrets' salt
        with self._session.heard():
            ensure_secrets(self._layout, program.secrets, self._store)

    def _store(self, path: str, value: str) -> None:
        self._session.run("config", "set", "--path", "--secret", path, stdin=value)


def _result(
    heard: Listener, *, outputs: Mapping[str, Output] | None = None, recovered: bool = False
) -> UpResult:
    return UpResult(heard.changes, outputs or {}, recovered, heard.steps)
