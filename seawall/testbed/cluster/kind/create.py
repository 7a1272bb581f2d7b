"""Create, restart and remove the containers of a kind cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from seawall.common.errors import ClusterError, UsageError
from seawall.testbed.cluster.instance import Instance, read_note, write_note
from seawall.testbed.cluster.kind.config import control_plane_name, kind_config, worker_names
from seawall.testbed.cluster.kind.containers import Container, Containers
from seawall.testbed.cluster.kind.programs import kind
from seawall.testbed.cluster.own_cluster import OwnCluster

__all__ = ["Maker"]

_CREATE_S = 20 * 60.0
"""kind first pulls a node image of about one gigabyte."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Creates and removes one cluster.

    Attributes:
        instance: its name, its number of nodes and its folder.
        owner: the checkout, recorded so that other checkouts can name the owner of the cluster.
        node_image: the image that selects the Kubernetes version; see `KindCluster`.
        containers: the containers of the cluster.
        kubeconfig: the file for the credentials.
    """

    instance: Instance
    owner: Path
    node_image: str | None
    containers: Containers
    kubeconfig: Path

    def ensure(self) -> Mapping[str, datetime]:
        """Create the cluster, or restart its containers.

        Returns:
            The start time of each existing node that had to be started.

        Raises:
            UsageError: the cluster was made with other nodes than those requested now.
            ClusterError: kind failed, or the container of a node was removed.
        """
        found = self.containers.all()
        if not found:
            return self._make()
        if not self._made.exists():
            if read_note(self.instance.data) is None:
                raise UsageError(
                    f"there are containers of a kind cluster {self.instance.name}, but "
                    f"{self.instance.data} has no record of them: a run with another "
                    "SEAWALL_STATE_DIR, or another user, made them; set SEAWALL_STATE_DIR to that "
                    "folder, or remove them with "
                    f"`kind delete cluster --name={self.instance.name}`"
                )
            self.delete()  # the remains of a killed kind
            return self._make()
        self._check_unchanged()
        names = [control_plane_name(self.instance), *worker_names(self.instance).values()]
        gone = [name for name in names if name not in found]
        if gone:
            raise ClusterError(
                f"{', '.join(gone)} was removed, and kind cannot add a node: remove the cluster "
                "and all state with `seawall cluster down`, then recreate it with `seawall up`"
            )
        started = [self._bring_back(found[name]) for name in names]
        self._write_credentials()
        return {name: when for name, when in zip(names, started, strict=True) if when is not None}

    def delete(self) -> None:
        """Remove the containers and their disks; nothing happens when there are none."""
        kind("delete", "cluster", *self._where, timeout_s=120)

    def _make(self) -> Mapping[str, datetime]:
        for note in (self._made, self.instance.data / "addons"):
            note.unlink(missing_ok=True)
        # Written before kind starts, so that `down` finds the remains of a killed kind.
        write_note(self.instance, self.owner, OwnCluster.KIND, self.node_image)
        config = self.instance.data / "kind.yaml"
        config.write_text(kind_config(self.instance, self.node_image))
        kind("create", "cluster", *self._where, f"--config={config}", timeout_s=_CREATE_S)
        self.kubeconfig.chmod(0o600)
        self._made.touch()
        return {}

    def _check_unchanged(self) -> None:
        note = read_note(self.instance.data)
        if note is None:
            return
        asked = (self.instance.nodes, self.node_image or note.node_image)
        made = (note.nodes, note.node_image)
        if asked != made:
            raise UsageError(
                f"the cluster was made with {_words(*made)}, and {_words(*asked)} are asked for: "
                "kind cannot change that; `seawall cluster down` removes it with all state"
            )

    def _bring_back(self, container: Container) -> datetime | None:
        if self.containers.mend(container) and container.runs:
            return None
        return self.containers.start(container)

    def _write_credentials(self) -> None:
        """Write the kubeconfig; needed after each start, because Docker chooses the port."""
        kind("export", "kubeconfig", *self._where)
        self.kubeconfig.chmod(0o600)

    @property
    def _made(self) -> Path:
        """The file that exists once kind has created the whole cluster."""
        return self.instance.data / "made"

    @property
    def _where(self) -> tuple[str, str]:
        # Without --kubeconfig, kind would write to the user's own kubeconfig.
        return (f"--name={self.instance.name}", f"--kubeconfig={self.kubeconfig}")


def _words(nodes: int, image: str | None) -> str:
    return f"{nodes} nodes of {image or 'the default image of kind'}"
