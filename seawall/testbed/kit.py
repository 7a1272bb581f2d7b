"""The paths, names and builds of one checkout."""

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
from seawall.engine.layout import Layout
from seawall.engine.programs import PROVIDER, installed_provider, provider_release
from seawall.testbed.cluster.artifacts import MetricsImages, Supplies
from seawall.testbed.cluster.embedded import EmbeddedCluster
from seawall.testbed.cluster.image_store import golden_store
from seawall.testbed.cluster.instance import Instance, instance_of, read_note
from seawall.testbed.cluster.interface import Cluster
from seawall.testbed.cluster.kind import KindCluster
from seawall.testbed.cluster.network import Network
from seawall.testbed.cluster.own_cluster import OwnCluster
from seawall.testbed.image_builds import go_modules, packages
from seawall.testbed.preflight import blaming_a_full_disk
from seawall.testbed.toolchain.cache import Cache, default_root
from seawall.testbed.toolchain.debian import CLUSTER_PACKAGES, ensure_packages
from seawall.testbed.toolchain.engines import docker_runs
from seawall.testbed.toolchain.go import (
    GO_TOOLS,
    build_go_tool,
    ensure_go,
    go_on_path,
    go_tool_key,
    has_go,
)
from seawall.testbed.toolchain.images import Image, ImageBuilder
from seawall.testbed.toolchain.provider import download_provider, has_provider

__all__ = ["Kit", "kit_here"]

_CLUSTER_PROGRAMS = (
    "coredns",
    "kube-state-metrics",
    "local-path-provisioner",
    "metrics-server",
    "pause",
)
_PROVIDER = "pulumi-kubernetes"
_PROGRAMS = {
    "kubernetes": "kubectl on PATH",
    "pulumi": "Pulumi CLI on PATH",
    _PROVIDER: "Kubernetes provider of Pulumi",
}
"""What a person installs in place of a build, by the build's name."""
_NODES = 3
"""Enough to test a drain, a lost node and the majority of the Sentinels."""


@dataclass(frozen=True)
class Kit:
    """One checkout's kit.

    Attributes:
        checkout: the repository.
        home: its state folder; the cluster's name and addresses are derived from its path.
        instance: the names and addresses of the bundled cluster.
        cache: builds, shared by all checkouts of this user.
        progress: reports every step that takes time.
        builds: whether missing programs are built. Commands that only read build nothing, so that
            they answer at once.
    """

    checkout: Path
    home: Path
    instance: Instance
    cache: Cache
    progress: Progress
    builds: bool = True

    @contextmanager
    def alone(self) -> Generator[None]:
        """Context manager: no other process changes this kit's cluster or stack meanwhile.

        Raises:
            BusyError: another process holds the lock; the message names the process.
        """
        with try_exclusive(self.lock, what="`up` or `down`"):
            yield

    @property
    def lock(self) -> Path:
        """The lock file; it exists while a process is `alone`, and after such a process was killed.

        It is next to the state folder, because `down` removes that folder while it holds the lock.
        """
        return self.home.with_name(f"{self.home.name}.lock")

    def layout(self, env: str) -> Layout:
        """The engine's paths of an environment."""
        return Layout(self.checkout, self.home, env)

    def claim_home(self) -> None:
        """Create the state folder, readable by its owner only, and mark it as this kit's.

        Raises:
            UsageError: the folder has other content, or it was lost while its cluster still exists.
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
                f"the state folder {self.home} is gone, and with it the passwords of the cluster in"
                f" {self.instance.data}: remove the cluster with `make down`, then run `make up`"
            )
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        self._marker.touch()

    def drop_home(self) -> None:
        """Remove the state folder; nothing happens when there is none.

        Raises:
            UsageError: the folder was not made by this kit.
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
        """Builds images; the extra CA is $SEAWALL_EXTRA_CA, else $PIP_CERT or $SSL_CERT_FILE.

        Raises:
            BuildError, HostError: the build tools could not be installed.
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
            BuildError: it cannot be built, or this kit builds nothing.
        """
        if not self.builds and not self._is_built(name):
            raise BuildError(
                f"this machine has no {_PROGRAMS.get(name, name)}: install it, or run `seawall up`,"
                " which builds it"
            )
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
        """The folder of a downloaded plugin; None if a download is impossible or not quicker.

        A user who has the vendor's CLI can download the plugin with it.
        """
        cli = shutil.which("pulumi")
        release = provider_release()
        if cli is None or not (self.builds or has_provider(release, self.cache)):
            return None
        if self._is_built(_PROVIDER):
            return None
        try:
            return download_provider(Path(cli), release, self.cache, self.progress)
        except BuildError as refused:
            self.progress.note(f"{refused}; it is built instead")
            return None

    def _is_built(self, name: str) -> bool:
        """Whether the cache has the tool; the toolchain is not installed for the answer."""
        toolchain = go_on_path() or has_go(self.checkout, self.cache)
        return bool(toolchain) and self.cache.has(name, self._tool_key(name))

    @cached_property
    def _go(self) -> Path:
        return ensure_go(self.checkout, self.cache, self.progress)

    @cached_property
    def supplies(self) -> Supplies:
        """The programs and images of the embedded cluster, built when missing.

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
        """The images of third-party programs, by their names in seawall:images.

        Raises:
            BuildError, HostError: an image could not be built.
        """
        built = {
            image: self._program_image(tool, program)
            for image, (tool, program) in go_modules().items()
        }
        packaged = {
            image: self.images.package_image(package) for image, package in packages().items()
        }
        return {**built, **packaged}

    @cached_property
    def metrics_images(self) -> MetricsImages:
        """The images that a kind cluster needs in addition to those of kind, built when missing.

        Raises:
            BuildError, HostError: something could not be installed or built.
        """
        return MetricsImages(
            metrics_server=self._program_image("metrics-server"),
            kube_state_metrics=self._program_image("kube-state-metrics"),
        )

    @property
    def tools_beside_the_gateway(self) -> tuple[str, ...]:
        """The modules in tools/ of the third-party programs."""
        return tuple(tool for tool, _ in go_modules().values())

    def references_beside_the_gateway(self) -> Mapping[str, str]:
        """The names and tags of `programs_beside_the_gateway`; builds nothing."""
        built = {
            image: self.images.program_reference(tool, self._tool_key(tool))
            for image, (tool, _) in go_modules().items()
        }
        packaged = {
            image: self.images.package_reference(package) for image, package in packages().items()
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
        """Refuse when other routes use the cluster's addresses; see `Network`."""
        Network(self.instance).check_range_is_free()

    def cluster(self, kind: OwnCluster | None = None, *, node_image: str | None = None) -> Cluster:
        """The bundled cluster of this checkout, running or not.

        Args:
            kind: the kind of cluster; default: the existing one, or else the embedded one.
            node_image: for kind; default: the image of the existing nodes, or else kind's default.

        Raises:
            UsageError: a cluster of another kind exists.
        """
        note = read_note(self.instance.data)
        if note and kind not in (None, note.kind):
            raise UsageError(
                f"this checkout has a cluster of kind {note.kind}, and {kind} is asked for: "
                "remove the cluster and all state with `seawall cluster down`, or set "
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
        """Start or repair the bundled cluster.

        Raises:
            SeawallError: see `Cluster.build` and `Cluster.up`.
        """
        cluster.build()  # first, because each build has its own progress line
        with (
            self.progress.step("start the cluster", estimate_s=20),
            blaming_a_full_disk(self.instance.data, variable="SEAWALL_STATE_DIR"),
        ):
            cluster.up()


def kit_here(
    *,
    nodes: int | None = None,
    emit: Callable[[str], None] | None = None,
    builds: bool = True,
) -> Kit:
    """The kit of the checkout that this package runs from.

    $SEAWALL_HOME moves the state folder, and with it the cluster's name and addresses.

    Args:
        nodes: the number of nodes; default: that of the existing cluster, or else three.
        emit: receives each progress line; by default, lines go to standard error.
        builds: whether missing programs are built.

    Raises:
        UsageError: `nodes` or a variable is out of range.
    """
    checkout = Path(__file__).resolve().parents[2]
    home = Path(os.environ.get("SEAWALL_HOME") or checkout / ".seawall").resolve()
    if home in {Path("/"), checkout, Path.home()} or home in checkout.parents:
        raise UsageError(f"SEAWALL_HOME: {home} is not a separate folder; name a new one")
    note = read_note(instance_of(home, nodes=1).data)
    count = nodes if nodes is not None else (note.nodes if note else _NODES)
    root = default_root()
    progress = Progress(root / "durations.json", emit)
    cache = Cache(root, progress.note)
    return Kit(checkout, home, instance_of(home, nodes=count), cache, progress, builds)
