"""Commands that only read an environment: status, logs, smoke, engine."""

import os
from collections.abc import Collection
from typing import Annotated

import typer

from seawall.cli.options import Env, Json, kit_here, print_json
from seawall.common.errors import UsageError

__all__ = ["check_component", "register"]

_DIFFERS = 3


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for command in (status, logs, smoke, engine):
        app.command()(command)


def status(env: Env = "local", *, json: Json = False) -> None:
    """Show the workloads, their images and whether all are ready; exit code 3 when not."""
    from seawall.ops.deployment import target_of  # noqa: PLC0415 - slow to import

    target = target_of(kit_here(builds=False), env)
    target.check_deployed()

    from seawall.cli.tables import print_status  # noqa: PLC0415 - Pulumi is slow to import
    from seawall.ops.status import status_of  # noqa: PLC0415 - same

    found = status_of(target)
    if json:
        print_json(found.as_json())
    else:
        print_status(found)
    if found.problems:
        raise typer.Exit(_DIFFERS)


def logs(
    env: Env = "local",
    component: Annotated[str, typer.Argument(help="gateway, redis, simulator-<name>.")] = "gateway",
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Continue until Ctrl-C.")] = False,
    tail: Annotated[int, typer.Option(help="Lines of each container; -1 for all.", min=-1)] = 50,
) -> None:
    """Print the log lines of a component's pods, each with its pod's name."""
    from contract.labels import NAME  # noqa: PLC0415 - only here
    from seawall.ops.deployment import target_of  # noqa: PLC0415 - slow to import

    target = target_of(kit_here(builds=False), env)
    target.check_cluster()
    label = NAME.replace(".", "\\.")
    query = f"--output=jsonpath={{.items[*].metadata.labels.{label}}}"
    check_component(
        component, target.kubectl("-n", target.namespace, "get", "pods", query).split(), env=env
    )
    words = ["-n", target.namespace, "logs", f"--selector={NAME}={component}", "--prefix"]
    words += ["--all-containers", f"--tail={tail}", "--max-log-requests=50", "--ignore-errors"]
    command = target.kubectl.arguments([*words, "--follow"] if follow else words)
    os.execv(command[0], command)  # noqa: S606 - no shell wanted


def check_component(component: str, running: Collection[str], *, env: str) -> None:
    """Refuse a component that has no pod: kubectl would show nothing and succeed.

    Args:
        component: the requested component.
        running: the components of the existing pods.
        env: the environment, for the message.

    Raises:
        UsageError: the component is not in `running`.
    """
    if component in running:
        return
    known = ", ".join(sorted(set(running))) or f"none; `seawall up {env}` deploys it"
    raise UsageError(f"{env} has no pod of a component {component!r}; there are: {known}")


def smoke(env: Env = "local", *, json: Json = False) -> None:
    """Ask the gateway for a plain and a streamed completion."""
    from seawall.cli.summary import answer_line, answers_as_json  # noqa: PLC0415 - Pulumi is slow to import
    from seawall.ops.deployment import target_of  # noqa: PLC0415 - slow to import
    from seawall.ops.release import smoke as ask  # noqa: PLC0415 - Pulumi is slow to import

    answers, note = ask(target_of(kit_here(builds=False), env))
    if note:
        raise UsageError(note)
    if json:
        print_json({"answers": answers_as_json(answers)})
        return
    for answer in answers:
        typer.echo(answer_line(answer))


def engine(env: Env = "local", *, json: Json = False) -> None:
    """Show the Pulumi CLI, the provider and the state backend of an environment."""
    from seawall.ops.deployment import target_of  # noqa: PLC0415 - slow to import

    target = target_of(kit_here(builds=False), env)
    target.check_deployed()
    found = target.engine
    found.prepare()
    snapshot, backend, used = found.snapshot(), found.session.backend, found.programs
    if json:
        print_json(
            {
                "env": env,
                "cli": {"path": used.cli, "version": used.cli_version},
                "provider": {"path": used.provider, "version": used.provider_version},
                "backend": backend.url,
                "secrets_provider": backend.secrets_provider,
                "resources": snapshot.resources,
                "last_good_release": found.last_good(),
            }
        )
        return
    for line in used.lines():
        typer.echo(line)
    typer.echo(f"state: {backend.url}, {snapshot.resources} resources")
    typer.echo(f"secrets in the state are encrypted with: {backend.secrets_provider}")
    good = found.last_good()
    images = good.get("images") if good else None
    typer.echo(f"last good release: {images or 'none yet'}")
