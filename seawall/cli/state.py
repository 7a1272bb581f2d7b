"""`seawall state`: copies of a stack's state, and its lock."""

from pathlib import Path
from typing import Annotated

import typer

from seawall.cli.options import Env, kit_here

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="Back up, restore and unlock the state of an environment."
)


@app.command()
def backup(
    env: Env,
    to: Annotated[Path | None, typer.Option(help="The file to write; default: a new file.")] = None,
) -> None:
    """Write a copy of the state; its secrets stay encrypted."""
    from seawall.engine.state import backup_state  # noqa: PLC0415 - Pulumi is slow to import
    from seawall.ops.deployment import engine_of  # noqa: PLC0415 - slow to import

    kit = kit_here()
    with kit.alone():
        typer.echo(backup_state(engine_of(kit, env), to))


@app.command()
def restore(
    env: Env, file: Annotated[Path, typer.Argument(help="A copy that `state backup` wrote.")]
) -> None:
    """Replace the stack's state with a copy; the next `up` adopts what was deployed since."""
    from seawall.engine.state import restore_state  # noqa: PLC0415 - Pulumi is slow to import
    from seawall.ops.deployment import engine_of  # noqa: PLC0415 - slow to import

    kit = kit_here()
    with kit.alone():
        kept = restore_state(engine_of(kit, env), file)
    before = f"the previous state is in {kept}" if kept else "there was no previous state"
    typer.echo(f"restored; {before}")
    typer.echo(f"next: seawall preview {env}")


@app.command()
def unlock(env: Env) -> None:
    """Remove the lock of an update whose machine is gone."""
    from seawall.engine.state import unlock_state  # noqa: PLC0415 - Pulumi is slow to import
    from seawall.ops.deployment import engine_of  # noqa: PLC0415 - slow to import

    kit = kit_here()
    with kit.alone():
        held = unlock_state(engine_of(kit, env))
    typer.echo(
        "the state was not locked"
        if not held
        else f"removed the lock of {', '.join(map(str, held))}"
    )
