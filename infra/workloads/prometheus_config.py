"""Prometheus' configuration: its scrape targets, their labels, and its rules.

https://prometheus.io/docs/prometheus/latest/configuration/configuration/
"""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import TypedDict
from urllib.parse import urlsplit

from contract import labels, ports
from infra.config import BundledMonitoring, Environment
from infra.labels import identity_of
from infra.workloads.workload import PodScrape, ProbeScrape, Workload
from monitoring.alerts import ALERTS
from monitoring.rules import rule_file
from monitoring.slo import OBJECTIVES

__all__ = ["CONFIG_FILE", "RULES_FILE", "prometheus_files"]

CONFIG_FILE = "prometheus.yml"
RULES_FILE = "rules.json"
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
_ScrapeConfig = TypedDict(
    "_ScrapeConfig",
    {
        "global": dict[str, str],
        "rule_files": list[str],
        "alerting": _Alerting,
        "scrape_configs": list[_Job],
    },
)


def prometheus_files(
    environment: Environment, settings: BundledMonitoring, workloads: Collection[Workload]
) -> Mapping[str, str]:
    """The configuration and the rules of a Prometheus in the namespace of its targets, by file."""
    namespace = environment.kubernetes.namespace
    rules = rule_file(
        ALERTS,
        OBJECTIVES,
        runbooks=settings.runbooks.rstrip("/"),
        namespace=namespace,
        for_scale=settings.for_scale,
    )
    return {
        CONFIG_FILE: json.dumps(_config(settings, namespace, workloads), indent=2),
        RULES_FILE: json.dumps(rules, indent=2),
    }


def _config(
    settings: BundledMonitoring, namespace: str, workloads: Collection[Workload]
) -> _ScrapeConfig:
    every = settings.scrape_every
    timeout = min(every.whole_seconds, _MOST_TIMEOUT_S)
    alertmanagers = [f"alertmanager:{ports.ALERTMANAGER}"] if settings.alertmanager else []
    return {
        "global": {
            "scrape_interval": str(every),
            "scrape_timeout": f"{timeout}s",
            "evaluation_interval": str(every),
        },
        "rule_files": [RULES_FILE],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": [to]}]} for to in alertmanagers]
        },
        "scrape_configs": [job for workload in workloads for job in _jobs(workload, namespace)],
    }


def _jobs(workload: Workload, namespace: str) -> Iterator[_Job]:
    for scrape in workload.scrapes:
        match scrape:
            case PodScrape():
                yield _pods(scrape, workload.name, namespace)
            case ProbeScrape():
                exporter = f"{workload.name}:{workload.scraped_port}"
                yield _through(exporter, _probed(scrape, namespace))


def _probed(scrape: ProbeScrape, namespace: str) -> _Job:
    job: _Job = {"job_name": scrape.job, "metrics_path": scrape.path}
    if scrape.every:
        job["scrape_interval"] = scrape.every
    if scrape.timeout:
        job["scrape_timeout"] = scrape.timeout
    if scrape.module:
        job["params"] = {"module": [scrape.module]}
    job["static_configs"] = [
        {
            "targets": [target],
            "labels": {"instance": scrape.instance or _pod_of(target), "namespace": namespace},
        }
        for target in scrape.targets
    ]
    return job


def _pod_of(url: str) -> str:
    """The first part of the URL's host, which is the pod for the Services of Redis' pods."""
    return (urlsplit(url).hostname or "").partition(".")[0]


def _through(exporter: str, job: _Job) -> _Job:
    """The job with its targets passed to an exporter, which queries them."""
    asked: list[_Relabel] = [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"target_label": "__address__", "replacement": exporter},
    ]
    return {**job, "relabel_configs": asked}


def _pods(scrape: PodScrape, component: str, namespace: str) -> _Job:
    """The pods of a component that have the container port, on any track."""
    wanted: dict[str, str] = {
        f"__meta_kubernetes_pod_label_{_as_label(name)}": value
        for name, value in identity_of(component).items()
    }
    wanted["__meta_kubernetes_pod_container_port_name"] = scrape.port_name
    # An ended pod keeps its address for a while, although another pod may have it by then.
    wanted["__meta_kubernetes_pod_phase"] = "Running"
    kept: Mapping[str, str] = {
        "namespace": "__meta_kubernetes_namespace",
        "pod": "__meta_kubernetes_pod_name",
        "node": "__meta_kubernetes_pod_node_name",
        labels.TRACK: f"__meta_kubernetes_pod_label_{labels.TRACK}",
    }
    return {
        "job_name": scrape.job,
        "metrics_path": scrape.path,
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
