"""Names and addresses of a checkout's bundled cluster, derived from the checkout.

Two checkouts get different names and different addresses. Each prefers one of 64 ranges, takes the
next one without a route, and records it, so that an existing cluster keeps its range.

Inside 10.N.0.0/16:
    10.N.0.0/24     machines: .1 this host, .10 control plane, .11 and up the nodes
    10.N.16.0/20    Services: .16.1 the API server, .16.10 DNS
    10.N.128.0/17   pods: 10.N.(128 + i).0/24 on node i
"""

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ValidationError

from seawall.common.errors import UsageError
from seawall.testbed.cluster.own_cluster import OwnCluster
from seawall.testbed.cluster.routes import in_the_way, routes

__all__ = ["MAX_NODES", "Instance", "Note", "instance_of", "read_note", "write_note"]

MAX_NODES = 32
_FIRST_RANGE, _RANGES = 64, 64
_CONTROL_PLANE = "cp"


@dataclass(frozen=True, slots=True)
class Instance:
    """One bundled cluster on this machine; only the embedded cluster uses the addresses.

    Attributes:
        name: at most 8 characters, because interface names have at most 15.
        octet: the N of its 10.N.0.0/16.
        nodes: the number of nodes.
        data: folder with disks, keys and logs; removed by `down`.
    """

    name: str
    octet: int
    nodes: int
    data: Path

    @property
    def machines(self) -> tuple[str, ...]:
        """The control plane, then the nodes."""
        return (_CONTROL_PLANE, *self.node_machines)

    @property
    def node_machines(self) -> tuple[str, ...]:
        """n1, n2, ..."""
        return tuple(f"n{i}" for i in range(1, self.nodes + 1))

    @staticmethod
    def node_name(machine: str) -> str:
        """The Kubernetes name of a node machine: n1 is node1."""
        return f"node{machine.removeprefix('n')}"

    @property
    def network(self) -> str:
        """The address range of the instance."""
        return f"10.{self.octet}.0.0/16"

    @property
    def leg(self) -> str:
        """The host's interface to the instance's network."""
        return f"{self.name}h"

    @property
    def host_address(self) -> str:
        """The address of this host in the instance's network."""
        return f"10.{self.octet}.0.1"

    @property
    def api_server(self) -> str:
        """URL of the API server."""
        return f"https://{self.address('cp')}:6443"

    @property
    def service_range(self) -> str:
        """The range of the ClusterIPs."""
        return f"10.{self.octet}.16.0/20"

    @property
    def api_service(self) -> str:
        """ClusterIP of the Service `kubernetes`: the first of the range."""
        return f"10.{self.octet}.16.1"

    @property
    def dns_service(self) -> str:
        """ClusterIP of the cluster's DNS."""
        return f"10.{self.octet}.16.10"

    @property
    def pod_range(self) -> str:
        """The range of all pods."""
        return f"10.{self.octet}.128.0/17"

    def address(self, machine: str) -> str:
        """The machine's address on the instance's network."""
        last = 10 if machine == _CONTROL_PLANE else 10 + int(machine.removeprefix("n"))
        return f"10.{self.octet}.0.{last}"

    def mac(self, machine: str) -> str:
        """A fixed MAC address: a random one would leave stale ARP entries after a restart."""
        last = int(self.address(machine).rsplit(".", 1)[1])
        return f"02:5e:a0:{self.octet:02x}:00:{last:02x}"

    def node_pod_range(self, machine: str) -> str:
        """The range of the pods of one node."""
        return f"10.{self.octet}.{127 + int(machine.removeprefix('n'))}.0/24"

    def home(self, machine: str) -> Path:
        """The folder of a machine."""
        return self.data / machine


def instance_of(home: Path, *, nodes: int) -> Instance:
    """The instance that belongs to a checkout's state folder (or to that of the tests).

    $SEAWALL_STATE_DIR moves the data away from /var/lib/seawall. $SEAWALL_RANGE chooses the N; by
    default it is the N of the existing cluster, or the first one without a route.

    Raises:
        ClusterError: `ip` failed.
        UsageError: `nodes` or $SEAWALL_RANGE is out of range.
    """
    if not 1 <= nodes <= MAX_NODES:
        raise UsageError(f"nodes: {nodes} is not between 1 and {MAX_NODES}")
    digest = hashlib.sha256(str(home.resolve()).encode()).hexdigest()
    name = f"sw{digest[:6]}"
    state = Path(os.environ.get("SEAWALL_STATE_DIR") or "/var/lib/seawall").resolve()
    preferred = Instance(name, _octet(int(digest[6:10], 16)), nodes, state / name)
    chosen = _chosen_octet()
    if chosen is None:
        note = read_note(preferred.data)
        chosen = note.octet if note else _free_octet(preferred)
    return replace(preferred, octet=chosen)


def _octet(number: int) -> int:
    return _FIRST_RANGE + number % _RANGES


def _free_octet(preferred: Instance) -> int:
    """The first N without a route or another cluster; the preferred one when all are taken."""
    found = routes()
    parent = preferred.data.parent
    notes = [read_note(data) for data in parent.iterdir()] if parent.is_dir() else []
    # This includes stopped clusters: their keys are valid for their addresses only.
    others = {note.octet for note in notes if note}
    for step in range(_RANGES):
        instance = replace(preferred, octet=_octet(preferred.octet - _FIRST_RANGE + step))
        free = not in_the_way(found, instance.network, leg=instance.leg)
        if free and instance.octet not in others:
            return instance.octet
    return preferred.octet


def _chosen_octet() -> int | None:
    text = os.environ.get("SEAWALL_RANGE", "")
    if not text:
        return None
    last = _FIRST_RANGE + _RANGES - 1
    if not text.isdecimal() or not _FIRST_RANGE <= int(text) <= last:
        raise UsageError(f"SEAWALL_RANGE: {text!r} is not a number from {_FIRST_RANGE} to {last}")
    return int(text)


class Note(BaseModel):
    """The note in an instance's folder, for `status` and for other checkouts."""

    checkout: str
    octet: int
    nodes: int
    kind: OwnCluster = OwnCluster.EMBEDDED
    node_image: str | None = None


def write_note(
    instance: Instance,
    checkout: Path,
    kind: OwnCluster = OwnCluster.EMBEDDED,
    node_image: str | None = None,
) -> None:
    """Record the owner, the kind and the size of the instance."""
    note = Note(
        checkout=str(checkout),
        octet=instance.octet,
        nodes=instance.nodes,
        kind=kind,
        node_image=node_image,
    )
    (instance.data / "note.json").write_text(note.model_dump_json())


def read_note(data: Path) -> Note | None:
    """The note in an instance's folder; None when there is none."""
    try:
        return Note.model_validate_json((data / "note.json").read_text())
    except (OSError, ValidationError):
        return None
