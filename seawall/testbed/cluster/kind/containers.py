"""The nodes of a kind cluster as containers: looked at, and taken off and back to their network."""

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
    """What `docker ps` says of one."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(alias="Names")
    state: str = Field(alias="State")
    seen: str = Field(alias="Status")
    """For people: `Up 2 hours`."""
    networks: str = Field(alias="Networks")

    @property
    def runs(self) -> bool:
        """Whether its processes do."""
        return self.state == _RUNNING

    @property
    def is_cut(self) -> bool:
        """Whether it has no network."""
        return not self.networks


class _Place(BaseModel):
    """Where a container was before it was cut off."""

    network: str = _DEFAULT_NETWORK
    address: str = ""


@dataclass(frozen=True, slots=True)
class Containers:
    """The containers of one cluster.

    Attributes:
        cluster: its name.
        notes: folder for what must be known of nodes that are cut off.
    """

    cluster: str
    notes: Path

    def all(self) -> dict[str, Container]:
        """By name, the stopped ones too."""
        listed = docker(
            *("ps", "--all", "--filter", f"label=io.x-k8s.kind.cluster={self.cluster}"),
            *("--format", "{{json .}}"),
        )
        found = [Container.model_validate_json(line) for line in listed.splitlines()]
        return {container.name: container for container in found}

    def cut(self, container: Container) -> None:
        """Take a container off its network: no packet passes, and nobody is told."""
        if container.is_cut:
            return
        network = container.networks.split(",")[0]
        place = _Place(network=network, address=self._address(container.name))
        self.notes.mkdir(parents=True, exist_ok=True)
        self._note(container.name).write_text(place.model_dump_json())
        docker("network", "disconnect", network, container.name)

    def mend(self, container: Container) -> bool:
        """Give it its network back; whether it runs there with the address that it had.

        Docker gives out the lowest free address: another one where two nodes were cut off.
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
        """Start it, again where it runs; when that was.

        The node image's start puts the container's address into all settings of the node.
        """
        docker("restart" if container.runs else "start", container.name)
        self._note(container.name).unlink(missing_ok=True)
        told = docker("inspect", "--format", "{{.State.StartedAt}}", container.name).strip()
        # Kubernetes' own times are whole seconds.
        return _TIME.validate_python(told).replace(microsecond=0)

    def units(self, name: str, units: tuple[str, ...]) -> dict[str, str]:
        """What systemd says of each unit in a container that runs: active or not."""
        shown = docker("exec", name, "systemctl", "show", "--property=ActiveState", *units)
        states = [line.partition("=")[2] for line in shown.split() if line]
        return dict(zip(units, states, strict=False))

    def images(self, name: str) -> list[str]:
        """The references that a node has."""
        return docker(
            *("exec", name, "ctr", "--namespace=k8s.io", "images", "list", "--quiet")
        ).split()

    def _address(self, name: str) -> str:
        networks = docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", name)
        found: dict[str, dict[str, object]] = json.loads(networks)
        return next((str(network["IPAddress"]) for network in found.values()), "")

    def _note(self, name: str) -> Path:
        return self.notes / f"{name}.json"
