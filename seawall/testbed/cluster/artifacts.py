"""What must be built before the cluster can start."""

from dataclasses import dataclass
from pathlib import Path

from seawall.testbed.toolchain.images import Image

__all__ = ["MetricsImages", "Supplies"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsImages:
    """What reads the cluster's metrics; no distribution of Kubernetes brings it."""

    metrics_server: Image
    kube_state_metrics: Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """What was built for the cluster.

    Attributes:
        programs: folder with the Kubernetes programs.
        store: containerd root with the images below unpacked.
        pause, base, coredns, provisioner, metrics_server, kube_state_metrics: the images that the
        cluster itself runs.
    """

    programs: Path
    store: Path
    pause: Image
    base: Image
    coredns: Image
    provisioner: Image
    metrics_server: Image
    kube_state_metrics: Image

    @property
    def images(self) -> list[Image]:
        """All that the store holds."""
        return [
            *(self.pause, self.base, self.coredns, self.provisioner),
            *(self.metrics_server, self.kube_state_metrics),
        ]
