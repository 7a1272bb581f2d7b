"""The ends of connections, and the ports that are open between them."""

from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from contract import ports
from infra.config import Inside, Network

__all__ = [
    "HTTPS",
    "Block",
    "Namespaces",
    "Opening",
    "Peer",
    "Pods",
    "clients",
    "from_api_server",
    "from_monitoring",
    "inside",
    "outside",
    "port_of",
    "redis_servers",
    "to_api_server",
    "to_pods",
]

HTTPS = 443
_HTTP = 80
_EVERYWHERE = "0.0.0.0/0"
_METADATA = "169.254.169.254/32"
"""The address from which clouds serve a node's credentials."""


@dataclass(frozen=True, slots=True)
class Pods:
    """The pods of a workload in the same namespace."""

    workload: str


@dataclass(frozen=True, slots=True)
class Namespaces:
    """All pods of the namespaces with these labels."""

    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class Block:
    """The addresses of a block, except those in the blocks `never`."""

    cidr: str
    never: tuple[str, ...] = ()


Peer: TypeAlias = Pods | Namespaces | Block


@dataclass(frozen=True, slots=True)
class Opening:
    """TCP ports that are open from or to `peers`; to and from everybody without peers."""

    peers: tuple[Peer, ...]
    ports: tuple[int, ...]


def to_pods(workload: str, *numbers: int) -> Opening:
    """To ports of a workload's pods."""
    return Opening((Pods(workload),), numbers)


def clients(network: Network, *more: Peer) -> tuple[Peer, ...]:
    """The configured clients, and `more`. Empty if everybody may be a client."""
    named = tuple(Namespaces(labels) for labels in network.clients.namespaces)
    return (*named, *more) if named else ()


def outside(network: Network, port: int) -> Opening:
    """To the internet, or to the egress proxy if there is one."""
    proxy = network.egress_proxy
    if proxy:
        return Opening((Block(proxy.block),), (proxy.port,))
    return Opening((Block(_EVERYWHERE, tuple(sorted({*network.never, _METADATA}))),), (port,))


def inside(place: Inside) -> Opening:
    """To a place in the cluster or in the private network."""
    peer = Namespaces(place.namespace) if place.namespace else Block(str(place.block))
    return Opening((peer,), (place.port,))


def to_api_server(network: Network) -> Opening:
    """To the API server, by its own address and port or by those of its Service."""
    there = network.api_server
    peer = Block(there.block) if there.block else Block(_EVERYWHERE, (_METADATA,))
    return Opening((peer,), tuple(sorted({HTTPS, there.port})))


def from_monitoring(network: Network, port: int) -> tuple[Opening, ...]:
    """From the namespace of the team's monitoring; empty where there is none."""
    team = network.monitoring
    return (Opening((Namespaces(team),), (port,)),) if team else ()


def from_api_server(network: Network, port: int) -> Opening:
    """From the API server, which is not a pod: by its addresses, where they are known."""
    there = network.api_server
    return Opening((Block(there.block),) if there.block else (), (port,))


def redis_servers() -> Opening:
    """To every Redis and every Sentinel."""
    return to_pods("redis", ports.REDIS, ports.SENTINEL)


def port_of(url: str) -> int:
    """The port of a URL, or the usual one of its scheme."""
    parts = urlsplit(url)
    return parts.port or (HTTPS if parts.scheme == "https" else _HTTP)
