"""The configured way from outside to the gateway, and the address for Seawall's own requests."""

from dataclasses import dataclass

import pulumi

from infra.components.edge.gateway_api import gateway_api
from infra.components.edge.ingress import ingress
from infra.components.edge.load_balancer import Balanced, load_balancer
from infra.components.edge.nginx_deployment import NginxEdge, NginxEdgeArgs
from infra.components.gateway.pod import COMPONENT as GATEWAY
from infra.config import (
    BundledEdge,
    Gateway,
    GatewayApi,
    Ingress,
    LoadBalancer,
    NoEdge,
)
from infra.config import (
    Edge as EdgeSettings,
)

__all__ = ["Edge", "EdgeArgs"]


@dataclass(frozen=True, slots=True)
class EdgeArgs:
    """What an Edge needs."""

    namespace: pulumi.Input[str]
    settings: EdgeSettings
    gateway: Gateway
    image: str | None
    """Image of the bundled edge proxy."""
    service: pulumi.Input[str]
    """The gateway's Service."""
    service_port: int
    service_url: pulumi.Output[str]


class Edge(pulumi.ComponentResource):
    """The configured way from outside to the gateway."""

    url: pulumi.Output[str]
    """Address inside the cluster for Seawall's own requests: the bundled edge proxy where it speaks
    plain HTTP, else the gateway's Service."""
    hosts: list[str]
    """The addresses that clients use, as far as the configuration contains them."""

    def __init__(
        self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:entrance:Entrance", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        settings, namespace = args.settings, args.namespace
        self.url = args.service_url
        self.hosts = _addresses(settings)
        match settings:
            case LoadBalancer():
                load_balancer(name, Balanced(namespace, GATEWAY, "http"), settings, child)
            case Ingress():
                ingress(name, namespace, settings, args.gateway, args.service, child)
            case GatewayApi():
                gateway_api(
                    name,
                    namespace,
                    settings,
                    args.gateway,
                    args.service,
                    args.service_port,
                    child,
                )
            case BundledEdge():
                made = NginxEdgeArgs(namespace, args.image or "", settings, args.gateway)
                nginx = NginxEdge(name, made, child)
                # Its certificate is for host names, and Seawall's requests go to an address.
                self.url = args.service_url if settings.tls else nginx.url
            case NoEdge():
                pass
        self.register_outputs({"url": self.url, "hosts": self.hosts})


def _addresses(settings: EdgeSettings) -> list[str]:
    if isinstance(settings, NoEdge | LoadBalancer):
        return []
    scheme = "https" if settings.tls else "http"
    return [f"{scheme}://{host}" for host in settings.hosts]
