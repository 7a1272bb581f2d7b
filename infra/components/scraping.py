"""Prometheus' configuration: whom it asks for metrics, under which labels it keeps them, its rules.

https://prometheus.io/docs/prometheus/latest/configuration/configuration/
"""

from typing import TypedDict

from contract import labels, metrics, paths
from infra.components.labels import identity_of
from infra.settings import Monitoring

__all__ = ["ScrapeConfig", "scrape_config"]

_MOST_TIMEOUT_S = 10
"""Prometheus' own default."""


class _Relabel(TypedDict, total=False):
    source_labels: list[str]
    regex: str
    action: str
    target_label: str


class _Discovery(TypedDict):
    role: str
    namespaces: dict[str, list[str]]


class _Job(TypedDict):
    job_name: str
    metrics_path: str
    kubernetes_sd_configs: list[_Discovery]
    relabel_configs: list[_Relabel]


# Written as a call because `global` cannot be a field of a class.
ScrapeConfig = TypedDict(
    "ScrapeConfig",
    {"global": dict[str, str], "rule_files": list[str], "scrape_configs": list[_Job]},
)
"""The file."""


def scrape_config(settings: Monitoring, namespace: str, *, rules: str) -> ScrapeConfig:
    """The file of a Prometheus that asks the gateway's pods of `namespace`.

    `rules` is the name of a file beside it.
    """
    every = settings.scrape_every
    timeout = min(every.whole_seconds, _MOST_TIMEOUT_S)
    return {
        "global": {
            "scrape_interval": str(every),
            "scrape_timeout": f"{timeout}s",
            "evaluation_interval": str(every),
        },
        "rule_files": [rules],
        "scrape_configs": [_pods(metrics.GATEWAY_JOB, "gateway", "health", namespace)],
    }


def _pods(job: str, component: str, port: str, namespace: str) -> _Job:
    """The pods of a component that have a container port of that name, whatever their track."""
    wanted: dict[str, str] = {
        f"__meta_kubernetes_pod_label_{_as_label(name)}": value
        for name, value in identity_of(component).items()
    }
    wanted["__meta_kubernetes_pod_container_port_name"] = port
    # One that ended keeps its address for a while; another pod may have it by then.
    wanted["__meta_kubernetes_pod_phase"] = "Running"
    kept = {
        "namespace": "__meta_kubernetes_namespace",
        "pod": "__meta_kubernetes_pod_name",
        "node": "__meta_kubernetes_pod_node_name",
        labels.TRACK: f"__meta_kubernetes_pod_label_{labels.TRACK}",
    }
    return {
        "job_name": job,
        "metrics_path": paths.METRICS,
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [namespace]}}],
        "relabel_configs": [
            *(
                _Relabel(source_labels=[source], regex=value, action="keep")
                for source, value in wanted.items()
            ),
            *(
                _Relabel(source_labels=[source], target_label=target)
                for target, source in kept.items()
            ),
        ],
    }


def _as_label(name: str) -> str:
    """How Prometheus writes the name of a Kubernetes label."""
    return "".join(sign if sign.isalnum() else "_" for sign in name)
