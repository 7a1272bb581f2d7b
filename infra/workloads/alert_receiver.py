"""A receiver that shows the alerts that it received, for environments without a team's own."""

from collections.abc import Iterator

from contract import ports
from infra.config import Amount, BundledMonitoring, Environment, Resources
from infra.workloads.alertmanager_config import RECEIVER
from infra.workloads.peers import Opening, clients
from infra.workloads.workload import Program, Workload

__all__ = ["alert_receiver"]

_RESOURCES = Resources(
    requests=Amount(cpu="10m", memory="48Mi"), limits=Amount(cpu="250m", memory="128Mi")
)


def alert_receiver(environment: Environment) -> Iterator[Workload]:
    """The receiver, where a severity is sent to it. Every client of the gateway may read alerts."""
    monitoring = environment.monitoring
    settings = monitoring.alertmanager if isinstance(monitoring, BundledMonitoring) else None
    if settings is None or not settings.simulated:
        return
    yield Workload(
        name=RECEIVER,
        image="gateway",
        switched_on_by="monitoring.alertmanager",
        accepts=[Opening(clients(environment.network), (ports.SIMULATOR_HTTP,))],
        program=Program(
            type="seawall:simulator:AlertReceiver",
            command=["python3", "-m", "simulator.alerts"],
            arguments=["--port", str(ports.SIMULATOR_HTTP)],
            port=ports.SIMULATOR_HTTP,
            health="/",
            resources=_RESOURCES,
        ),
    )
