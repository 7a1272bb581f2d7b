"""Starts machines with their daemons and settings, and waits for their registration as nodes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seawall.kube.kubectl import Kubectl
from seawall.testbed.cluster import readiness
from seawall.testbed.cluster.artifacts import Supplies
from seawall.testbed.cluster.control_plane import control_plane_daemons
from seawall.testbed.cluster.image_store import clone_store
from seawall.testbed.cluster.init import DaemonSpec
from seawall.testbed.cluster.instance import Instance
from seawall.testbed.cluster.machine import Machine
from seawall.testbed.cluster.node import node_daemons, write_node_settings
from seawall.testbed.cluster.proxy import write_proxy_settings

__all__ = ["Boots", "daemons_of", "register"]

_SETTINGS = {".toml", ".json", ".conflist"}


def daemons_of(instance: Instance, machine: str) -> list[DaemonSpec]:
    """The daemons of a machine."""
    if machine == "cp":
        return control_plane_daemons(instance)
    return node_daemons(instance, machine)


@dataclass(frozen=True, slots=True)
class Boots:
    """Starts the machines of an instance; keys and kubeconfigs must be in their folders."""

    instance: Instance
    machines: Mapping[str, Machine]
    supplies: Supplies

    def plan(self, machine: str) -> str:
        """Write a machine's settings; returns a digest of its settings, daemons and programs."""
        if machine == "cp":
            write_proxy_settings(self.instance, machine)
        else:
            write_node_settings(self.instance, machine, pause_ref=self.supplies.pause.ref)
        home = self.instance.home(machine)
        files = [f for f in (*home.glob("*"), *home.glob("cni/*")) if f.suffix in _SETTINGS]
        digest = hashlib.sha256(json.dumps(daemons_of(self.instance, machine)).encode())
        for file in sorted(f for f in files if f.name != "machine.json"):
            digest.update(file.read_bytes())
        digest.update(str(self.supplies.programs).encode())
        return digest.hexdigest()

    def runs_as_planned(self, machine: str, plan: str) -> bool:
        """Whether the machine runs with the settings of `plan`."""
        note = self.instance.home(machine) / "plan"
        same = note.exists() and note.read_text() == plan
        return same and self.machines[machine].pid() is not None and self.supplies.programs.exists()

    def boot(self, name: str, plan: str) -> None:
        """Start a machine; if it runs, it is stopped first."""
        machine = self.machines[name]
        machine.stop()
        store = machine.disk / "var/lib/containerd"
        if name != "cp" and not store.exists():
            clone_store(self.supplies.store, store)
            self._store_note(name).write_text(str(self.supplies.store))
        machine.start(daemons_of(self.instance, name), programs=self.supplies.programs)
        (machine.home / "plan").write_text(plan)

    def with_older_images(self) -> list[str]:
        """The nodes whose store has older versions of the cluster's own images."""
        store = str(self.supplies.store)
        notes = {m: self._store_note(m) for m in self.instance.node_machines}
        return [m for m, note in notes.items() if not note.exists() or note.read_text() != store]

    def note_images(self, machine: str) -> None:
        """Record that the node has all images of the supplies."""
        self._store_note(machine).write_text(str(self.supplies.store))

    def _store_note(self, machine: str) -> Path:
        return self.instance.home(machine) / "store"


def register(
    kubectl: Kubectl, instance: Instance, *, booted: Sequence[str], up: Sequence[str]
) -> None:
    """Wait until the booted nodes are registered and all nodes in `up` are Ready.

    Raises:
        ClusterError: this did not happen in time.
    """
    names = {m: instance.node_name(m) for m in up}
    for machine in booted:
        boot_id = (instance.home(machine) / "boot-id").read_text().strip()
        readiness.wait_for_registration(kubectl, names[machine], boot_id)
        pods = instance.node_pod_range(machine)
        kubectl.patch("node", names[machine], {"spec": {"podCIDR": pods, "podCIDRs": [pods]}})
    readiness.wait_for_nodes(kubectl, list(names.values()))
