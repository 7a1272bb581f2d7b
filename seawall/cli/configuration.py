"""`seawall config` and `seawall env`: check and create the file of an environment."""

from typing import Annotated

import typer

from seawall.cli.options import Json, kit_here, print_json
from seawall.common.errors import SeawallError

__all__ = ["config_app", "env_app"]

config_app = typer.Typer(no_args_is_help=True, help="Check the configuration of environments.")
env_app = typer.Typer(no_args_is_help=True, help="Create environments: one Pulumi.<env>.yaml each.")

_WRONG = 2


@config_app.command("check")
def check(
    envs: Annotated[
        list[str] | None, typer.Argument(metavar="[ENV]...", help="Default: all environments.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Check values, combinations and policies without a cluster; exit code 2 when one is wrong."""
    from seawall.engine.workspace import environments  # noqa: PLC0415 - same
    from seawall.ops.environments import check_environment  # noqa: PLC0415 - Pulumi is slow to import

    kit = kit_here()
    found: dict[str, str | None] = {}
    for env in envs or environments(kit.checkout):
        try:
            line = check_environment(kit.checkout, env)
        except SeawallError as wrong:
            found[env] = str(wrong)
            if not json:
                typer.echo(f"{env}: WRONG: {wrong}")
        else:
            found[env] = None
            if not json:
                typer.echo(f"{env}: {line}")
    if json:
        print_json({"environments": found})
    if any(found.values()):
        raise typer.Exit(_WRONG)


@env_app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and dashes.")],
    template: Annotated[
        str, typer.Option("--from", help="The environment whose file is copied.")
    ] = "dev",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Such as images.gateway=<reference>."),
    ] = None,
) -> None:
    """Create Pulumi.<name>.yaml from another environment's file; no file when a value is wrong."""
    from seawall.engine.errors import IncompleteError, PolicyError  # noqa: PLC0415 - same
    from seawall.ops.environments import check_environment, new_environment  # noqa: PLC0415 - Pulumi is slow to import

    kit = kit_here()
    changes: list[str] = []
    file = new_environment(
        kit.checkout, name, template=template, values=set_ or [], tell=changes.append
    )
    try:
        line = check_environment(kit.checkout, name)
    except (IncompleteError, PolicyError) as open_ends:
        line = f"still to do: {open_ends}"
    except SeawallError:
        file.unlink()
        raise
    for words in (*changes, f"made {file.name}", line):
        typer.echo(words)
