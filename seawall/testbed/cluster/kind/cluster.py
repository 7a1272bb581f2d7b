"""A Kubernetes cluster made by kind, behind the same interface as the embedded one.

Order of `up`: the containers (created by kind, or restarted), credentials, API server ready,
nodes Ready, metrics. kind installs DNS, the pod network and volumes itself.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from typing_extensions import override

from seawall.common.errors import ClusterError, UsageError
from seawall.kube.kubectl import Kubectl
from seawall.testbed.cluster import readiness
from seawall.testbed.cluster.addons import MetricsValues, rendered_metrics
from seawall.testbed.cluster.artifacts import MetricsImages
from seawall.testbed.cluster.instance import Instance
from seawall.testbed.cluster.interface import Cluster, Part
from seawall.testbed.cluster.kind.config import control_plane_name, worker_names
from seawall.testbed.cluster.kind.containers import Container, Containers
from seawall.testbed.cluster.kind.create import Maker
from seawall.testbed.cluster.kind.programs import (
    check_engine,
    check_programs,
    docker,
    kind,
    require,
)
from seawall.testbed.preflight import check_writable
from seawall.testbed.toolchain.images import Image

__all__ = ["KindCluster"]

_LOAD_S = 10 * 60.0
_UNITS = ("containerd", "kubelet")


class KindCluster(Cluster):
    """The cluster of kind.

    Args:
        instance: its name and its number of nodes; Docker assigns the addresses.
        owner: the checkout, recorded so that other checkouts can name the owner of the cluster.
        images: called by `build` and `up` only; the call may take long.
        node_image: the image that selects the Kubernetes version; None for the image of the
            existing nodes, or else kind's default.
    """

    def __init__(
        self,
        instance: Instance,
        owner: Path,
        images: Callable[[], MetricsImages],
        node_image: str | None = None,
    ) -> None:
        self._instance = instance
        self._images = images
        self._control_plane = control_plane_name(instance)
        self._workers = worker_names(instance)
        self._containers = Containers(instance.name, instance.data / "cut")
        self._maker = Maker(instance, owner, node_image, self._containers, self.kubeconfig)

    @property
    @override
    def place(self) -> str:
        return f"the kind cluster {self._instance.name}"

    @property
    @override
    def reachable(self) -> bool:
        """False: their addresses are reachable only inside the containers."""
        return False

    @property
    @override
    def tools(self) -> tuple[str, ...]:
        return ("metrics-server", "kube-state-metrics")

    @property
    @override
    def kubeconfig(self) -> Path:
        """File with administrator credentials; the user's own kubeconfig is never changed."""
        return self._instance.data / "admin.kubeconfig"

    @override
    def kubectl(self) -> Kubectl:
        if not self.kubeconfig.exists():
            raise ClusterError("the cluster has not been started: run `make up`")
        require("kubectl")
        return Kubectl(Path(shutil.which("kubectl") or ""), self.kubeconfig)

    @override
    def check_user(self) -> None:
        check_engine()
        check_writable(self._instance.data)

    @override
    def check_host(self) -> None:
        check_programs()

    @override
    def build(self) -> None:
        self._images()

    @override
    def up(self) -> None:
        images = self._images()
        self._instance.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        started = self._maker.ensure()
        kubectl = self.kubectl()
        readiness.wait_for_api_server(
            kubectl,
            runs=lambda: self._container(self._control_plane).runs,
            logs=f"`seawall cluster logs {self._control_plane}`",
        )
        for name, since in started.items():
            readiness.wait_for_sign_of_life(kubectl, name, since)
        readiness.wait_for_nodes(kubectl, self._names)
        self.load([images.metrics_server, images.kube_state_metrics])
        self._install_metrics(kubectl, images)
        readiness.wait_for_addons(kubectl)

    @override
    def load(self, images: Sequence[Image]) -> None:
        """The control plane runs no workloads, so it gets no images."""
        there = {name: self._containers.images(name) for name in self._workers.values()}
        for image in images:
            without = [name for name, refs in there.items() if image.ref not in refs]
            if without:
                kind(
                    *("load", "image-archive", str(image.archive)),
                    *(f"--name={self._instance.name}", f"--nodes={','.join(without)}"),
                    timeout_s=_LOAD_S,
                )

    @override
    def down(self) -> None:
        self._maker.delete()
        shutil.rmtree(self._instance.data, ignore_errors=True)
        parent = self._instance.data.parent
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()

    @override
    def status(self) -> list[Part]:
        found = self._containers.all()
        parts: list[Part] = []
        for name in self._names:
            container = found.get(name)
            if container is None:
                parts.append(Part(name, ok=False, detail="is not there"))
                continue
            seen = f"{container.seen}{', cut off from the network' * container.is_cut}"
            parts.append(Part(name, container.runs and not container.is_cut, seen))
            units = self._containers.units(name, _UNITS) if container.runs else {}
            for unit in _UNITS:
                state = units.get(unit, "does not run")
                parts.append(Part(f"{name}/{unit}", state == "active", state))
        return parts

    @override
    def logs(self, part: str) -> str:
        name, _, unit = part.partition("/")
        known = [f"{name}/{unit}" for name in self._names for unit in _UNITS]
        if part not in [*known, *self._names]:
            raise UsageError(f"no such part: {part}; there are {', '.join(known)}")
        self._container(name)
        if not unit:
            return docker("logs", name)
        return docker("exec", name, "journalctl", "--no-pager", f"--unit={unit}")

    @override
    def stop_node(self, name: str) -> None:
        node = self._running_node(name)
        # Cut the network first: the kernel would otherwise close the connections of the node's
        # processes, which a machine that loses power does not do.
        self._containers.cut(node)
        docker("kill", node.name)

    @override
    def start_node(self, name: str) -> None:
        node = self._node(name)
        if node.runs:
            raise UsageError(f"node {name} runs already")
        self._start(node)

    @override
    def partition_node(self, name: str) -> None:
        self._containers.cut(self._running_node(name))

    @override
    def heal_node(self, name: str) -> None:
        """A node that comes back with another address is restarted."""
        node = self._node(name)
        if not node.is_cut:
            raise UsageError(f"node {name} is not cut off from the network")
        if not self._containers.mend(node):
            self._start(self._container(node.name))

    @property
    def _names(self) -> list[str]:
        return [self._control_plane, *self._workers.values()]

    def _container(self, name: str) -> Container:
        found = self._containers.all().get(name)
        if found is None:
            raise UsageError("the cluster has not been started: run `make up`")
        return found

    def _node(self, name: str) -> Container:
        known = self._workers.get(name, name)
        if known not in self._workers.values():
            there = ", ".join(self._workers.values())
            raise UsageError(f"no such node: {name}; there are {there}")
        return self._container(known)

    def _running_node(self, name: str) -> Container:
        node = self._node(name)
        if not node.runs:
            raise UsageError(f"node {name} does not run; `seawall cluster node start {name}`")
        return node

    def _start(self, node: Container) -> None:
        """Start a container on its network, and wait for its node."""
        self._containers.mend(node)
        since = self._containers.start(node)
        readiness.wait_for_sign_of_life(self.kubectl(), node.name, since)

    def _install_metrics(self, kubectl: Kubectl, images: MetricsImages) -> None:
        manifests = rendered_metrics(
            MetricsValues(
                metrics_server_image=images.metrics_server.ref,
                kube_state_metrics_image=images.kube_state_metrics.ref,
                # With kubeadm, kubelets have self-signed certificates.
                kubelet_trust="--kubelet-insecure-tls",
            )
        )
        note = self._instance.data / "addons"
        if not note.exists() or note.read_text() != manifests:
            kubectl.apply(manifests, manager="seawall-cluster")
            note.write_text(manifests)
