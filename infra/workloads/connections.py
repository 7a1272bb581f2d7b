"""What each workload may connect to, and what may connect to it, at both ends of a connection."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.config import Environment
from infra.workloads.peers import Opening, Pods, from_monitoring, to_pods
from infra.workloads.workload import Workload

__all__ = ["Connections", "connections"]

_PROMETHEUS = "prometheus"


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections of one workload's pods."""

    incoming: tuple[Opening, ...]
    outgoing: tuple[Opening, ...]


def connections(
    environment: Environment, workloads: Mapping[str, Workload]
) -> Mapping[str, Connections]:
    """The connections of each workload, by its name.

    A workload declares what its pods reach. The other end is opened here, and so is what Prometheus
    scrapes.
    """
    reached = {name: list(workload.reaches) for name, workload in workloads.items()}
    accepted = {name: list(workload.accepts) for name, workload in workloads.items()}
    for name, workload in workloads.items():
        port = workload.scraped_port
        if port is None:
            continue
        if _PROMETHEUS in workloads:
            reached[_PROMETHEUS].append(to_pods(name, port))
        accepted[name] += from_monitoring(environment.network, port)
    for name in workloads:
        for opening in reached[name]:
            for target in _pods(opening):
                accepted[target].append(Opening((Pods(name),), opening.ports))
    return {name: Connections(tuple(accepted[name]), tuple(reached[name])) for name in workloads}


def _pods(opening: Opening) -> Iterator[str]:
    for peer in opening.peers:
        if isinstance(peer, Pods):
            yield peer.workload
