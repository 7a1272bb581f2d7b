"""Objects for a Prometheus operator: the scrape targets of its Prometheus, and the alerts.

They have the same jobs and labels as the bundled Prometheus, so that alerts and dashboards work
with both. https://prometheus-operator.dev/docs/api-reference/api/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from contract import jobs, labels, metrics, paths, ports
from infra.components.base.labels import identity_of, labels_of
from infra.components.monitoring.prometheus_config import PROBE_MODULE, outside_url, redis_url
from infra.config import Front, Operator
from monitoring.alerts import ALERTS
from monitoring.rules import RuleFile, rule_file
from monitoring.slo import OBJECTIVES

__all__ = ["OperatorObjects", "OperatorObjectsArgs"]

_API_VERSION = "monitoring.coreos.com/v1"
_COMPONENT = "monitoring"
_TRACK = f"__meta_kubernetes_pod_label_{labels.TRACK}"


@dataclass(frozen=True, slots=True)
class OperatorObjectsArgs:
    """What OperatorObjects needs."""

    namespace: pulumi.Input[str]
    settings: Operator
    redis_hosts: pulumi.Output[list[str]]
    """Where Redis and Sentinel listen."""
    front: Front
    """The target of the blackbox probe."""


class OperatorObjects(pulumi.ComponentResource):
    """PodMonitor, Probe and PrometheusRule objects; the cluster must know their kinds."""

    def __init__(
        self, name: str, args: OperatorObjectsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:monitoring:OperatorObjects", name, None, opts)
        self._args = args
        settings = args.settings
        self._object("PodMonitor", "gateway", _gateway(str(settings.scrape_every)))
        for job, port in ((jobs.REDIS, ports.REDIS), (jobs.SENTINEL, ports.SENTINEL)):
            self._object("Probe", job, self._redis(job, port))
        if settings.outside:
            self._object("Probe", jobs.OUTSIDE, self._outside())
        self._object("PrometheusRule", "seawall", self._rules())
        self.register_outputs({})

    def _rules(self) -> pulumi.Output[RuleFile]:
        return pulumi.Output.from_input(self._args.namespace).apply(
            lambda namespace: rule_file(
                ALERTS,
                OBJECTIVES,
                runbooks=self._args.settings.runbooks.rstrip("/"),
                namespace=namespace,
            )
        )

    def _redis(self, job: str, port: int) -> Mapping[str, object]:
        def urls(hosts: Sequence[str]) -> list[str]:
            return [redis_url(host, port) for host in hosts]

        pod = {
            "sourceLabels": ["__param_target"],
            "regex": r"redis://([^.:]+).*",
            "targetLabel": "instance",
        }
        return {
            "jobName": job,
            "interval": str(self._args.settings.scrape_every),
            "prober": self._prober("redis-exporter", ports.REDIS_EXPORTER, "/scrape"),
            "targets": {
                "staticConfig": {
                    "static": self._args.redis_hosts.apply(urls),
                    "relabelingConfigs": [pod],
                }
            },
        }

    def _outside(self) -> Mapping[str, object]:
        outside = self._args.settings.outside
        return {
            "jobName": jobs.OUTSIDE,
            "interval": str(outside.every) if outside else None,
            "scrapeTimeout": str(outside.timeout) if outside else None,
            "module": PROBE_MODULE,
            "prober": self._prober("outside-probe", ports.PROBE, "/probe"),
            "targets": {
                "staticConfig": {
                    "static": [outside_url(self._args.front)],
                    "relabelingConfigs": [{"targetLabel": "instance", "replacement": "gateway"}],
                }
            },
        }

    def _prober(self, service: str, port: int, path: str) -> Mapping[str, object]:
        # Its Prometheus is in another namespace.
        url = pulumi.Output.concat(service, ".", self._args.namespace, f".svc:{port}")
        return {"url": url, "path": path}

    def _object(self, kind: str, name: str, spec: pulumi.Input[Mapping[str, object]]) -> None:
        CustomResource(
            f"{kind.lower()}-{name}",
            api_version=_API_VERSION,
            kind=kind,
            metadata=ObjectMetaArgs(
                name=name,
                namespace=self._args.namespace,
                labels={**labels_of(_COMPONENT), **self._args.settings.labels},
            ),
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _gateway(every: str) -> Mapping[str, object]:
    added = [
        {"targetLabel": "job", "replacement": metrics.GATEWAY_JOB},
        {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"},
        {"sourceLabels": [_TRACK], "targetLabel": labels.TRACK},
    ]
    return {
        # Pods on any track, as in the bundled Prometheus.
        "selector": {"matchLabels": identity_of("gateway")},
        "podMetricsEndpoints": [
            {"port": "health", "path": paths.METRICS, "interval": every, "relabelings": added}
        ],
    }
