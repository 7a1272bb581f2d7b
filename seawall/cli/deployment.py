"""Commands that change an environment, or show what would change: up, preview, rollback, down."""

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from seawall.cli.options import (
    Env,
    Images,
    Json,
    Nodes,
    Timings,
    Yes,
    images_of,
    kit_here,
    print_json,
)
from seawall.common.errors import ClusterError, UsageError

if TYPE_CHECKING:
    from seawall.ops.deployment import Target
    from seawall.testbed.cluster.interface import Cluster
    from seawall.testbed.kit import Kit

__all__ = ["register"]

_DIFFERS = 3


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for command in (up, preview, rollback, down):
        app.command()(command)


def up(
    env: Env = "local",
    *,
    nodes: Nodes = None,
    image: Images = None,
    yes: Yes = False,
    json: Json = False,
    timings: Timings = False,
) -> None:
    """Deploy an environment and prove that it serves; safe to repeat.

    For an environment on a bundled cluster, such as local, this also prepares everything that the
    deployment needs: tools, cluster and images.
    """
    from seawall.cli.summary import print_released, released_as_json  # noqa: PLC0415 - Pulumi is slow to import
    from seawall.ops.environments import check_environment  # noqa: PLC0415 - same
    from seawall.ops.release import release  # noqa: PLC0415 - same

    begun = time.perf_counter()
    kit = kit_here(nodes=nodes)
    images = images_of(image)
    target = _target(kit, env, images)
    if target.own:
        target.own.check_user()
        # Check before the builds and the cluster, which take half an hour the first time.
        check_environment(kit.checkout, env)
    with kit.alone():
        if target.own:
            images = {**_built_images(kit, target.own), **(images or {})}
        else:
            _ask_first(f"deploy {env} to {target.place}, namespace {target.namespace}", yes=yes)
        with _progress_bar(kit) as watcher:
            done = release(target, watcher, images=images)
    if json:
        print_json(released_as_json(target, done))
    else:
        print_released(target, done)
    _print_timings(target.engine.timings, begun, wanted=timings)


def preview(
    env: Env = "local",
    *,
    image: Images = None,
    json: Json = False,
    timings: Timings = False,
    expect_no_changes: Annotated[
        bool, typer.Option(help="Exit with code 3 when something would change.")
    ] = False,
) -> None:
    """Show what `up` would change, including drift of the live objects. Changes nothing."""
    from seawall.cli.summary import print_preview, update_as_json  # noqa: PLC0415 - Pulumi is slow to import

    begun = time.perf_counter()
    kit = kit_here()
    images = images_of(image)
    target = _target(kit, env, images)
    with kit.alone():
        target.check_cluster()
        if target.own:
            images = {**_built_references(kit), **(images or {})}
        with _progress_bar(kit) as watcher:
            watcher.expect(target.engine.snapshot().resources or None)
            seen = target.engine.preview(images=images, refresh=True, on_progress=watcher.hear)
    if json:
        print_json(update_as_json(seen))
    else:
        print_preview(target, seen)
    _print_timings(target.engine.timings, begun, wanted=timings)
    if expect_no_changes and seen.changed:
        raise typer.Exit(_DIFFERS)


def rollback(env: Env, *, yes: Yes = False, json: Json = False) -> None:
    """Return to the last release that was seen to serve, which the stack's outputs record."""
    from seawall.cli.summary import print_released, released_as_json  # noqa: PLC0415 - Pulumi is slow to import
    from seawall.ops.deployment import target_of  # noqa: PLC0415 - slow to import
    from seawall.ops.release import rollback as roll_back  # noqa: PLC0415 - same

    kit = kit_here()
    target = target_of(kit, env)
    target.check_deployed()
    with kit.alone():
        if not target.own:
            _ask_first(f"roll back {env} on {target.place}", yes=yes)
        with _progress_bar(kit) as watcher:
            done = roll_back(target, watcher)
    if json:
        print_json(released_as_json(target, done))
    else:
        print_released(target, done)


def down(env: Env = "local", *, yes: Yes = False) -> None:
    """Delete what an environment deployed, with its data; a bundled cluster stays.

    `seawall cluster down` removes the bundled cluster and all local state.
    """
    from seawall.ops.deployment import target_of  # noqa: PLC0415 - slow to import

    kit = kit_here()
    target = target_of(kit, env)
    target.check_deployed()
    with kit.alone():
        _check_cluster_of(target)
        target.check_deployed_here()
        _ask_first(f"DELETE {env} from {target.place}, with its data", yes=yes)
        with _progress_bar(kit) as watcher:
            watcher.expect(target.engine.snapshot().resources or None)
            done = target.engine.destroy(on_progress=watcher.hear)
    kit.progress.note(done.line())


def _check_cluster_of(target: "Target") -> None:
    """Check the cluster before a deletion; the error names the command for a broken own cluster."""
    try:
        target.check_cluster()
    except ClusterError as error:
        if target.own is None:
            raise
        raise ClusterError(
            f"{error}; `seawall cluster down` removes the cluster with everything in it"
        ) from error


def _target(kit: "Kit", env: str, images: Mapping[str, str] | None) -> "Target":
    """The environment; an incomplete file is reported before a missing kubeconfig."""
    from seawall.ops.deployment import deployed_images, target_of  # noqa: PLC0415 - slow to import
    from seawall.ops.environments import check_environment  # noqa: PLC0415 - same

    try:
        return target_of(kit, env)
    except (ClusterError, UsageError):
        check_environment(kit.checkout, env, {**deployed_images(kit, env), **(images or {})})
        raise


def _built_images(kit: "Kit", cluster: "Cluster") -> dict[str, str]:
    from seawall.testbed.local_environment import prepare  # noqa: PLC0415 - only for bundled clusters

    return dict(prepare(kit, cluster))


def _built_references(kit: "Kit") -> dict[str, str]:
    """The images that `up` would build or use, so that a preview shows changed images."""
    from seawall.testbed.local_environment import references  # noqa: PLC0415 - only for bundled clusters

    return dict(references(kit))


def _progress_bar(kit: "Kit"):  # noqa: ANN202 - the context manager of `progress_bar`
    from seawall.cli.progress_bar import progress_bar  # noqa: PLC0415 - Pulumi is slow to import

    return progress_bar(kit)


def _ask_first(what: str, *, yes: bool) -> None:
    """Ask for confirmation on a terminal; without a terminal, `yes` is required.

    Raises:
        UsageError: the user did not confirm.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{what}: needs a confirmation, and there is no terminal; add --yes")
    if not typer.confirm(f"{what}: continue?", err=True):
        raise UsageError("nothing was done")


def _print_timings(timings: Mapping[str, float], begun: float, *, wanted: bool) -> None:
    if not wanted:
        return
    console = Console(stderr=True, highlight=False)
    for what, took in timings.items():
        console.print(f"timing: {what} {took:.2f} s")
    console.print(f"timing: total {time.perf_counter() - begun:.2f} s")
