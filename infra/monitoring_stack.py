"""Dashboards, and the objects for a Prometheus operator."""

from collections.abc import Mapping

import pulumi

from infra.components.monitoring.prometheus_operator import OperatorObjects, OperatorObjectsArgs
from infra.config import Environment, Operator
from infra.workloads.workload import Workload

__all__ = ["declare_monitoring_objects"]


def declare_monitoring_objects(
    environment: Environment,
    workloads: Mapping[str, Workload],
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """Declare what the environment's monitoring has in addition to its workloads."""
    settings = environment.monitoring
    if settings and settings.dashboards:
        # Not at the top: Grafana's SDK takes half a second to import, so only its users import it.
        from infra.components.monitoring.dashboards import Dashboards, DashboardsArgs  # noqa: PLC0415

        Dashboards("dashboards", DashboardsArgs(namespace, settings.dashboards), opts)
    if isinstance(settings, Operator):
        OperatorObjects(
            "operator-objects",
            OperatorObjectsArgs(namespace, settings, workloads.values()),
            opts,
        )
