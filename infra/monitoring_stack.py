"""Monitoring of the platform: exporters, Prometheus, Alertmanager, and the metrics adapter."""

from dataclasses import dataclass

import pulumi

from infra.components.monitoring.alert_receiver import AlertReceiver, AlertReceiverArgs
from infra.components.monitoring.alertmanager import Alertmanager, AlertmanagerArgs
from infra.components.monitoring.alertmanager_config import RECEIVER
from infra.components.monitoring.blackbox_probe import OutsideProbe, OutsideProbeArgs
from infra.components.monitoring.metrics_adapter import MetricsAdapter, MetricsAdapterArgs
from infra.components.monitoring.prometheus import Prometheus, PrometheusArgs
from infra.components.monitoring.prometheus_operator import OperatorObjects, OperatorObjectsArgs
from infra.components.redis.exporter import RedisExporter, RedisExporterArgs
from infra.components.redis.redis_sentinel import RedisSentinel
from infra.components.secrets.secret_source import SecretSource
from infra.config import BundledMonitoring, Environment

__all__ = ["Watchers"]


@dataclass(frozen=True, slots=True)
class Watchers:
    """Declares the monitoring components that the environment configures."""

    environment: Environment
    namespace: pulumi.Input[str]
    redis: RedisSentinel
    secrets: SecretSource
    opts: pulumi.ResourceOptions

    def declare(self) -> None:
        """Declare all of them."""
        self._exporters()
        self._dashboards()
        settings = self.environment.monitoring
        prometheus: pulumi.Input[str] | None = None
        if isinstance(settings, BundledMonitoring):
            prometheus = self._bundled(settings)
        elif settings:
            OperatorObjects(
                "operator-objects",
                OperatorObjectsArgs(
                    self.namespace, settings, self.redis.hosts, self.environment.front
                ),
                self.opts,
            )
        self._adapter(prometheus)

    @property
    def _replace_after_s(self) -> int:
        return self.environment.gateway.replace_after.whole_seconds

    def _exporters(self) -> None:
        images, settings = self.environment.images, self.environment.monitoring
        if settings and images.redis_exporter:
            RedisExporter(
                "redis-exporter",
                RedisExporterArgs(
                    namespace=self.namespace,
                    image=images.redis_exporter,
                    hosts=self.redis.hosts,
                    aliases=self.redis.host_aliases,
                    secrets=self.secrets,
                    resources=settings.exporter_resources,
                    replace_after_s=self._replace_after_s,
                ),
                self.opts,
            )
        if settings and settings.outside and images.blackbox_exporter:
            OutsideProbe(
                "outside-probe",
                OutsideProbeArgs(
                    namespace=self.namespace,
                    image=images.blackbox_exporter,
                    settings=settings.outside,
                    front=self.environment.front,
                    secrets=self.secrets,
                    resources=settings.exporter_resources,
                    replace_after_s=self._replace_after_s,
                ),
                self.opts,
            )

    def _dashboards(self) -> None:
        settings = self.environment.monitoring
        if settings is None or settings.dashboards is None:
            return
        # Not at the top: Grafana's SDK takes half a second to import, so only its users import it.
        from infra.components.monitoring.dashboards import Dashboards, DashboardsArgs  # noqa: PLC0415

        Dashboards("dashboards", DashboardsArgs(self.namespace, settings.dashboards), self.opts)

    def _bundled(self, settings: BundledMonitoring) -> pulumi.Input[str] | None:
        images, told = self.environment.images, settings.alertmanager
        if told and images.alertmanager:
            Alertmanager(
                "alertmanager",
                AlertmanagerArgs(
                    namespace=self.namespace,
                    image=images.alertmanager,
                    settings=told,
                    proxy=None if told.relay else self.environment.network.proxy_url,
                    secrets=self.secrets,
                    replace_after_s=self._replace_after_s,
                ),
                self.opts,
            )
        if told and told.simulated:
            AlertReceiver(
                RECEIVER,
                AlertReceiverArgs(self.namespace, images.gateway, self._replace_after_s),
                self.opts,
            )
        if images.prometheus is None:
            return None
        prometheus = Prometheus(
            "prometheus",
            PrometheusArgs(
                namespace=self.namespace,
                image=images.prometheus,
                settings=settings,
                redis_hosts=self.redis.hosts,
                front=self.environment.front,
                replace_after_s=self._replace_after_s,
            ),
            self.opts,
        )
        return prometheus.url

    def _adapter(self, bundled: pulumi.Input[str] | None) -> None:
        adapter, image = self.environment.metrics_adapter, self.environment.images.metrics_adapter
        elsewhere = adapter.prometheus.url if adapter and adapter.prometheus else None
        address = elsewhere or bundled
        if adapter is None or image is None or address is None:
            return
        MetricsAdapter(
            "metrics-adapter",
            MetricsAdapterArgs(
                namespace=self.environment.kubernetes.namespace,
                made_namespace=self.namespace,
                image=image,
                prometheus=address,
                settings=adapter,
                replace_after_s=self._replace_after_s,
            ),
            self.opts,
        )
