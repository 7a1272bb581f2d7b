"""Dashboards as ConfigMaps, which the sidecar of Grafana's chart finds by a label."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.labels import labels_of
from monitoring.dashboards import BOARDS
from monitoring.dashboards.render import rendered

__all__ = ["Dashboards", "DashboardsArgs"]

_COMPONENT = "dashboards"


@dataclass(frozen=True, slots=True)
class DashboardsArgs:
    """What Dashboards needs."""

    namespace: pulumi.Input[str]
    labels: Mapping[str, str]
    """The labels that the sidecar looks for."""


class Dashboards(pulumi.ComponentResource):
    """One ConfigMap for each dashboard. The sidecar must search this namespace, or all of them."""

    def __init__(
        self, name: str, args: DashboardsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:monitoring:Dashboards", name, None, opts)
        for board in BOARDS:
            ConfigMap(
                board.name,
                metadata=ObjectMetaArgs(
                    name=f"dashboard-{board.name}",
                    namespace=args.namespace,
                    labels={**labels_of(_COMPONENT), **args.labels},
                ),
                data={f"{board.name}.json": rendered(board)},
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
