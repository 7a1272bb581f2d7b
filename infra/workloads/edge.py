"""The bundled edge proxy: nginx in front of the gateway."""

from collections.abc import Iterator

from contract import ports
from contract.components import EDGE
from infra.config import BundledEdge, Environment, Exposure, Proxies
from infra.workloads.peers import Block, Namespaces, Opening, Peer, clients, to_pods
from infra.workloads.workload import Workload

__all__ = ["edge", "ranges", "reverse_proxies"]


def edge(environment: Environment) -> Iterator[Workload]:
    """The nginx pods, where the environment has them."""
    settings = environment.edge
    if not isinstance(settings, BundledEdge):
        return
    more = ranges(settings.load_balancer) if settings.load_balancer else ()
    port = ports.EDGE_HTTPS if settings.tls else ports.EDGE_HTTP
    yield Workload(
        name=EDGE,
        image="edge",
        switched_on_by="edge",
        reaches=[to_pods("gateway", ports.GATEWAY_HTTP)],
        accepts=[Opening(clients(environment.network, *more), (port,))],
    )


def ranges(exposure: Exposure) -> tuple[Peer, ...]:
    """The addresses of the clients of a load balancer."""
    return tuple(Block(range_) for range_ in exposure.source_ranges)


def reverse_proxies(place: Proxies) -> Peer:
    """The pods or addresses of an Ingress controller or a Gateway."""
    return Namespaces(place.namespace) if place.namespace else Block(str(place.block))
