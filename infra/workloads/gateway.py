"""The gateway."""

from collections.abc import Iterator

from contract import metrics, ports
from infra.config import (
    BundledEdge,
    Environment,
    GatewayApi,
    Ingress,
    LoadBalancer,
    Network,
    Tracing,
)
from infra.workloads.edge import ranges, reverse_proxies
from infra.workloads.peers import (
    HTTPS,
    Block,
    Namespaces,
    Opening,
    Peer,
    clients,
    outside,
    port_of,
    redis_servers,
    to_pods,
)
from infra.workloads.workload import PodScrape, Workload

__all__ = ["gateway"]


def gateway(environment: Environment) -> Iterator[Workload]:
    """The gateway's pods."""
    yield Workload(
        name="gateway",
        image="gateway",
        switched_on_by="gateway",
        reaches=tuple(_reached(environment)),
        accepts=tuple(_accepted(environment)),
        scrapes=[PodScrape(job=metrics.GATEWAY_JOB, port_name="health", port=ports.GATEWAY_HEALTH)],
    )


def _reached(environment: Environment) -> Iterator[Opening]:
    network, providers = environment.network, environment.gateway.providers
    yield redis_servers()
    for name in environment.simulators:
        yield to_pods(f"simulator-{name}", ports.SIMULATOR_HTTP)
    if any(not environment.is_simulated(name) for name in providers):
        yield outside(network, HTTPS)
    if environment.gateway.tracing:
        yield _collector(network, environment.gateway.tracing)


def _collector(network: Network, tracing: Tracing) -> Opening:
    port = tracing.port or port_of(tracing.endpoint)
    if tracing.namespace:
        return Opening((Namespaces(tracing.namespace),), (port,))
    if tracing.block:
        return Opening((Block(tracing.block),), (port,))
    return outside(network, port)


def _accepted(environment: Environment) -> Iterator[Opening]:
    """With the bundled edge proxy, clients come only through that."""
    more: tuple[Peer, ...] = ()
    match environment.edge:
        case BundledEdge():
            return
        case LoadBalancer() as balancer:
            more = ranges(balancer)
        case Ingress() | GatewayApi() as route:
            more = (reverse_proxies(route.proxies),)
        case _:
            pass
    yield Opening(clients(environment.network, *more), (ports.GATEWAY_HTTP,))
