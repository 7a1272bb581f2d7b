"""Add-ons that every cluster needs before it can run pods: rights, DNS, volumes, metrics."""

import string
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["AddonValues", "MetricsValues", "rendered_addons", "rendered_metrics"]

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsValues:
    """The values for the manifests of the metrics.

    Attributes:
        metrics_server_image, kube_state_metrics_image: references.
        kubelet_trust: the flag of metrics-server about the kubelets' certificates.
    """

    metrics_server_image: str
    kube_state_metrics_image: str
    kubelet_trust: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddonValues(MetricsValues):
    """The values for all manifests in this folder."""

    base_image: str
    coredns_image: str
    provisioner_image: str
    dns_service: str


def rendered_addons(values: AddonValues) -> str:
    """All manifests as one YAML stream."""
    return "\n---\n".join(_rendered(file, values) for file in sorted(_FOLDER.glob("*.yaml")))


def rendered_metrics(values: MetricsValues) -> str:
    """Only the manifests of the metrics, for a cluster that has the other add-ons."""
    return _rendered(_FOLDER / "metrics.yaml", values)


def _rendered(file: Path, values: MetricsValues) -> str:
    return string.Template(file.read_text()).substitute(asdict(values))
