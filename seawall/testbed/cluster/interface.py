"""What the rest of the kit may ask of a cluster, whichever kind it is."""

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
        ok: whether it does its work.
        detail: what was seen, for people.
    """

    name: str
    ok: bool
    detail: str


class Cluster(Protocol):
    """A cluster that can be started, looked at and removed."""

    @property
    def place(self) -> str:
        """The cluster in words, for questions and messages."""
        ...

    @property
    def reachable(self) -> bool:
        """Whether this machine reaches pods and Services by their addresses."""
        ...

    @property
    def tools(self) -> tuple[str, ...]:
        """The builds (`seawall.testbed.toolchain.go`) that it cannot start without."""
        ...

    @property
    def kubeconfig(self) -> Path:
        """File with administrator credentials; there once `up` has returned."""
        ...

    def kubectl(self) -> Kubectl:
        """A kubectl with administrator credentials.

        Raises:
            ClusterError: the cluster has never been started.
        """
        ...

    def check_user(self) -> None:
        """Make sure that this user may start it and remove it.

        Raises:
            HostError: not on this machine; says what to do.
        """
        ...

    def check_host(self) -> None:
        """Make sure that this machine can carry it.

        Raises:
            HostError: something is missing; says what to do.
        """
        ...

    def build(self) -> None:
        """Build what `up` needs: long the first time, at once when it is in the cache.

        Raises:
            BuildError, HostError: something could not be installed or built.
        """
        ...

    def up(self) -> None:
        """Start what does not run, repair what is broken, return when nodes are Ready.

        Raises:
            HostError: this machine cannot carry it; nothing was started.
            ClusterError: it did not become ready in time.
        """
        ...

    def load(self, images: Sequence[Image]) -> None:
        """Make images available on every node.

        Raises:
            ClusterError: a node did not take one.
        """
        ...

    def down(self) -> None:
        """Remove every trace; safe to call at any time, also twice."""
        ...

    def stop_node(self, name: str) -> None:
        """Take a node's power away: it is gone at once and says nothing; its disk stays.

        Raises:
            UsageError: there is no such node, or it does not run.
        """
        ...

    def start_node(self, name: str) -> None:
        """Boot a node that was stopped, and return when it is Ready.

        Raises:
            UsageError: there is no such node, or it runs.
            ClusterError: it did not become Ready in time.
        """
        ...

    def partition_node(self, name: str) -> None:
        """Cut a node off from everybody; its containers go on.

        Raises:
            UsageError: there is no such node, or it does not run.
        """
        ...

    def heal_node(self, name: str) -> None:
        """End a partition.

        Raises:
            UsageError: there is no such node, or it is not cut off.
        """
        ...

    def status(self) -> list[Part]:
        """The state of every part, without changing any."""
        ...

    def logs(self, part: str) -> str:
        """The log of one part, named as in `status`.

        Raises:
            UsageError: there is no such part.
        """
        ...
