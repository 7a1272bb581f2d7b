"""The way in that the configuration chose, and the address that the kit itself asks."""

from dataclasses import dataclass

import pulumi

from infra.components.edge.gateway_api import gateway_api
from infra.components.edge.ingress import ingress
from infra.components.edge.load_balancer import Balanced, load_balancer
from infra.components.edge.nginx_deployment import NginxEntrance, NginxEntranceArgs
from infra.components.gateway.pod import COMPONENT as GATEWAY
from infra.config import (
    BundledEntrance,
    Gateway,
    GatewayApi,
    Ingress,
    LoadBalancer,
    NoEntrance,
)
from infra.config import (
    Entrance as EntranceSettings,
)

__all__ = ["Entrance", "EntranceArgs"]


@dataclass(frozen=True, slots=True)
class EntranceArgs:
    """What an Entrance needs."""

    namespace: pulumi.Input[str]
    settings: EntranceSettings
    gateway: Gateway
    image: str | None
    """Of the bundled entrance."""
    service: pulumi.Input[str]
    """The gateway's Service."""
    service_port: int
    service_url: pulumi.Output[str]


class Entrance(pulumi.ComponentResource):
    """One of the ways in."""

    url: pulumi.Output[str]
    """Where the kit asks, inside the cluster: through its own entrance where that speaks plain
    HTTP, else the gateway's Service."""
    hosts: list[str]
    """The addresses that clients use, as far as the configuration says them."""

    def __init__(
        self, name: str, args: EntranceArgs, opts: pulumi.ResourceOptions | None = None
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
            case BundledEntrance():
                made = NginxEntranceArgs(namespace, args.image or "", settings, args.gateway)
                nginx = NginxEntrance(name, made, child)
                # Its certificate is for hosts, and the kit asks by address.
                self.url = args.service_url if settings.tls else nginx.url
            case NoEntrance():
                pass
        self.register_outputs({"url": self.url, "hosts": self.hosts})


def _addresses(settings: EntranceSettings) -> list[str]:
    if isinstance(settings, NoEntrance | LoadBalancer):
        return []
    scheme = "https" if settings.tls else "http"
    return [f"{scheme}://{host}" for host in settings.hosts]
