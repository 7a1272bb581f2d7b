"""The command's root: its options, and the groups of commands that it consists of."""

import os
import sys
from typing import Annotated

import typer

from seawall.cli import cluster, configuration, deployment, looking, state
from seawall.host import check_port
from seawall.kit import kit_here

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Deploy and operate a resilient LLM gateway. ENV is an environment's name: local, or one "
    "of your Pulumi.<env>.yaml files.",
    epilog="Exit codes: 0 done; 1 it failed; 2 the request or the configuration is wrong; "
    "3 something differs (preview --expect-no-changes, status); 4 another run is under way; "
    "130 interrupted.",
)
deployment.register(app)
looking.register(app)
app.add_typer(cluster.app, name="cluster")
app.add_typer(configuration.config_app, name="config")
app.add_typer(configuration.env_app, name="env")
app.add_typer(state.app, name="state")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8080,
) -> None:
    """The gateway alone, in seconds: state in memory, simulated providers, no cluster."""
    from service.standalone import serve as serve_standalone  # noqa: PLC0415 - only here

    check_port(host, port)
    raise typer.Exit(serve_standalone(host, port))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def kubectl() -> None:
    """Run kubectl against the embedded cluster; all arguments are kubectl's own."""
    # Taken as they were typed: the parser would swallow the `--` before a command for a pod.
    own = sys.argv[sys.argv.index("kubectl") + 1 :]
    command = kit_here().cluster().kubectl().arguments(own)
    os.execv(command[0], command)  # noqa: S606 - no shell wanted
