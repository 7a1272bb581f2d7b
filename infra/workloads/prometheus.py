"""The bundled Prometheus: it scrapes its namespace and evaluates the alerts."""

from collections.abc import Iterator

from contract import ports
from infra.config import BundledMonitoring, Environment
from infra.workloads.peers import (
    from_api_server,
    from_monitoring,
    to_api_server,
    to_pods,
)
from infra.workloads.prometheus_config import CONFIG_FILE
from infra.workloads.workload import Program, Scratch, Workload

__all__ = ["prometheus", "prometheus_url"]

_CONFIG_DIR = "/etc/seawall/prometheus"
_DATA = "/data"
_DATA_SIZE = "2Gi"
_KEPT_BYTES = "1GB"
"""Half of the volume, because compaction needs the space of a block twice."""
_GRACE_S = 30


def prometheus_url(environment: Environment) -> str:
    """The address of the bundled Prometheus inside the cluster."""
    return f"http://prometheus.{environment.kubernetes.namespace}.svc:{ports.PROMETHEUS}"


def prometheus(environment: Environment) -> Iterator[Workload]:
    """One pod. The catalogue adds its configuration, which names the other workloads."""
    settings, network = environment.monitoring, environment.network
    if not isinstance(settings, BundledMonitoring):
        return
    # It lists the pods there.
    reached = [to_api_server(network)]
    if settings.alertmanager:
        reached.append(to_pods("alertmanager", ports.ALERTMANAGER))
    accepted = [*from_monitoring(network, ports.PROMETHEUS)]
    if network.api_server.block:
        # People query it by `kubectl get --raw`, as the runbooks do, and so does `seawall status`.
        accepted.append(from_api_server(network, ports.PROMETHEUS))
    yield Workload(
        name="prometheus",
        image="prometheus",
        switched_on_by="monitoring",
        reaches=reached,
        accepts=accepted,
        program=Program(
            type="seawall:monitoring:Prometheus",
            arguments=[
                f"--config.file={_CONFIG_DIR}/{CONFIG_FILE}",
                f"--storage.tsdb.path={_DATA}",
                f"--storage.tsdb.retention.time={settings.keep}",
                f"--storage.tsdb.retention.size={_KEPT_BYTES}",
                f"--web.listen-address=:{ports.PROMETHEUS}",
            ],
            port=ports.PROMETHEUS,
            health="/-/healthy",
            ready="/-/ready",
            resources=settings.resources,
            settings_dir=_CONFIG_DIR,
            scratch=[Scratch("data", _DATA, _DATA_SIZE)],
            grace_s=_GRACE_S,
        ),
    )
