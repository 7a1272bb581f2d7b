"""Prometheus' configuration: its scrape targets, their labels, and its rules.

https://prometheus.io/docs/prometheus/latest/configuration/configuration/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from contract import jobs, labels, metrics, paths, ports
from infra.components.base.labels import identity_of
from infra.config import BundledMonitoring, Front

__all__ = ["PROBE_MODULE", "ScrapeConfig", "Watched", "outside_url", "redis_url", "scrape_config"]

PROBE_MODULE = "completion"
"""The name of the request in blackbox_exporter's configuration."""
_MOST_TIMEOUT_S = 10
"""Prometheus' own default."""


class _Relabel(TypedDict, total=False):
    source_labels: list[str]
    regex: str
    action: str
    target_label: str
    replacement: str


class _Discovery(TypedDict):
    role: str
    namespaces: dict[str, list[str]]


class _Static(TypedDict, total=False):
    targets: list[str]
    labels: dict[str, str]


class _Job(TypedDict, total=False):
    job_name: str
    metrics_path: str
    scrape_interval: str
    scrape_timeout: str
    params: dict[str, list[str]]
    kubernetes_sd_configs: list[_Discovery]
    static_configs: list[_Static]
    relabel_configs: list[_Relabel]


class _Alertmanagers(TypedDict):
    static_configs: list[_Static]


class _Alerting(TypedDict):
    alertmanagers: list[_Alertmanagers]


# Written as a call because `global` cannot be a field of a class.
ScrapeConfig = TypedDict(
    "ScrapeConfig",
    {
        "global": dict[str, str],
        "rule_files": list[str],
        "alerting": _Alerting,
        "scrape_configs": list[_Job],
    },
)
"""The configuration file."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The scrape targets.

    Attributes:
        namespace: the namespace of all targets.
        redis_hosts: the names of the Redis pods' Services; the first part is the pod.
        front: the target of blackbox_exporter.
    """

    namespace: str
    redis_hosts: Sequence[str]
    front: Front


def redis_url(host: str, port: int) -> str:
    """The URL by which redis_exporter selects a Redis or a Sentinel."""
    return f"redis://{host}:{port}"


def outside_url(front: Front) -> str:
    """The URL that blackbox_exporter requests."""
    return f"{front.url}/v1/chat/completions"


def scrape_config(settings: BundledMonitoring, watched: Watched, *, rules: str) -> ScrapeConfig:
    """The configuration of a Prometheus in the namespace of its targets.

    `rules` is the name of a file in the same folder.
    """
    every = settings.scrape_every
    timeout = min(every.whole_seconds, _MOST_TIMEOUT_S)
    alertmanagers = [f"alertmanager:{ports.ALERTMANAGER}"] if settings.alertmanager else []
    scraped = [
        _pods(metrics.GATEWAY_JOB, "gateway", "health", watched.namespace),
        _redis(jobs.REDIS, ports.REDIS, watched),
        _redis(jobs.SENTINEL, ports.SENTINEL, watched),
    ]
    if settings.outside:
        outside = settings.outside
        scraped.append(_outside(watched, str(outside.every), str(outside.timeout)))
    return {
        "global": {
            "scrape_interval": str(every),
            "scrape_timeout": f"{timeout}s",
            "evaluation_interval": str(every),
        },
        "rule_files": [rules],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": [to]}]} for to in alertmanagers]
        },
        "scrape_configs": scraped,
    }


def _redis(job: str, port: int, watched: Watched) -> _Job:
    """Every Redis pod, through the exporter; `instance` is the pod, as in Kubernetes."""
    return _through(
        f"redis-exporter:{ports.REDIS_EXPORTER}",
        {
            "job_name": job,
            "metrics_path": "/scrape",
            "static_configs": [
                {
                    "targets": [redis_url(host, port)],
                    "labels": {"instance": host.partition(".")[0], "namespace": watched.namespace},
                }
                for host in watched.redis_hosts
            ],
        },
    )


def _outside(watched: Watched, every: str, timeout: str) -> _Job:
    return _through(
        f"outside-probe:{ports.PROBE}",
        {
            "job_name": jobs.OUTSIDE,
            "metrics_path": "/probe",
            "scrape_interval": every,
            "scrape_timeout": timeout,
            "params": {"module": [PROBE_MODULE]},
            "static_configs": [
                {
                    "targets": [outside_url(watched.front)],
                    "labels": {"instance": "gateway", "namespace": watched.namespace},
                }
            ],
        },
    )


def _through(exporter: str, job: _Job) -> _Job:
    """The job with its targets passed to an exporter, which queries them."""
    asked: list[_Relabel] = [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"target_label": "__address__", "replacement": exporter},
    ]
    return {**job, "relabel_configs": asked}


def _pods(job: str, component: str, port: str, namespace: str) -> _Job:
    """The pods of a component that have a container port with this name, on any track."""
    wanted: dict[str, str] = {
        f"__meta_kubernetes_pod_label_{_as_label(name)}": value
        for name, value in identity_of(component).items()
    }
    wanted["__meta_kubernetes_pod_container_port_name"] = port
    # An ended pod keeps its address for a while, although another pod may have it by then.
    wanted["__meta_kubernetes_pod_phase"] = "Running"
    kept: Mapping[str, str] = {
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
    """Prometheus' form of the name of a Kubernetes label."""
    return "".join(sign if sign.isalnum() else "_" for sign in name)
