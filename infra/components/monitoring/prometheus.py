"""The bundled Prometheus: it scrapes its namespace and evaluates the alerts."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import (
    ContainerArgs,
    ContainerPortArgs,
    PodSpecArgs,
    Service,
    ServicePortArgs,
    ServiceSpecArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from contract import ports
from infra.components.base.config_volume import mounted_files
from infra.components.base.labels import labels_of, selector_of
from infra.components.base.pods import (
    container_security,
    http_probe,
    pod_security,
    quick_names,
    requirements,
    scratch_volume,
)
from infra.components.base.single_pod import SinglePod, single_pod
from infra.components.monitoring.pod_lister import pod_lister
from infra.components.monitoring.prometheus_config import Watched, scrape_config
from infra.config import BundledMonitoring, Front
from monitoring.alerts import ALERTS
from monitoring.rules import rule_file
from monitoring.slo import OBJECTIVES

__all__ = ["COMPONENT", "Prometheus", "PrometheusArgs"]

COMPONENT = "prometheus"
_CONFIG_DIR = "/etc/seawall/prometheus"
_CONFIG_FILE = "prometheus.yml"
_RULES_FILE = "rules.json"
_DATA = "/data"
_DATA_SIZE = "2Gi"
_KEPT_BYTES = "1GB"
"""Half of the volume, because compaction needs the space of a block twice."""
_GRACE_S = 30


@dataclass(frozen=True, slots=True)
class PrometheusArgs:
    """What Prometheus needs."""

    namespace: pulumi.Input[str]
    image: str
    settings: BundledMonitoring
    redis_hosts: pulumi.Output[list[str]]
    """Where Redis and Sentinel listen."""
    front: Front
    """The target of the blackbox probe."""
    replace_after_s: int
    """Seconds for which its node may be lost before the pod is recreated."""


class Prometheus(pulumi.ComponentResource):
    """One pod with a Service, and the permission to list the namespace's pods."""

    url: pulumi.Output[str]
    """Address inside the cluster, with the Service's name."""

    def __init__(
        self, name: str, args: PrometheusArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:monitoring:Prometheus", name, None, opts)
        self._args = args
        child = pulumi.ResourceOptions(parent=self)
        account = pod_lister(name, self._metadata(name), child)
        config = pulumi.Output.all(args.namespace, args.redis_hosts).apply(
            lambda found: json.dumps(
                scrape_config(args.settings, Watched(*found, front=args.front), rules=_RULES_FILE),
                indent=2,
            )
        )
        rules = pulumi.Output.from_input(args.namespace).apply(
            lambda namespace: json.dumps(
                rule_file(
                    ALERTS,
                    OBJECTIVES,
                    runbooks=args.settings.runbooks.rstrip("/"),
                    namespace=namespace,
                    patience=args.settings.patience,
                ),
                indent=2,
            )
        )
        files = mounted_files(
            f"{name}-settings",
            args.namespace,
            COMPONENT,
            {_CONFIG_FILE: config, _RULES_FILE: rules},
            child,
        )
        pod = SinglePod(args.namespace, self._pod(files, account), args.replace_after_s)
        single_pod(name, pod, child)
        service = Service(
            name,
            metadata=self._metadata(name),
            spec=ServiceSpecArgs(
                ports=[ServicePortArgs(name="http", port=ports.PROMETHEUS, target_port="http")],
                selector=selector_of(COMPONENT),
            ),
            opts=child,
        )
        self.url = service.metadata.apply(
            lambda made: f"http://{made.name}.{made.namespace}.svc:{ports.PROMETHEUS}"
        )
        self.register_outputs({"url": self.url})

    def _pod(self, files: VolumeArgs, account: pulumi.Input[str]) -> PodSpecArgs:
        settings = self._args.settings
        container = ContainerArgs(
            name=COMPONENT,
            image=self._args.image,
            image_pull_policy="IfNotPresent",
            args=[
                f"--config.file={_CONFIG_DIR}/{_CONFIG_FILE}",
                f"--storage.tsdb.path={_DATA}",
                f"--storage.tsdb.retention.time={settings.keep}",
                f"--storage.tsdb.retention.size={_KEPT_BYTES}",
                f"--web.listen-address=:{ports.PROMETHEUS}",
            ],
            ports=[ContainerPortArgs(name="http", container_port=ports.PROMETHEUS)],
            liveness_probe=http_probe("/-/healthy", "http", period_s=10, failures=6),
            readiness_probe=http_probe("/-/ready", "http", period_s=2, failures=3),
            resources=requirements(settings.resources),
            security_context=container_security(),
            volume_mounts=[
                VolumeMountArgs(name="config", mount_path=_CONFIG_DIR, read_only=True),
                VolumeMountArgs(name="data", mount_path=_DATA),
            ],
        )
        return PodSpecArgs(
            automount_service_account_token=True,
            containers=[container],
            dns_config=quick_names(),
            enable_service_links=False,
            security_context=pod_security(),
            service_account_name=account,
            termination_grace_period_seconds=_GRACE_S,
            volumes=[files, scratch_volume("data", _DATA_SIZE, memory=False)],
        )

    def _metadata(self, name: str) -> ObjectMetaArgs:
        return ObjectMetaArgs(
            name=name, namespace=self._args.namespace, labels=labels_of(COMPONENT)
        )
