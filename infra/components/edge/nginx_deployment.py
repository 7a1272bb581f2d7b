"""The bundled edge proxy: nginx pods that connect directly to the gateway's pods.

Through the gateway's Service, requests would still go to a lost node until Kubernetes removes its
pods, after ten seconds or more. nginx notices a connection that is not established, and tries
another pod.
"""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apps.v1 import (
    Deployment,
    DeploymentSpecArgs,
    DeploymentStrategyArgs,
    RollingUpdateDeploymentArgs,
)
from pulumi_kubernetes.core.v1 import (
    PodTemplateSpecArgs,
    Service,
    ServicePortArgs,
    ServiceSpecArgs,
    VolumeArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from contract import ports
from infra.components.base.config_volume import mounted_files
from infra.components.base.placement import disruption_budget
from infra.components.base.provider_annotations import PROGRESS_SECONDS
from infra.components.edge.certificates import certificate
from infra.components.edge.load_balancer import Balanced, load_balancer
from infra.components.edge.nginx_conf import Listener, NginxConf, Upstream, nginx_conf
from infra.components.edge.nginx_pod import (
    COMPONENT,
    CONFIG_FILE,
    PODS_HOST,
    TLS_DIR,
    NginxPod,
    pod_spec,
)
from infra.components.gateway.pod import COMPONENT as GATEWAY
from infra.config import BundledEdge, Gateway
from infra.labels import labels_of, selector_of

__all__ = ["NginxEdge", "NginxEdgeArgs"]

_HTTP, _HTTPS = 80, 443


@dataclass(frozen=True, slots=True)
class NginxEdgeArgs:
    """What an NginxEdge needs."""

    namespace: pulumi.Input[str]
    image: str
    settings: BundledEdge
    gateway: Gateway


class NginxEdge(pulumi.ComponentResource):
    """The Deployment with its Services; clients connect to the Service with its name."""

    url: pulumi.Output[str]
    """Address inside the cluster: that of the Service."""

    def __init__(
        self, name: str, args: NginxEdgeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:entrance:NginxEntrance", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        settings = args.settings
        self._headless()
        if settings.tls:
            metadata = self._metadata(name)
            certificate(name, metadata, settings.tls, settings.hosts, self._child)
        self._deployment(name, self._files(name))
        disruption_budget(name, self._metadata(name), settings.disruption, COMPONENT, self._child)
        service = self._service(name)
        if settings.load_balancer:
            pods = Balanced(args.namespace, COMPONENT, "http", usual=443 if settings.tls else 80)
            load_balancer(f"{name}-outside", pods, settings.load_balancer, self._child)
        scheme = "https" if settings.tls else "http"
        self.url = service.spec.apply(lambda spec: f"{scheme}://{spec.cluster_ip}")
        self.register_outputs({"url": self.url})

    def _headless(self) -> None:
        """The DNS name with the addresses of the gateway's ready pods."""
        Service(
            PODS_HOST,
            metadata=ObjectMetaArgs(
                name=PODS_HOST, namespace=self._args.namespace, labels=labels_of(GATEWAY)
            ),
            spec=ServiceSpecArgs(
                cluster_ip="None",
                ports=[ServicePortArgs(name="http", port=ports.GATEWAY_HTTP, target_port="http")],
                publish_not_ready_addresses=False,
                selector=selector_of(GATEWAY),
            ),
            opts=self._child,
        )

    def _files(self, name: str) -> VolumeArgs:
        args, settings = self._args, self._args.settings
        text = nginx_conf(
            NginxConf(
                gateway=args.gateway,
                upstream=Upstream(PODS_HOST, ports.GATEWAY_HTTP, f"127.0.0.1:{ports.EDGE_NAMES}"),
                listener=Listener(
                    ports.EDGE_HTTPS if settings.tls else ports.EDGE_HTTP,
                    ports.EDGE_HEALTH,
                    TLS_DIR if settings.tls else None,
                ),
                connect_timeout=settings.connect_timeout,
                rate_limit=settings.rate_limit,
                trusted_proxies=settings.trusted_proxies,
            )
        )
        return mounted_files(
            f"{name}-settings", args.namespace, COMPONENT, {CONFIG_FILE: text}, self._child
        )

    def _deployment(self, name: str, files: VolumeArgs) -> None:
        args = self._args
        pod = NginxPod(
            settings=args.settings,
            image=args.image,
            config=files,
            shutdown=args.gateway.shutdown,
            replace_after_s=args.gateway.replace_after.whole_seconds,
        )
        rolling = RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0)
        Deployment(
            name,
            metadata=self._metadata(name),
            spec=DeploymentSpecArgs(
                progress_deadline_seconds=PROGRESS_SECONDS,
                replicas=args.settings.replicas,
                selector=LabelSelectorArgs(match_labels=selector_of(COMPONENT)),
                strategy=DeploymentStrategyArgs(type="RollingUpdate", rolling_update=rolling),
                template=PodTemplateSpecArgs(
                    metadata=ObjectMetaArgs(labels=labels_of(COMPONENT)), spec=pod_spec(pod)
                ),
            ),
            opts=self._child,
        )

    def _service(self, name: str) -> Service:
        port = _HTTPS if self._args.settings.tls else _HTTP
        return Service(
            name,
            metadata=self._metadata(name),
            spec=ServiceSpecArgs(
                ports=[ServicePortArgs(name="http", port=port, target_port="http")],
                selector=selector_of(COMPONENT),
                type="ClusterIP",
            ),
            opts=self._child,
        )

    def _metadata(self, name: str) -> ObjectMetaArgs:
        return ObjectMetaArgs(
            name=name,
            namespace=self._args.namespace,
            labels=labels_of(COMPONENT),
        )
