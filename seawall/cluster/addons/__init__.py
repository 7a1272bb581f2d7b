"""What every cluster needs before anything useful can run on it: rights, DNS, volumes, metrics."""

import string
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["AddonValues", "rendered_addons"]


@dataclass(frozen=True, slots=True)
class AddonValues:
    """What the manifests in this folder leave open."""

    base_image: str
    coredns_image: str
    provisioner_image: str
    metrics_server_image: str
    kube_state_metrics_image: str
    dns_service: str


def rendered_addons(values: AddonValues) -> str:
    """All manifests as one YAML stream."""
    documents = [
        string.Template(file.read_text()).substitute(asdict(values))
        for file in sorted(Path(__file__).parent.glob("*.yaml"))
    ]
    return "\n---\n".join(documents)
