"""Objects for a Prometheus operator: the scrape targets of its Prometheus, and the alerts.

They have the same jobs and labels as the bundled Prometheus, so that alerts and dashboards work
with both. https://prometheus-operator.dev/docs/api-reference/api/
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from contract import labels
from infra.config import Operator
from infra.labels import identity_of, labels_of
from infra.workloads.workload import PodScrape, ProbeScrape, Workload
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
    workloads: Collection[Workload]
    """All workloads of the environment."""


class OperatorObjects(pulumi.ComponentResource):
    """PodMonitor, Probe and PrometheusRule objects; the cluster must know their kinds."""

    def __init__(
        self, name: str, args: OperatorObjectsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:monitoring:OperatorObjects", name, None, opts)
        self._args = args
        every = str(args.settings.scrape_every)
        for workload in args.workloads:
            for scrape in workload.scrapes:
                match scrape:
                    case PodScrape():
                        pods = _pods(scrape, workload.name, every)
                        self._object("PodMonitor", workload.name, pods)
                    case ProbeScrape():
                        self._object("Probe", scrape.job, self._probe(scrape, workload, every))
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

    def _probe(self, scrape: ProbeScrape, workload: Workload, every: str) -> Mapping[str, object]:
        instance: Mapping[str, object] = {
            "sourceLabels": ["__param_target"],
            "regex": r"[a-z]+://([^.:/]+).*",
            "targetLabel": "instance",
        }
        if scrape.instance:
            instance = {"targetLabel": "instance", "replacement": scrape.instance}
        spec: dict[str, object] = {"jobName": scrape.job, "interval": scrape.every or every}
        if scrape.timeout:
            spec["scrapeTimeout"] = scrape.timeout
        if scrape.module:
            spec["module"] = scrape.module
        static = {"static": list(scrape.targets), "relabelingConfigs": [instance]}
        return {
            **spec,
            "prober": self._prober(workload.name, workload.scraped_port or 0, scrape.path),
            "targets": {"staticConfig": static},
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


def _pods(scrape: PodScrape, workload: str, every: str) -> Mapping[str, object]:
    added = [
        {"targetLabel": "job", "replacement": scrape.job},
        {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"},
        {"sourceLabels": [_TRACK], "targetLabel": labels.TRACK},
    ]
    return {
        # Pods on any track, as in the bundled Prometheus.
        "selector": {"matchLabels": identity_of(workload)},
        "podMetricsEndpoints": [
            {
                "port": scrape.port_name,
                "path": scrape.path,
                "interval": every,
                "relabelings": added,
            }
        ],
    }
