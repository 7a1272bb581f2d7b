"""`seawall cluster`: the bundled Kubernetes cluster."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from seawall.cli.options import Json, Nodes, kit_here, print_json
from seawall.testbed.cluster.own_cluster import OwnCluster

if TYPE_CHECKING:
    from seawall.testbed.cluster.interface import Cluster
    from seawall.testbed.kit import Kit

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Operate the bundled Kubernetes cluster.")
node_app = typer.Typer(no_args_is_help=True, help="Stop, start and partition nodes.")
app.add_typer(node_app, name="node")

NodeName = Annotated[str, typer.Argument(metavar="NAME", help="A name from `kubectl get nodes`.")]


Kind = Annotated[
    OwnCluster | None,
    typer.Option(help="Kind of cluster; default: the existing one, or else the embedded one."),
]


@app.command()
def up(nodes: Nodes = None, kind: Kind = None) -> None:
    """Start the cluster, or restart those of its processes that were killed."""
    kit = kit_here(nodes=nodes)
    cluster = kit.cluster(kind)
    cluster.check_user()
    cluster.check_host()
    with kit.alone():
        kit.claim_home()
        kit.start(cluster)
    Console().print(f"kubeconfig: {cluster.kubeconfig}", soft_wrap=True)


@app.command()
def down() -> None:
    """Remove the cluster, and all local state: a stack cannot exist without its cluster."""
    from seawall.testbed.local_environment import remove_everything  # noqa: PLC0415 - slow to import

    kit = kit_here()
    with kit.progress.step("remove the local environment", estimate_s=5):
        remove_everything(kit)


@app.command()
def status(*, json: Json = False) -> None:
    """Show whether every machine and daemon runs; exit code 3 when one does not."""
    from seawall.cli.tables import parts_table  # noqa: PLC0415 - Pulumi is slow to import

    cluster = kit_here().cluster()
    parts = cluster.status()
    if json:
        print_json({"place": cluster.place, "parts": [asdict(part) for part in parts]})
    else:
        Console().print(parts_table(cluster.place, parts))
    if not all(part.ok for part in parts):
        raise typer.Exit(3)


@app.command()
def logs(
    part: Annotated[str, typer.Argument(help="A name from `cluster status`, such as n1/kubelet.")],
) -> None:
    """Print the log of one daemon."""
    typer.echo(kit_here().cluster().logs(part), nl=False)


@node_app.command()
def stop(name: NodeName) -> None:
    """Power a node off at once, like a machine that breaks; its disk stays."""
    with _alone() as (_, cluster):
        cluster.stop_node(name)


@node_app.command()
def start(name: NodeName) -> None:
    """Boot a stopped node, and wait until it is Ready."""
    with _alone() as (kit, cluster), kit.progress.step(f"start {name}", estimate_s=6):
        cluster.start_node(name)


@node_app.command()
def partition(name: NodeName) -> None:
    """Cut a node off from the network; its containers keep running, but are unreachable."""
    with _alone() as (_, cluster):
        cluster.partition_node(name)


@node_app.command()
def heal(name: NodeName) -> None:
    """Reconnect a partitioned node to the network."""
    with _alone() as (_, cluster):
        cluster.heal_node(name)


@contextmanager
def _alone() -> Generator[tuple["Kit", "Cluster"]]:
    """The existing cluster, locked for changes by this process; checks the user's permission."""
    kit = kit_here()
    cluster = kit.cluster()
    cluster.check_user()
    with kit.alone():
        yield kit, cluster
