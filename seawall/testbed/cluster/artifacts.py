"""The programs and images that must be built before the cluster can start."""

from dataclasses import dataclass
from pathlib import Path

from seawall.testbed.toolchain.images import Image

__all__ = ["MetricsImages", "Supplies"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsImages:
    """The images for the cluster's metrics; no distribution of Kubernetes contains them."""

    metrics_server: Image
    kube_state_metrics: Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """The builds for the cluster.

    Attributes:
        programs: folder with the Kubernetes programs.
        store: containerd root that contains the images below, unpacked.
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
        """All images in the store."""
        return [
            *(self.pause, self.base, self.coredns, self.provisioner),
            *(self.metrics_server, self.kube_state_metrics),
        ]
