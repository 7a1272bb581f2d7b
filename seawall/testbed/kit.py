"""Where things are for one checkout, and what can be built for it."""

import os
import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from seawall.common.errors import BuildError, UsageError
from seawall.common.locks import try_exclusive
from seawall.common.progress import Progress
from seawall.engine.programs import PROVIDER, installed_provider, provider_release
from seawall.testbed.cluster.artifacts import MetricsImages, Supplies
from seawall.testbed.cluster.embedded import EmbeddedCluster
from seawall.testbed.cluster.image_store import golden_store
from seawall.testbed.cluster.instance import Instance, OwnCluster, instance_of, read_note
from seawall.testbed.cluster.interface import Cluster
from seawall.testbed.cluster.kind import KindCluster
from seawall.testbed.cluster.network import Network
from seawall.testbed.preflight import blaming_a_full_disk
from seawall.testbed.toolchain.cache import Cache, default_root
from seawall.testbed.toolchain.debian import CLUSTER_PACKAGES, ensure_packages
from seawall.testbed.toolchain.engines import docker_runs
from seawall.testbed.toolchain.go import GO_TOOLS, build_go_tool, ensure_go, go_tool_key
from seawall.testbed.toolchain.images import Image, ImageBuilder
from seawall.testbed.toolchain.provider import download_provider

__all__ = ["Kit", "kit_here"]

_CLUSTER_PROGRAMS = (
    "coredns",
    "kube-state-metrics",
    "local-path-provisioner",
    "metrics-server",
    "pause",
)
_BESIDE_THE_GATEWAY = {
    "alertmanager": ("alertmanager", "alertmanager"),
    "blackbox_exporter": ("blackbox-exporter", "blackbox_exporter"),
    "metrics_adapter": ("prometheus-adapter", "adapter"),
    "prometheus": ("prometheus", "prometheus"),
}
"""By image: the module of tools/ and its program."""
_PACKAGES_BESIDE = {"redis_exporter": "prometheus-redis-exporter"}
"""By image: the Debian package, for what cannot be built here."""
_PROVIDER = "pulumi-kubernetes"
_NODES = 3
"""Enough for a drain, a lost node and Sentinel's majority to mean something."""


@dataclass(frozen=True)
class Kit:
    """One checkout's kit.

    Attributes:
        checkout: the repository.
        home: its state folder; also what the cluster's name and addresses derive from.
        instance: the own cluster's names and addresses.
        cache: builds, shared by all checkouts of this user.
        progress: told about everything that takes time.
    """

    checkout: Path
    home: Path
    instance: Instance
    cache: Cache
    progress: Progress

    @contextmanager
    def alone(self) -> Generator[None]:
        """Nobody else starts or removes this kit's cluster or stack meanwhile.

        Raises:
            BusyError: somebody does; the message names the process.
        """
        with try_exclusive(self.lock, what="`up` or `down`"):
            yield

    @property
    def lock(self) -> Path:
        """There while somebody is `alone`, and after one that was killed.

        Beside the state folder, not in it: `down` removes that one while it holds the lock.
        """
        return self.home.with_name(f"{self.home.name}.lock")

    def claim_home(self) -> None:
        """Make the state folder, readable by its owner only, and mark it as this kit's.

        Raises:
            UsageError: it holds something else, or it was lost while its cluster lives on.
        """
        if self._marker.exists():
            return
        if self.home.exists() and any(self.home.iterdir()):
            raise UsageError(
                f"{self.home} was not made by this kit and is not empty:"
                " name a new folder in SEAWALL_HOME"
            )
        if self.instance.data.exists():
            raise UsageError(
                f"the state folder {self.home} is gone, and with it the passwords of the cluster"
                f" in {self.instance.data}: `make down` removes that one, `make up` starts anew"
            )
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        self._marker.touch()

    def drop_home(self) -> None:
        """Remove the state folder; nothing happens when there is none.

        Raises:
            UsageError: it was not made by this kit.
        """
        if not self.home.exists():
            return
        if not self._marker.exists() and any(self.home.iterdir()):
            raise UsageError(f"{self.home} was not made by this kit: it stays; remove it by hand")
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def _marker(self) -> Path:
        return self.home / "made-by-seawall"

    @cached_property
    def images(self) -> ImageBuilder:
        """Builds images; the extra CA is $SEAWALL_EXTRA_CA, else the one pip or OpenSSL use.

        Raises:
            BuildError, HostError: what builds them could not be installed.
        """
        if not docker_runs():
            self._ensure_packages()
        names = ("SEAWALL_EXTRA_CA", "PIP_CERT", "SSL_CERT_FILE")
        given = [Path(os.environ[n]) for n in names if os.environ.get(n)]
        ca = next((file for file in given if file.is_file()), None)
        return ImageBuilder(self.checkout, self.cache, self.progress, extra_ca=ca)

    def tool(self, name: str) -> Path:
        """The folder with a Go tool's programs, built when missing.

        Raises:
            BuildError: see build_go_tool.
        """
        return build_go_tool(
            GO_TOOLS[name],
            checkout=self.checkout,
            go=self._go,
            cache=self.cache,
            progress=self.progress,
        )

    def provider(self) -> Path:
        """The program of the Kubernetes provider: an installed plugin, else downloaded or built.

        Raises:
            BuildError: see build_go_tool.
        """
        return installed_provider() or (self._downloaded() or self.tool(_PROVIDER)) / PROVIDER

    def _downloaded(self) -> Path | None:
        """The folder of a downloaded plugin; None where that is not possible, or no quicker.

        Whoever has the CLI from its vendor can have the plugin from there.
        """
        cli = shutil.which("pulumi")
        if cli is None or self.cache.has(_PROVIDER, self._tool_key(_PROVIDER)):
            return None
        try:
            return download_provider(Path(cli), provider_release(), self.cache, self.progress)
        except BuildError as refused:
            self.progress.note(f"{refused}; it is built instead")
            return None

    @cached_property
    def _go(self) -> Path:
        return ensure_go(self.checkout, self.cache, self.progress)

    @cached_property
    def supplies(self) -> Supplies:
        """Everything that the embedded cluster runs, built when missing.

        Raises:
            BuildError, HostError: something could not be installed or built.
        """
        self._ensure_packages()
        programs = self.tool("kubernetes")
        images = {name: self._program_image(name) for name in _CLUSTER_PROGRAMS}
        base = self.images.base_image()
        return Supplies(
            programs=programs,
            store=golden_store([base, *images.values()], self.cache, self.progress),
            base=base,
            pause=images["pause"],
            coredns=images["coredns"],
            provisioner=images["local-path-provisioner"],
            metrics_server=images["metrics-server"],
            kube_state_metrics=images["kube-state-metrics"],
        )

    @cached_property
    def programs_beside_the_gateway(self) -> Mapping[str, Image]:
        """The images of others' programs beside the gateway, as seawall:images names them.

        Raises:
            BuildError, HostError: one could not be built.
        """
        built = {
            image: self._program_image(tool, program)
            for image, (tool, program) in _BESIDE_THE_GATEWAY.items()
        }
        packaged = {
            image: self.images.package_image(package) for image, package in _PACKAGES_BESIDE.items()
        }
        return {**built, **packaged}

    @cached_property
    def metrics_images(self) -> MetricsImages:
        """What a kind cluster needs beside what kind brings, built when missing.

        Raises:
            BuildError, HostError: something could not be installed or built.
        """
        return MetricsImages(
            metrics_server=self._program_image("metrics-server"),
            kube_state_metrics=self._program_image("kube-state-metrics"),
        )

    @property
    def tools_beside_the_gateway(self) -> tuple[str, ...]:
        """Their modules in tools/."""
        return tuple(tool for tool, _ in _BESIDE_THE_GATEWAY.values())

    def references_beside_the_gateway(self) -> Mapping[str, str]:
        """The names and tags of `programs_beside_the_gateway`; nothing is built."""
        built = {
            image: self.images.program_reference(tool, self._tool_key(tool))
            for image, (tool, _) in _BESIDE_THE_GATEWAY.items()
        }
        packaged = {
            image: self.images.package_reference(package)
            for image, package in _PACKAGES_BESIDE.items()
        }
        return {**built, **packaged}

    def _program_image(self, tool: str, program: str | None = None) -> Image:
        return self.images.program_image(
            tool, self._tool_key(tool), lambda: self.tool(tool) / (program or tool)
        )

    def _tool_key(self, tool: str) -> str:
        return go_tool_key(GO_TOOLS[tool], checkout=self.checkout, go=self._go)

    def _ensure_packages(self) -> None:
        ensure_packages(CLUSTER_PACKAGES, self.progress, self.cache.root / "logs")

    def check_addresses(self) -> None:
        """Refuse when the cluster's addresses are somebody else's; see `Network`."""
        Network(self.instance).check_range_is_free()

    def cluster(self, kind: OwnCluster | None = None, *, node_image: str | None = None) -> Cluster:
        """The kit's own cluster of this checkout, running or not.

        Args:
            kind: the one that is there when not given, else the embedded one.
            node_image: for kind; the one that it was made of, else kind's default.

        Raises:
            UsageError: another kind is there.
        """
        note = read_note(self.instance.data)
        if note and kind not in (None, note.kind):
            raise UsageError(
                f"this checkout has a cluster of kind {note.kind}, and {kind} is asked for: "
                "`seawall down` removes that one with all state, or set "
                f"seawall:kubernetes.cluster to {note.kind}"
            )
        match kind or (note.kind if note else OwnCluster.EMBEDDED):
            case OwnCluster.EMBEDDED:
                return EmbeddedCluster(self.instance, self.checkout, lambda: self.supplies)
            case OwnCluster.KIND:
                return KindCluster(
                    self.instance, self.checkout, lambda: self.metrics_images, node_image
                )

    def start(self, cluster: Cluster) -> None:
        """Start or repair the kit's own cluster.

        Raises:
            SeawallError: see `Cluster.build` and `Cluster.up`.
        """
        cluster.build()  # first, each with a progress line of its own
        with (
            self.progress.step("start the cluster", estimate_s=20),
            blaming_a_full_disk(self.instance.data, variable="SEAWALL_STATE_DIR"),
        ):
            cluster.up()


def kit_here(*, nodes: int | None = None, emit: Callable[[str], None] | None = None) -> Kit:
    """The kit of the checkout that this package runs from.

    $SEAWALL_HOME moves the state folder, and with it the cluster's name and addresses.

    Args:
        nodes: how many nodes; those that the cluster has when it exists, else three.
        emit: where progress lines go; standard error by default.

    Raises:
        UsageError: `nodes` or a variable is out of range.
    """
    checkout = Path(__file__).resolve().parents[2]
    home = Path(os.environ.get("SEAWALL_HOME") or checkout / ".seawall").resolve()
    if home in {Path("/"), checkout, Path.home()} or home in checkout.parents:
        raise UsageError(f"SEAWALL_HOME: {home} is not a folder of its own; name a new one")
    note = read_note(instance_of(home, nodes=1).data)
    count = nodes if nodes is not None else (note.nodes if note else _NODES)
    root = default_root()
    progress = Progress(root / "durations.json", emit)
    return Kit(checkout, home, instance_of(home, nodes=count), Cache(root, progress.note), progress)
