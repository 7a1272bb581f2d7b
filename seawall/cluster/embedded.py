"""A real Kubernetes on this machine: real API server, kubelets and containerd in namespaces.

Order of `up`: keys, network, machines (those that do not run, or run with older settings), API
server ready, nodes Ready, add-ons. Each step keeps what is already right, so running it again
repairs whatever was killed.
"""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from seawall.cluster import readiness
from seawall.cluster.addons import AddonValues, rendered_addons
from seawall.cluster.cgroups import remove_cgroups
from seawall.cluster.control_plane import control_plane_daemons
from seawall.cluster.golden import clone_store
from seawall.cluster.init import DaemonSpec
from seawall.cluster.instance import Instance, write_note
from seawall.cluster.interface import Part
from seawall.cluster.kubeconfig import write_kubeconfig
from seawall.cluster.kubectl import Kubectl
from seawall.cluster.machine import Machine, running_machines
from seawall.cluster.network import Network
from seawall.cluster.node import CONTAINERD_SOCKET, node_daemons, write_node_settings
from seawall.cluster.pki import ensure_pki
from seawall.cluster.proxy import write_proxy_settings
from seawall.errors import ClusterError, UsageError
from seawall.supply.images import Image

__all__ = ["EmbeddedCluster", "Supplies"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """What was built for the cluster.

    Attributes:
        programs: folder with the Kubernetes programs.
        store: containerd root with the images below unpacked.
        pause, base, coredns, provisioner: the images that the cluster itself runs.
    """

    programs: Path
    store: Path
    pause: Image
    base: Image
    coredns: Image
    provisioner: Image


class EmbeddedCluster:
    """See `Cluster` for the promises.

    Args:
        instance: names, addresses, number of nodes.
        owner: the checkout, noted for whoever finds the addresses taken.
        supplies: needed by `up` only; it is called when `up` runs, and may take long.
    """

    def __init__(self, instance: Instance, owner: Path, supplies: Callable[[], Supplies]) -> None:
        self._instance = instance
        self._owner = owner
        self._supplies = supplies
        self._network = Network(instance)
        self._machines = {m: Machine(instance, m, self._network) for m in instance.machines}

    @property
    def kubeconfig(self) -> Path:
        """File with administrator credentials."""
        return self._instance.data / "admin.kubeconfig"

    def kubectl(self) -> Kubectl:
        """A kubectl with administrator credentials.

        Raises:
            ClusterError: the cluster has never been started.
        """
        note = self._instance.data / "programs"
        if not note.exists():
            raise ClusterError("the cluster has not been started: run `make up`")
        return Kubectl(Path(note.read_text()) / "kubectl", self.kubeconfig)

    def up(self) -> None:
        """See `Cluster`."""
        supplies = self._supplies()
        self._network.check_range_is_free()
        self._instance.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write_credentials(ensure_pki(self._instance))
        write_note(self._instance, self._owner)
        (self._instance.data / "programs").write_text(str(supplies.programs))
        surplus = [m for m in self._found_machines() if m.name not in self._machines]
        for machine in surplus:
            machine.stop()
        self._network.ensure_switch()
        plans = {machine: self._plan(machine, supplies) for machine in self._instance.machines}
        stale = [m for m in plans if not self._runs_as_planned(m, plans[m], supplies)]
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._boot, stale, [plans[m] for m in stale], repeat(supplies)))
        kubectl = self.kubectl()
        readiness.wait_for_api_server(kubectl, self._machines["cp"])
        self._install_addons(kubectl, supplies)
        self._register_nodes(kubectl, [m for m in stale if m != "cp"])
        for machine in surplus:
            kubectl("delete", "node", self._instance.node_name(machine.name), "--ignore-not-found")
            shutil.rmtree(machine.home, ignore_errors=True)
        readiness.wait_for_addons(kubectl)

    def load(self, images: Sequence[Image]) -> None:
        """See `Cluster`."""
        nodes = [self._machines[m] for m in self._instance.node_machines]
        with ThreadPoolExecutor() as pool:
            list(pool.map(_load, nodes, repeat(images)))

    def down(self) -> None:
        """See `Cluster`."""
        for machine in self._found_machines():
            machine.stop()
        self._network.remove()
        remove_cgroups(self._instance)
        shutil.rmtree(self._instance.data, ignore_errors=True)
        parent = self._instance.data.parent
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()

    def status(self) -> list[Part]:
        """See `Cluster`."""
        parts: list[Part] = []
        for name, machine in self._machines.items():
            pid = machine.pid()
            address = self._instance.address(name)
            parts.append(Part(name, pid is not None, f"{address}, init {pid or 'is gone'}"))
            for daemon in self._daemons(name):
                runs = machine.daemon_runs(daemon["name"])
                detail = "runs" if runs else "does not run"
                parts.append(Part(f"{name}/{daemon['name']}", runs, detail))
        return parts

    def logs(self, part: str) -> str:
        """See `Cluster`."""
        machine, _, daemon = part.partition("/")
        known = [f"{m}/{d['name']}" for m in self._machines for d in self._daemons(m)]
        file = self._instance.home(machine) / "logs" / f"{daemon or 'init'}.log"
        if part not in [*known, *self._machines]:
            raise UsageError(f"no such part: {part}; there are {', '.join(known)}")
        if not file.exists():
            raise UsageError(f"{part} has not been started yet: run `make up`")
        return file.read_text(errors="replace")

    def _found_machines(self) -> list[Machine]:
        """Those that should be there, those that run, and those whose folder is there."""
        names = set(self._instance.machines) | running_machines(self._instance)
        if self._instance.data.is_dir():
            names |= {
                d.name for d in self._instance.data.iterdir() if (d / "machine.json").exists()
            }
        return [Machine(self._instance, name, self._network) for name in sorted(names)]

    def _daemons(self, machine: str) -> list[DaemonSpec]:
        if machine == "cp":
            return control_plane_daemons(self._instance)
        return node_daemons(self._instance, machine)

    def _write_credentials(self, pki: Path) -> None:
        def write(target: Path, user: str) -> None:
            write_kubeconfig(target, instance=self._instance, pki=pki, user=user)

        write(self.kubeconfig, "admin")
        for machine in self._instance.machines:
            write(self._instance.home(machine) / "kube-proxy.kubeconfig", "kube-proxy")
        for user in ("controller-manager", "scheduler"):
            write(self._instance.home("cp") / f"{user}.kubeconfig", user)
        for machine in self._instance.node_machines:
            write(self._instance.home(machine) / "node.kubeconfig", f"node-{machine}")

    def _plan(self, machine: str, supplies: Supplies) -> str:
        """Write a machine's settings; the result changes when they do."""
        if machine == "cp":
            write_proxy_settings(self._instance, machine)
        else:
            write_node_settings(self._instance, machine, pause_ref=supplies.pause.ref)
        home = self._instance.home(machine)
        files = [f for f in home.rglob("*") if f.suffix in {".toml", ".json", ".conflist"}]
        files = [f for f in files if f.parent in (home, home / "cni") and f.name != "machine.json"]
        digest = hashlib.sha256(json.dumps(self._daemons(machine)).encode())
        for file in sorted(files):
            digest.update(file.read_bytes())
        digest.update(str(supplies.programs).encode())
        return digest.hexdigest()

    def _runs_as_planned(self, machine: str, plan: str, supplies: Supplies) -> bool:
        note = self._instance.home(machine) / "plan"
        same = note.exists() and note.read_text() == plan
        return same and self._machines[machine].pid() is not None and supplies.programs.exists()

    def _boot(self, name: str, plan: str, supplies: Supplies) -> None:
        machine = self._machines[name]
        machine.stop()
        store = machine.disk / "var/lib/containerd"
        if name != "cp" and not store.exists():
            clone_store(supplies.store, store)
        machine.start(self._daemons(name), programs=supplies.programs)
        (machine.home / "plan").write_text(plan)

    def _install_addons(self, kubectl: Kubectl, supplies: Supplies) -> None:
        manifests = rendered_addons(
            AddonValues(
                base_image=supplies.base.ref,
                coredns_image=supplies.coredns.ref,
                provisioner_image=supplies.provisioner.ref,
                dns_service=self._instance.dns_service,
            )
        )
        note = self._instance.data / "addons"
        if not note.exists() or note.read_text() != manifests:
            kubectl.apply(manifests, manager="seawall-cluster")
            note.write_text(manifests)

    def _register_nodes(self, kubectl: Kubectl, booted: Sequence[str]) -> None:
        names = {m: self._instance.node_name(m) for m in self._instance.node_machines}
        for machine in booted:
            boot_id = (self._instance.home(machine) / "boot-id").read_text().strip()
            readiness.wait_for_registration(kubectl, names[machine], boot_id)
            pods = self._instance.node_pod_range(machine)
            kubectl.patch("node", names[machine], {"spec": {"podCIDR": pods, "podCIDRs": [pods]}})
        readiness.wait_for_nodes(kubectl, list(names.values()))


def _load(node: Machine, images: Sequence[Image]) -> None:
    base = ["ctr", f"--address={CONTAINERD_SOCKET}", "--namespace=k8s.io", "images"]
    there = subprocess.run(
        node.enter([*base, "ls", "--quiet"]), capture_output=True, text=True, check=False
    )
    missing = [i for i in images if i.ref not in there.stdout.split()]
    for image in missing:
        # Through standard input: the archive's path need not exist inside the node.
        with image.archive.open("rb") as archive:
            done = subprocess.run(
                node.enter([*base, "import", "-"]), stdin=archive, capture_output=True, check=False
            )
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace").strip().splitlines()
            raise ClusterError(
                f"node {node.name} did not take image {image.ref}: {words[-1] if words else '?'}"
            )
