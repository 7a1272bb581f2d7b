"""Network rules for incoming traffic: clients, the proxies in front, and the gateway."""

from pulumi_kubernetes.networking.v1 import (
    NetworkPolicyEgressRuleArgs,
    NetworkPolicyIngressRuleArgs,
    NetworkPolicyPeerArgs,
)

from contract import ports
from infra.components.network.rules import block, clients, egress, ingress, namespace, pods
from infra.config import (
    BundledEntrance,
    Entrance,
    Exposure,
    GatewayApi,
    Ingress,
    LoadBalancer,
    Network,
    Proxies,
)

__all__ = ["from_entrance", "to_entrance", "to_gateway", "to_solver"]

_ENTRANCE = "entrance"
_SOLVER_PORT = 8089


def to_gateway(settings: Network, entrance: Entrance) -> NetworkPolicyIngressRuleArgs:
    """Who may connect to the gateway's pods: with the bundled edge proxy, only that."""
    match entrance:
        case BundledEntrance():
            return ingress([pods(_ENTRANCE)], ports.GATEWAY_HTTP)
        case LoadBalancer():
            more = _outside(entrance)
        case Ingress() | GatewayApi():
            more = [_proxies(entrance.proxies)]
        case _:
            more = []
    return ingress(_clients_and(settings, more), ports.GATEWAY_HTTP)


def to_entrance(settings: Network, entrance: BundledEntrance) -> NetworkPolicyIngressRuleArgs:
    """Who may connect to the bundled edge proxy."""
    more = _outside(entrance.load_balancer) if entrance.load_balancer else []
    port = ports.ENTRANCE_HTTPS if entrance.tls else ports.ENTRANCE_HTTP
    return ingress(_clients_and(settings, more), port)


def to_solver(entrance: Ingress) -> NetworkPolicyIngressRuleArgs:
    """The Ingress controller may connect to cert-manager's solver."""
    return ingress([_proxies(entrance.proxies)], _SOLVER_PORT)


def from_entrance() -> NetworkPolicyEgressRuleArgs:
    """The bundled edge proxy may connect to the gateway's pods."""
    return egress([pods("gateway")], ports.GATEWAY_HTTP)


def _clients_and(
    settings: Network, more: list[NetworkPolicyPeerArgs]
) -> list[NetworkPolicyPeerArgs]:
    """The clients and `more`. An empty list allows everybody, so nothing is added to it."""
    named = clients(settings)
    return [*named, *more] if named else []


def _outside(exposure: Exposure) -> list[NetworkPolicyPeerArgs]:
    return [block(range_) for range_ in exposure.source_ranges]


def _proxies(place: Proxies) -> NetworkPolicyPeerArgs:
    return namespace(place.namespace) if place.namespace else block(str(place.block))
