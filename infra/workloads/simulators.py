"""Simulated providers, for environments that have no real ones."""

from collections.abc import Iterator

from contract import ports
from infra.config import Environment
from infra.workloads.peers import Opening, clients
from infra.workloads.workload import Workload

__all__ = ["simulators"]


def simulators(environment: Environment) -> Iterator[Workload]:
    """One workload for each simulated provider. Every client of the gateway may make it fail."""
    admins = Opening(clients(environment.network), (ports.SIMULATOR_ADMIN,))
    for name in environment.simulators:
        yield Workload(
            name=f"simulator-{name}", image="gateway", switched_on_by="simulators", accepts=[admins]
        )
