"""The commands and their options; each hands over to the module that does the work."""

import os
import sys
from typing import Annotated

import typer
from rich.console import Console

from seawall.cli.tables import parts_table
from seawall.host import check_kernel, check_port, check_root
from seawall.kit import kit_here

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Deploy and operate a resilient LLM gateway.",
)
cluster_app = typer.Typer(no_args_is_help=True, help="The embedded Kubernetes cluster.")
app.add_typer(cluster_app, name="cluster")

Nodes = Annotated[
    int | None, typer.Option(help="How many nodes; those it has, else one, when not given.")
]


@app.command()
def up(nodes: Nodes = None) -> None:
    """Everything from nothing to a gateway that answers, on this machine; safe to repeat."""
    from seawall.cli.summary import print_up  # noqa: PLC0415 - Pulumi is slow to import
    from seawall.local import bring_up  # noqa: PLC0415 - same

    kit = kit_here(nodes=nodes)
    print_up(kit, bring_up(kit))


@app.command()
def down() -> None:
    """Remove the local environment and its cluster; nothing is left but the cache of builds."""
    from seawall.local import bring_down  # noqa: PLC0415 - Pulumi is slow to import

    kit = kit_here()
    with kit.progress.step("remove the local environment", estimate_s=5):
        bring_down(kit)


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


@cluster_app.command("up")
def cluster_up(nodes: Nodes = None) -> None:
    """Start the cluster, or repair what was killed of it."""
    check_root()
    check_kernel()
    kit = kit_here(nodes=nodes)
    with kit.alone():
        kit.claim_home()
        cluster = kit.start_cluster()
    Console().print(f"kubeconfig: {cluster.kubeconfig}", soft_wrap=True)


@cluster_app.command("down")
def cluster_down() -> None:
    """Remove the cluster; the same as `seawall down`, since a stack cannot outlive its cluster."""
    down()


@cluster_app.command("status")
def cluster_status() -> None:
    """Every machine and daemon, and whether it runs; exit code 1 when one does not."""
    kit = kit_here()
    parts = kit.cluster().status()
    Console().print(parts_table(kit, parts))
    if not all(part.ok for part in parts):
        raise typer.Exit(1)


@cluster_app.command("logs")
def cluster_logs(
    part: Annotated[str, typer.Argument(help="As in `cluster status`, such as n1/kubelet.")],
) -> None:
    """The log of one daemon."""
    typer.echo(kit_here().cluster().logs(part), nl=False)
