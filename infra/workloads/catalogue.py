"""All workloads of an environment."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from infra.config import BundledMonitoring, Environment
from infra.workloads.alert_receiver import alert_receiver
from infra.workloads.alertmanager import alertmanager
from infra.workloads.blackbox_probe import blackbox_probe
from infra.workloads.edge import edge
from infra.workloads.gateway import gateway
from infra.workloads.metrics_adapter import metrics_adapter
from infra.workloads.prometheus import prometheus
from infra.workloads.prometheus_config import prometheus_files
from infra.workloads.redis import backup, redis
from infra.workloads.redis_exporter import redis_exporter
from infra.workloads.simulators import simulators
from infra.workloads.workload import Workload

__all__ = ["missing_image", "workloads"]

_DECLARATIONS: tuple[Callable[[Environment], Iterator[Workload]], ...] = (
    gateway,
    edge,
    redis,
    backup,
    redis_exporter,
    blackbox_probe,
    prometheus,
    alertmanager,
    alert_receiver,
    metrics_adapter,
    simulators,
)


def workloads(environment: Environment) -> Mapping[str, Workload]:
    """The workloads that the environment deploys, by name."""
    found = _declared(environment)
    return {workload.name: _configured(workload, environment, found) for workload in found}


def _declared(environment: Environment) -> list[Workload]:
    """The workloads, Prometheus still without its configuration."""
    return [one for declared in _DECLARATIONS for one in declared(environment)]


def _configured(workload: Workload, environment: Environment, every: list[Workload]) -> Workload:
    """Prometheus with its configuration, which names the scraped workloads; others as they are."""
    settings, program = environment.monitoring, workload.program
    if workload.name != "prometheus" or program is None:
        return workload
    if not isinstance(settings, BundledMonitoring):
        return workload
    files = prometheus_files(environment, settings, every)
    return replace(workload, program=replace(program, settings=files))


def missing_image(environment: Environment) -> str:
    """What to do about the first workload whose image is not configured; empty when all are."""
    for workload in _declared(environment):
        if workload.image and workload.image not in environment.images.given:
            return (
                f"seawall:images.{workload.image} is missing, and "
                f"seawall:{workload.switched_on_by} runs it; give it"
            )
    return ""
