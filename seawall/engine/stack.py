"""One environment's stack: up, preview, refresh, destroy and outputs.

Commands use this module. The other modules of the package support it.
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
from seawall.engine.sections import committed_images
from seawall.engine.session import Session
from seawall.engine.snapshot import Snapshot
from seawall.engine.strict_yaml import Values, load
from seawall.engine.update import Listener, OnProgress, Output, UpResult, silent
from seawall.engine.workspace import RunValues, write_document
from seawall.kube.kubectl import Kubectl

__all__ = ["Engine"]

T = TypeVar("T")


class Engine:
    """The stack of one environment.

    Args:
        checkout: the folder with Pulumi.yaml and Pulumi.<env>.yaml.
        state_dir: the folder for state, secrets and the generated project.
        env: the environment, which is also the stack's name.
        pulumi: returns the CLI that is used when none is on PATH, and may build it.
        kubeconfig: the cluster; when None, the configuration or $KUBECONFIG names it.
        provider: finds or builds the program of the Kubernetes provider.
        kubectl: returns a kubectl for the same cluster, to refuse objects that exist already; None
            when the stack takes them over.
        program: what to deploy; the platform by default.

    Every method raises an EngineError with a message of one line.
    """

    def __init__(
        self,
        *,
        checkout: Path,
        state_dir: Path,
        env: str,
        pulumi: Callable[[], Path],
        kubeconfig: Path | None,
        provider: Callable[[], Path],
        kubectl: Callable[[], Kubectl] | None,
        program: Program | None = None,
    ) -> None:
        self._layout = Layout(checkout.resolve(), state_dir.resolve(), env)
        self._session = Session(self._layout, cli=pulumi, provider=provider)
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
        """Deploy what the program declares.

        After an interrupted operation it first cleans up and adopts objects that already exist.

        Args:
            images: image references by name; they override the committed and the deployed ones.
            settings: the settings of an earlier release; they replace the committed ones.
            refresh: read the live objects first, so that drift is repaired.
            on_progress: called for every step.
        """
        run = self._run_values(images, settings)
        self._deployed = None
        return self._operations.past_dead_locks(
            lambda: self._up(run, refresh=refresh, on_progress=on_progress)
        )

    def record_good(self) -> None:
        """Record what `up` deployed as the last good release; does nothing if it is recorded.

        It records exactly the deployed values, even if the committed or the generated file has
        changed since.
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
        """What `up` would do; with `refresh` also drift. Changes nothing."""
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
        """Update the state from the live objects; the cluster is not changed."""
        self._session.write(self._as_deployed({}))
        with self._operations.run("refresh", on_progress) as heard:
            self._session.stack.refresh(on_event=heard.hear, color="never")
        return _result(heard)

    def destroy(self, *, on_progress: OnProgress = silent) -> UpResult:
        """Delete everything that the stack created; its configuration and secrets stay.

        The program is not checked, so that a stack with a wrong configuration can be removed.
        """
        return self._operations.past_dead_locks(lambda: self._destroy(on_progress))

    def outputs(self) -> Mapping[str, Output]:
        """The outputs of the last update, including secrets; an error before the first update."""
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
        """Create the generated project if it is missing, so that commands about the state work.

        An existing project is kept unchanged, because an update may be reading it.
        """
        if not self._layout.stack_file.is_file():
            self._session.write_only(RunValues(self._place()))

    def snapshot(self) -> Snapshot:
        """The state as it was last saved; the cluster is not read."""
        self.prepare()
        return self._session.snapshot()

    @property
    def repaired(self) -> str | None:
        """A line about a damaged state that was restored from a copy; None if it was intact."""
        return self._session.repaired

    @property
    def timings(self) -> Mapping[str, float]:
        """Duration in seconds of each step of the last operations, by name."""
        return self._operations.timings

    @property
    def programs(self) -> Programs:
        """The CLI and the provider of this stack."""
        return self._session.programs

    def environment(self) -> Mapping[str, str]:
        """The variables for the plain CLI: `pulumi -C <project>`, with the path in `project`."""
        return self._session.variables()

    @property
    def layout(self) -> Layout:
        """The paths of the environment."""
        return self._layout

    @property
    def session(self) -> Session:
        """The session, for operations on the state itself; see `seawall.engine.state`."""
        return self._session

    @property
    def refuses_existing(self) -> bool:
        """Whether `up` refuses objects that exist already and are not in the state."""
        return self._kubectl is not None

    @property
    def project(self) -> Path:
        """The folder of the generated project."""
        return self._layout.project

    def _place(self) -> Values:
        """The values below seawall:kubernetes that locate the cluster."""
        if self._kubeconfig is None:
            return {}
        return {"kubeconfig": str(self._kubeconfig.resolve())}

    def _run_values(self, images: Mapping[str, str] | None, settings: Values | None) -> RunValues:
        """The values of a run of the program; images that are not named anywhere stay as deployed.

        The images of an earlier release are in `images`, and those of the committed file are not
        used then.
        """
        named: Mapping[str, str] = {} if settings else committed_images(self._layout)
        return self._as_deployed({**named, **(images or {})}, settings)

    def _as_deployed(self, images: Mapping[str, str], settings: Values | None = None) -> RunValues:
        """The values of a run with these images, and with the deployed ones where none is named."""
        self.prepare()
        deployed = self._session.snapshot().outputs.get("images")
        known = {k: str(v) for k, v in deployed.items()} if isinstance(deployed, dict) else {}
        return RunValues(self._place(), {**known, **images}, settings)

    def _up(self, run: RunValues, *, refresh: bool, on_progress: OnProgress) -> UpResult:
        self._session.write(run)
        program = self._program()
        before = self._session.seen()
        self._complete(program)
        recovered = self._operations.recover(before, on_progress)
        if not recovered and self._kubectl is not None:
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

    def _destroy(self, on_progress: OnProgress) -> UpResult:
        self._session.write(self._as_deployed({}))
        before = self._session.seen()
        if before.protected:
            # Pulumi would delete all the other resources before it refuses these.
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
        """The program, after its configuration and its resources were checked."""
        with self._operations.timed("program and policies"):
            return self._given_program or checked_program(self._layout)

    def _complete(self, program: Program) -> None:
        """Create the stack if it does not exist, and generate missing secrets."""
        _ = self._session.stack  # first for a new stack: creates the salt of its secrets
        with self._session.heard():
            ensure_secrets(self._layout, program.secrets, self._store)

    def _store(self, path: str, value: str) -> None:
        self._session.run("config", "set", "--path", "--secret", path, stdin=value)


def _result(
    heard: Listener, *, outputs: Mapping[str, Output] | None = None, recovered: bool = False
) -> UpResult:
    return UpResult(heard.changes, outputs or {}, recovered, heard.steps)
