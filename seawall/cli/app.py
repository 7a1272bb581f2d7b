"""The root of the `seawall` command: its options and its groups of subcommands."""

from dataclasses import asdict
from typing import Annotated

import typer

from seawall.cli import cluster, configuration, deployment, inspection, passthrough, state
from seawall.cli.options import Json, kit_here, print_json

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Deploy and operate a resilient LLM gateway. ENV is an environment's name: local, or one "
    "of your Pulumi.<env>.yaml files. kubectl and query use the environment that SEAWALL_ENV "
    "names, or `local` when it is not set.",
    epilog="Exit codes: 0 success; 1 failure; 2 the request or the configuration is wrong; "
    "3 something differs (preview --expect-no-changes, status, cluster status, doctor); "
    "4 another run is under way; 130 interrupted.",
)
deployment.register(app)
inspection.register(app)
passthrough.register(app)
app.add_typer(cluster.app, name="cluster")
app.add_typer(configuration.config_app, name="config")
app.add_typer(configuration.env_app, name="env")
app.add_typer(state.app, name="state")


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - the signature of a callback
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - only here

        typer.echo(f"seawall {version('seawall')}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    del version


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8080,
) -> None:
    """Start only the gateway, in seconds: state in memory, simulated providers, no cluster."""
    from seawall.ops.serve import serve as serve_alone  # noqa: PLC0415 - only here
    from seawall.testbed.preflight import check_port  # noqa: PLC0415 - only here

    check_port(host, port)
    raise typer.Exit(serve_alone(host, port))


@app.command()
def doctor(*, json: Json = False) -> None:
    """Check this machine and say what to do; exit code 3 when `make up` would fail."""
    from seawall.cli.tables import print_findings  # noqa: PLC0415 - Pulumi is slow to import
    from seawall.ops.doctor import State, examine  # noqa: PLC0415 - only here

    found = list(examine(kit_here()))
    if json:
        print_json(
            {"findings": [{**asdict(finding), "state": finding.state.value} for finding in found]}
        )
    else:
        print_findings(found)
    if any(finding.state is State.BAD for finding in found):
        raise typer.Exit(3)
