"""`seawall cluster`: the kit's own Kubernetes cluster."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from seawall.cli.options import Nodes
from seawall.cli.tables import parts_table
from seawall.testbed.cluster.instance import OwnCluster
from seawall.testbed.cluster.interface import Cluster
from seawall.testbed.kit import Kit, kit_here
from seawall.testbed.local_environment import remove_everything

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The kit's own Kubernetes cluster.")
node_app = typer.Typer(no_args_is_help=True, help="Take nodes away and give them back.")
app.add_typer(node_app, name="node")

NodeName = Annotated[str, typer.Argument(metavar="NAME", help="As in `kubectl get nodes`.")]


Kind = Annotated[
    OwnCluster | None,
    typer.Option(help="Which kind; the one that is there when not given, else the embedded one."),
]


@app.command()
def up(nodes: Nodes = None, kind: Kind = None) -> None:
    """Start the cluster, or repair what was killed of it."""
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
    """Remove the cluster; the same as `seawall down`, since a stack cannot outlive its cluster."""
    kit = kit_here()
    with kit.progress.step("remove the local environment", estimate_s=5):
        remove_everything(kit)


@app.command()
def status() -> None:
    """Every machine and daemon, and whether it runs; exit code 3 when one does not."""
    cluster = kit_here().cluster()
    parts = cluster.status()
    Console().print(parts_table(cluster.place, parts))
    if not all(part.ok for part in parts):
        raise typer.Exit(3)


@app.command()
def logs(
    part: Annotated[str, typer.Argument(help="As in `cluster status`, such as n1/kubelet.")],
) -> None:
    """The log of one daemon."""
    typer.echo(kit_here().cluster().logs(part), nl=False)


@node_app.command()
def stop(name: NodeName) -> None:
    """Power a node off at once, as a broken machine would be; its disk stays."""
    with _alone() as (_, cluster):
        cluster.stop_node(name)


@node_app.command()
def start(name: NodeName) -> None:
    """Boot a node that was stopped, and wait until it is Ready."""
    with _alone() as (kit, cluster), kit.progress.step(f"start {name}", estimate_s=6):
        cluster.start_node(name)


@node_app.command()
def partition(name: NodeName) -> None:
    """Cut a node off from the network; its containers go on, and nobody reaches them."""
    with _alone() as (_, cluster):
        cluster.partition_node(name)


@node_app.command()
def heal(name: NodeName) -> None:
    """End a partition."""
    with _alone() as (_, cluster):
        cluster.heal_node(name)


@contextmanager
def _alone() -> Generator[tuple[Kit, Cluster]]:
    """The cluster that is there, for one who may change it, and nobody else meanwhile."""
    kit = kit_here()
    cluster = kit.cluster()
    cluster.check_user()
    with kit.alone():
        yield kit, cluster
