"""prometheus-adapter: Prometheus' metrics in the form that the autoscaler reads."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apiregistration.v1 import (
    APIService,
    APIServiceSpecArgs,
    ServiceReferenceArgs,
)
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
from infra.components.monitoring.metrics_adapter_rbac import rights_of
from infra.config import MetricsAdapter as MetricsAdapterSettings
from monitoring.scaling import SIGNALS, adapter_rules

__all__ = ["COMPONENT", "MetricsAdapter", "MetricsAdapterArgs"]

COMPONENT = "metrics-adapter"
_SERVICE_PORT = 443
_CONFIG_DIR = "/etc/seawall/adapter"
_CONFIG_FILE = "adapter.yaml"
_KEYS = "/keys"
_RELIST_S = 10
"""Seconds until a new series is known. The default, 10 min, is for large Prometheus servers."""
_GROUPS = ("custom.metrics.k8s.io", "external.metrics.k8s.io")
_VERSION = "v1beta1"
"""The version of both APIs that every supported Kubernetes uses."""


@dataclass(frozen=True, slots=True)
class MetricsAdapterArgs:
    """What MetricsAdapter needs."""

    namespace: str
    """A plain string, because it is part of the names of cluster-wide objects."""
    made_namespace: pulumi.Input[str]
    """The same namespace as an output, which is known once the namespace exists."""
    image: str
    prometheus: pulumi.Input[str]
    """The address of the Prometheus that scrapes the gateway."""
    settings: MetricsAdapterSettings
    replace_after_s: int
    """Seconds for which its node may be lost before the pod is recreated."""


class MetricsAdapter(pulumi.ComponentResource):
    """One pod that serves two APIs of the cluster. While it is away, nothing is scaled down."""

    def __init__(
        self, name: str, args: MetricsAdapterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:monitoring:MetricsAdapter", name, None, opts)
        self._args = args
        child = pulumi.ResourceOptions(parent=self)
        account = rights_of(name, self._metadata(name), args.namespace, child)
        rules = adapter_rules(SIGNALS, window_s=args.settings.window.whole_seconds)
        files = mounted_files(
            f"{name}-settings",
            args.made_namespace,
            COMPONENT,
            {_CONFIG_FILE: json.dumps(rules, indent=2)},
            child,
        )
        pod = SinglePod(args.made_namespace, self._pod(files, account), args.replace_after_s)
        deployment = single_pod(name, pod, child)
        service = Service(
            name,
            metadata=self._metadata(name),
            spec=ServiceSpecArgs(
                ports=[ServicePortArgs(name="https", port=_SERVICE_PORT, target_port="https")],
                selector=selector_of(COMPONENT),
            ),
            opts=child,
        )
        # Register the APIs only once the adapter serves them: an API without a server prevents the
        # deletion of every namespace of the cluster.
        after = pulumi.ResourceOptions(parent=self, depends_on=[deployment])
        for group in _GROUPS:
            self._api(group, service.metadata.apply(lambda made: made.name or name), after)
        self.register_outputs({})

    def _api(self, group: str, service: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
        name = f"{_VERSION}.{group}"
        APIService(
            name,
            metadata=ObjectMetaArgs(name=name, labels=labels_of(COMPONENT)),
            spec=APIServiceSpecArgs(
                group=group,
                version=_VERSION,
                group_priority_minimum=100,
                version_priority=100,
                # Each pod creates its own self-signed certificate; metrics-server does the same.
                insecure_skip_tls_verify=True,
                service=ServiceReferenceArgs(
                    name=service, namespace=self._args.made_namespace, port=_SERVICE_PORT
                ),
            ),
            opts=opts,
        )

    def _pod(self, files: VolumeArgs, account: pulumi.Input[str]) -> PodSpecArgs:
        settings = self._args.settings
        container = ContainerArgs(
            name=COMPONENT,
            image=self._args.image,
            image_pull_policy="IfNotPresent",
            args=[
                f"--config={_CONFIG_DIR}/{_CONFIG_FILE}",
                pulumi.Output.concat("--prometheus-url=", self._args.prometheus),
                f"--metrics-relist-interval={_RELIST_S}s",
                # Series with samples within this time: long enough for a slow scrape.
                f"--metrics-max-age={max(settings.window.whole_seconds, 60)}s",
                f"--secure-port={ports.METRICS_ADAPTER}",
                f"--cert-dir={_KEYS}",
            ],
            ports=[ContainerPortArgs(name="https", container_port=ports.METRICS_ADAPTER)],
            liveness_probe=http_probe("/livez", "https", period_s=10, failures=6, scheme="HTTPS"),
            readiness_probe=http_probe("/readyz", "https", period_s=2, failures=3, scheme="HTTPS"),
            resources=requirements(settings.resources),
            security_context=container_security(),
            volume_mounts=[
                VolumeMountArgs(name="config", mount_path=_CONFIG_DIR, read_only=True),
                VolumeMountArgs(name="keys", mount_path=_KEYS),
            ],
        )
        return PodSpecArgs(
            automount_service_account_token=True,
            containers=[container],
            dns_config=quick_names(),
            enable_service_links=False,
            security_context=pod_security(),
            service_account_name=account,
            volumes=[files, scratch_volume("keys", "1Mi", memory=True)],
        )

    def _metadata(self, name: str) -> ObjectMetaArgs:
        return ObjectMetaArgs(
            name=name, namespace=self._args.made_namespace, labels=labels_of(COMPONENT)
        )
