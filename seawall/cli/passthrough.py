"""Commands that pass their arguments on, to kubectl and to Prometheus.

An environment variable selects the environment, so that the command lines of a runbook are the
same for every environment.
"""

import json as json_module
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.options import Json, kit_here, print_json

if TYPE_CHECKING:
    from seawall.kube.kubectl import Kubectl
    from seawall.testbed.kit import Kit

__all__ = ["ENVIRONMENT", "register"]

ENVIRONMENT = "SEAWALL_ENV"
"""The variable that names the environment."""
_USUAL = "local"
_NAME = "__name__"


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    own = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command(context_settings=own, add_help_option=False)(kubectl)
    app.command()(query)


def kubectl() -> None:
    """Run kubectl on the cluster and in the namespace of $SEAWALL_ENV, with kubectl's arguments.

    Without $SEAWALL_ENV, kubectl uses the bundled cluster, which is that of `local`.
    """
    # Read from sys.argv: the parser would remove the `--` before a command for a pod.
    own = sys.argv[sys.argv.index("kubectl") + 1 :]
    program, namespace = _asked(kit_here(builds=False))
    command = program.arguments(own, namespace=namespace)
    os.execv(command[0], command)  # noqa: S606 - no shell wanted


def query(
    promql: Annotated[str, typer.Argument(metavar="PROMQL", help="An instant query.")],
    *,
    json: Json = False,
) -> None:
    """Query the Prometheus of $SEAWALL_ENV (`local` when not set): one line for each series."""
    from seawall.ops.deployment import target_of  # noqa: PLC0415 - slow to import
    from seawall.ops.prometheus import (  # noqa: PLC0415 - Pulumi is slow to import
        Matrix,
        Single,
        Vector,
        place_of,
        prometheus_at,
    )

    target = target_of(kit_here(builds=False), os.environ.get(ENVIRONMENT) or _USUAL)
    place = place_of(target)
    _tell(target.env, target.place)
    with prometheus_at(target.kubectl, place) as prometheus:
        if json:
            print_json(prometheus.raw(promql))
            return
        found = prometheus.found(promql)
    match found:
        case Single():
            typer.echo(found.result[1])
            return
        case Vector():
            lines = [_line(item.metric, item.value[1]) for item in found.result]
        case Matrix():
            lines = [_line(item.metric, _over_time(item.values)) for item in found.result]
    typer.echo("\n".join(sorted(lines)) or "no series")


def _asked(kit: "Kit") -> tuple["Kubectl", str]:
    """Kubectl, and the namespace that it uses when its arguments name none."""
    from seawall.ops.deployment import own_namespace, target_of  # noqa: PLC0415 - slow to import

    env = os.environ.get(ENVIRONMENT)
    if env:
        target = target_of(kit, env)
        _tell(env, target.place)
        return target.kubectl, target.namespace
    # The bundled cluster that exists now; the file of the environment may name another cluster.
    cluster = kit.cluster()
    program = cluster.kubectl()
    _tell(f"{_USUAL}, as {ENVIRONMENT} is not set", cluster.place)
    return program, own_namespace(kit, _USUAL)


def _tell(env: str, place: str) -> None:
    if sys.stderr.isatty():
        typer.echo(f"asking {env}: {place}", err=True)


def _line(metric: Mapping[str, str], value: str) -> str:
    """A series and its value, in the notation of Prometheus."""
    labels = ",".join(
        # Escaped, so that a label value cannot send control characters to the terminal.
        f"{label}={json_module.dumps(text)}"
        for label, text in sorted(metric.items())
        if label != _NAME
    )
    return f"{metric.get(_NAME, '')}{{{labels}}} {value}"


def _over_time(values: Sequence[tuple[float, str]]) -> str:
    """Each value with its time in seconds since 1970."""
    return " ".join(f"{value}@{moment:.3f}" for moment, value in values)
