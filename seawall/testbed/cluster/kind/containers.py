"""The containers of a kind cluster: inspect them, and cut and reconnect their network."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from seawall.testbed.cluster.kind.programs import docker

__all__ = ["Container", "Containers"]

_DEFAULT_NETWORK = "kind"
_RUNNING = "running"
_TIME: TypeAdapter[datetime] = TypeAdapter(datetime)


class Container(BaseModel):
    """One container, as listed by `docker ps`."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(alias="Names")
    state: str = Field(alias="State")
    seen: str = Field(alias="Status")
    """Text for the user, such as `Up 2 hours`."""
    networks: str = Field(alias="Networks")

    @property
    def runs(self) -> bool:
        """Whether the container runs."""
        return self.state == _RUNNING

    @property
    def is_cut(self) -> bool:
        """Whether it has no network."""
        return not self.networks


class _Place(BaseModel):
    """The network and the address of a container before it was cut off."""

    network: str = _DEFAULT_NETWORK
    address: str = ""


@dataclass(frozen=True, slots=True)
class Containers:
    """The containers of one cluster.

    Attributes:
        cluster: the name of the cluster.
        notes: folder for the network and the address of each node that is cut off.
    """

    cluster: str
    notes: Path

    def all(self) -> dict[str, Container]:
        """All containers by name, including stopped ones."""
        listed = docker(
            *("ps", "--all", "--filter", f"label=io.x-k8s.kind.cluster={self.cluster}"),
            *("--format", "{{json .}}"),
        )
        found = [Container.model_validate_json(line) for line in listed.splitlines()]
        return {container.name: container for container in found}

    def cut(self, container: Container) -> None:
        """Disconnect a container from its network; no process is notified."""
        if container.is_cut:
            return
        network = container.networks.split(",")[0]
        place = _Place(network=network, address=self._address(container.name))
        self.notes.mkdir(parents=True, exist_ok=True)
        self._note(container.name).write_text(place.model_dump_json())
        docker("network", "disconnect", network, container.name)

    def mend(self, container: Container) -> bool:
        """Reconnect a container; returns False if it runs with another address than before.

        Docker assigns the lowest free address, which may differ when two nodes were cut off.
        """
        note = self._note(container.name)
        if not container.is_cut and not note.exists():
            return True
        place = _Place.model_validate_json(note.read_text()) if note.exists() else _Place()
        if container.is_cut:
            docker("network", "connect", place.network, container.name)
        same = not container.runs or self._address(container.name) == place.address
        if same:
            note.unlink(missing_ok=True)
        return same

    def start(self, container: Container) -> datetime:
        """Start a container, or restart it if it runs; returns the time of the start.

        The entrypoint of the node image writes the container's address into the node's settings.
        """
        docker("restart" if container.runs else "start", container.name)
        self._note(container.name).unlink(missing_ok=True)
        text = docker("inspect", "--format", "{{.State.StartedAt}}", container.name).strip()
        # Times in Kubernetes are whole seconds.
        return _TIME.validate_python(text).replace(microsecond=0)

    def units(self, name: str, units: tuple[str, ...]) -> dict[str, str]:
        """The systemd state of each unit in a running container, such as `active`."""
        shown = docker("exec", name, "systemctl", "show", "--property=ActiveState", *units)
        states = [line.partition("=")[2] for line in shown.split() if line]
        return dict(zip(units, states, strict=False))

    def images(self, name: str) -> list[str]:
        """The image references on a node."""
        return docker(
            *("exec", name, "ctr", "--namespace=k8s.io", "images", "list", "--quiet")
        ).split()

    def _address(self, name: str) -> str:
        networks = docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", name)
        found: dict[str, dict[str, object]] = json.loads(networks)
        return next((str(network["IPAddress"]) for network in found.values()), "")

    def _note(self, name: str) -> Path:
        return self.notes / f"{name}.json"
