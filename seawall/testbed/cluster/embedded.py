"""A real Kubernetes on this machine: real API server, kubelets and containerd in namespaces.

Order of `up`: keys, network, machines (those that do not run, or run with older settings), API
server ready, nodes Ready, add-ons, every daemon running. Each step keeps what is already right, so
a second run restarts everything that was killed.
"""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

from typing_extensions import override

from seawall.common.errors import ClusterError, UsageError
from seawall.kube.kubectl import Kubectl
from seawall.testbed.cluster import readiness
from seawall.testbed.cluster.addons import AddonValues, rendered_addons
from seawall.testbed.cluster.artifacts import Supplies
from seawall.testbed.cluster.cgroups import remove_cgroups
from seawall.testbed.cluster.image_import import load_images
from seawall.testbed.cluster.instance import Instance, write_note
from seawall.testbed.cluster.interface import Cluster, Part
from seawall.testbed.cluster.kubeconfig import write_kubeconfig
from seawall.testbed.cluster.machine import Machine
from seawall.testbed.cluster.network import Network
from seawall.testbed.cluster.node_boot import Boots, daemons_of, register
from seawall.testbed.cluster.pki import check_keys, ensure_pki
from seawall.testbed.cluster.processes import running_machines
from seawall.testbed.preflight import check_kernel, check_root
from seawall.testbed.toolchain.images import Image

__all__ = ["EmbeddedCluster"]


class EmbeddedCluster(Cluster):
    """The embedded cluster.

    Args:
        instance: names, addresses, number of nodes.
        owner: the checkout, recorded so that other checkouts can name the owner of the addresses.
        supplies: called by `build` and `up` only; the call may take long.
    """

    def __init__(self, instance: Instance, owner: Path, supplies: Callable[[], Supplies]) -> None:
        self._instance = instance
        self._owner = owner
        self._supplies = supplies
        self._network = Network(instance)
        self._machines = {m: Machine(instance, m, self._network) for m in instance.machines}

    @property
    @override
    def place(self) -> str:
        return f"the embedded cluster {self._instance.name}"

    @property
    @override
    def reachable(self) -> bool:
        """True: the host has routes to pods and Services."""
        return True

    @property
    @override
    def tools(self) -> tuple[str, ...]:
        return ("kubernetes",)

    @property
    @override
    def kubeconfig(self) -> Path:
        """File with administrator credentials."""
        return self._instance.data / "admin.kubeconfig"

    @override
    def kubectl(self) -> Kubectl:
        """A kubectl with administrator credentials.

        Raises:
            ClusterError: the cluster has never been started.
        """
        note = self._instance.data / "programs"
        if not note.exists():
            raise ClusterError("the cluster has not been started: run `make up`")
        return Kubectl(Path(note.read_text()) / "kubectl", self.kubeconfig)

    @override
    def check_user(self) -> None:
        check_root()

    @override
    def check_host(self) -> None:
        check_kernel()

    @override
    def build(self) -> None:
        self._supplies()

    @override
    def up(self) -> None:
        supplies = self._supplies()
        self._network.check_range_is_free()
        check_keys(self._instance)
        self._instance.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write_credentials(ensure_pki(self._instance))
        write_note(self._instance, self._owner)
        (self._instance.data / "programs").write_text(str(supplies.programs))
        surplus = [m for m in self._found_machines() if m.name not in self._machines]
        for machine in surplus:
            machine.stop()
        self._network.ensure_switch()
        boots = Boots(self._instance, self._machines, supplies)
        plans = {machine: boots.plan(machine) for machine in self._instance.machines}
        stale = [m for m in plans if not boots.runs_as_planned(m, plans[m])]
        with ThreadPoolExecutor() as pool:
            list(pool.map(boots.boot, stale, [plans[m] for m in stale]))
        for machine in plans:
            self._network.mend(machine)
        kubectl = self.kubectl()
        control_plane = self._machines["cp"]
        readiness.wait_for_api_server(
            kubectl, runs=lambda: control_plane.pid() is not None, logs=str(control_plane.logs)
        )
        nodes = self._instance.node_machines
        register(kubectl, self._instance, booted=[m for m in stale if m != "cp"], up=nodes)
        # After all nodes are Ready; otherwise all add-ons would run on the first node.
        self._install_addons(kubectl, supplies)
        for machine in boots.with_older_images():
            load_images(self._machines[machine], supplies.images)
            boots.note_images(machine)
        for machine in surplus:
            kubectl("delete", "node", self._instance.node_name(machine.name), "--ignore-not-found")
            shutil.rmtree(machine.home, ignore_errors=True)
        readiness.wait_for_addons(kubectl)
        readiness.wait_for_parts(self.status)

    @override
    def load(self, images: Sequence[Image]) -> None:
        nodes = [self._machines[m] for m in self._instance.node_machines]
        with ThreadPoolExecutor() as pool:
            list(pool.map(load_images, nodes, repeat(images)))

    @override
    def down(self) -> None:
        for machine in self._found_machines():
            machine.stop()
        self._network.remove()
        remove_cgroups(self._instance)
        shutil.rmtree(self._instance.data, ignore_errors=True)
        parent = self._instance.data.parent
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()

    @override
    def status(self) -> list[Part]:
        parts: list[Part] = []
        for name, machine in self._machines.items():
            pid = machine.pid()
            address = self._instance.address(name)
            cut = self._network.is_cut(name)
            seen = f"{address}, init {pid or 'is gone'}{', cut off from the network' * cut}"
            parts.append(Part(name, pid is not None and not cut, seen))
            for daemon in daemons_of(self._instance, name):
                runs = machine.daemon_runs(daemon["name"])
                detail = "runs" if runs else "does not run"
                parts.append(Part(f"{name}/{daemon['name']}", runs, detail))
        return parts

    @override
    def logs(self, part: str) -> str:
        machine, _, daemon = part.partition("/")
        known = [f"{m}/{d['name']}" for m in self._machines for d in daemons_of(self._instance, m)]
        file = self._instance.home(machine) / "logs" / f"{daemon or 'init'}.log"
        if part not in [*known, *self._machines]:
            raise UsageError(f"no such part: {part}; there are {', '.join(known)}")
        if not file.exists():
            raise UsageError(f"{part} has not been started yet: run `make up`")
        return file.read_text(errors="replace")

    @override
    def stop_node(self, name: str) -> None:
        machine = self._running_node(name)
        # Cut the network first: the kernel would otherwise close the connections of the node's
        # processes, which a machine that loses power does not do.
        self._network.cut(machine.name)
        machine.stop()

    @override
    def start_node(self, name: str) -> None:
        machine = self._node(name)
        if machine.pid() is not None:
            raise UsageError(f"node {name} runs already")
        machine.start_again()
        register(self.kubectl(), self._instance, booted=[machine.name], up=[machine.name])

    @override
    def partition_node(self, name: str) -> None:
        self._network.cut(self._running_node(name).name)

    @override
    def heal_node(self, name: str) -> None:
        machine = self._node(name)
        if not self._network.is_cut(machine.name):
            raise UsageError(f"node {name} is not cut off from the network")
        self._network.mend(machine.name)

    def _node(self, name: str) -> Machine:
        known = {self._instance.node_name(m): m for m in self._instance.node_machines}
        machine = known.get(name, name)
        if machine not in known.values():
            raise UsageError(f"no such node: {name}; there are {', '.join(known)}")
        if not self._machines[machine].home.exists():
            raise UsageError("the cluster has not been started: run `make up`")
        return self._machines[machine]

    def _running_node(self, name: str) -> Machine:
        machine = self._node(name)
        if machine.pid() is None:
            raise UsageError(f"node {name} does not run; `seawall cluster node start {name}`")
        return machine

    def _found_machines(self) -> list[Machine]:
        """The planned machines, the running ones, and those with an existing folder."""
        names = set(self._instance.machines) | running_machines(self._instance)
        if self._instance.data.is_dir():
            names |= {
                d.name for d in self._instance.data.iterdir() if (d / "machine.json").exists()
            }
        return [Machine(self._instance, name, self._network) for name in sorted(names)]

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

    def _install_addons(self, kubectl: Kubectl, supplies: Supplies) -> None:
        manifests = rendered_addons(
            AddonValues(
                base_image=supplies.base.ref,
                coredns_image=supplies.coredns.ref,
                provisioner_image=supplies.provisioner.ref,
                metrics_server_image=supplies.metrics_server.ref,
                kube_state_metrics_image=supplies.kube_state_metrics.ref,
                kubelet_trust="--kubelet-certificate-authority=/etc/cluster-ca/ca.crt",
                dns_service=self._instance.dns_service,
            )
        )
        note = self._instance.data / "addons"
        if not note.exists() or note.read_text() != manifests:
            kubectl.apply(manifests, manager="seawall-cluster")
            note.write_text(manifests)
