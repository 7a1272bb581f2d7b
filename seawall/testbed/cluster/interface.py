"""The interface of every kind of bundled cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from seawall.kube.kubectl import Kubectl
from seawall.testbed.toolchain.images import Image

__all__ = ["Cluster", "Part"]


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a status table.

    Attributes:
        name: machine or machine/daemon.
        ok: whether it works.
        detail: the observed state, as text.
    """

    name: str
    ok: bool
    detail: str


class Cluster(Protocol):
    """A cluster that can be started, inspected and removed."""

    @property
    def place(self) -> str:
        """The cluster in words, for questions and messages."""
        ...

    @property
    def reachable(self) -> bool:
        """Whether this machine can connect to the addresses of pods and Services."""
        ...

    @property
    def tools(self) -> tuple[str, ...]:
        """The builds (`seawall.testbed.toolchain.go`) that the cluster needs to start."""
        ...

    @property
    def kubeconfig(self) -> Path:
        """File with administrator credentials; it exists after `up` has returned."""
        ...

    def kubectl(self) -> Kubectl:
        """A kubectl with administrator credentials.

        Raises:
            ClusterError: the cluster has never been started.
        """
        ...

    def check_user(self) -> None:
        """Make sure that this user may start and remove the cluster.

        Raises:
            HostError: the user may not; says what to do.
        """
        ...

    def check_host(self) -> None:
        """Make sure that this machine can run the cluster.

        Raises:
            HostError: something is missing; says what to do.
        """
        ...

    def build(self) -> None:
        """Build the programs and images for `up`: slow the first time, instant from the cache.

        Raises:
            BuildError, HostError: something could not be installed or built.
        """
        ...

    def up(self) -> None:
        """Start what does not run, repair what is broken, return when nodes are Ready.

        Raises:
            HostError: this machine cannot run the cluster; nothing was started.
            ClusterError: the cluster did not become ready in time.
        """
        ...

    def load(self, images: Sequence[Image]) -> None:
        """Make images available on every node.

        Raises:
            ClusterError: a node could not import an image.
        """
        ...

    def down(self) -> None:
        """Remove every trace; safe to call at any time, also twice."""
        ...

    def stop_node(self, name: str) -> None:
        """Power a node off at once, without any farewell to the cluster; its disk stays.

        Raises:
            UsageError: there is no such node, or it does not run.
        """
        ...

    def start_node(self, name: str) -> None:
        """Boot a stopped node, and return when it is Ready.

        Raises:
            UsageError: there is no such node, or it runs.
            ClusterError: it did not become Ready in time.
        """
        ...

    def partition_node(self, name: str) -> None:
        """Cut a node off from the network; its containers keep running.

        Raises:
            UsageError: there is no such node, or it does not run.
        """
        ...

    def heal_node(self, name: str) -> None:
        """Reconnect a partitioned node to the network.

        Raises:
            UsageError: there is no such node, or it is not cut off.
        """
        ...

    def status(self) -> list[Part]:
        """The state of every part; changes nothing."""
        ...

    def logs(self, part: str) -> str:
        """The log of one part, named as in `status`.

        Raises:
            UsageError: there is no such part.
        """
        ...
