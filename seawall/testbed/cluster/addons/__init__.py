"""What every cluster needs before anything useful can run on it: rights, DNS, volumes, metrics."""

import string
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["AddonValues", "MetricsValues", "rendered_addons", "rendered_metrics"]

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsValues:
    """What the manifests of the metrics leave open.

    Attributes:
        metrics_server_image, kube_state_metrics_image: references.
        kubelet_trust: the flag by which metrics-server knows the kubelets' certificates.
    """

    metrics_server_image: str
    kube_state_metrics_image: str
    kubelet_trust: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddonValues(MetricsValues):
    """What all manifests in this folder leave open."""

    base_image: str
    coredns_image: str
    provisioner_image: str
    dns_service: str


def rendered_addons(values: AddonValues) -> str:
    """All manifests as one YAML stream."""
    return "\n---\n".join(_rendered(file, values) for file in sorted(_FOLDER.glob("*.yaml")))


def rendered_metrics(values: MetricsValues) -> str:
    """The metrics alone, for a cluster that brings the rest."""
    return _rendered(_FOLDER / "metrics.yaml", values)


def _rendered(file: Path, values: MetricsValues) -> str:
    return string.Template(file.read_text()).substitute(asdict(values))
