"""The container images."""

from contract.values.strict import Strict
from infra.config.scalars import Image

__all__ = ["Images"]


class Images(Strict):
    """Image references. Seawall sets them where it builds the images; elsewhere a pipeline does."""

    gateway: Image
    """Image of the gateway and of the provider simulators."""
    redis: Image
    """Image of Redis and Sentinel with Seawall's agents."""
    entrance: Image | None = None
    """Image of nginx with Seawall's agent, for seawall:entrance of kind `bundled`."""
    prometheus: Image | None = None
    """Image of Prometheus, for seawall:monitoring of kind `bundled`."""
    metrics_adapter: Image | None = None
    """Image of prometheus-adapter, for seawall:metrics_adapter."""
    redis_exporter: Image | None = None
    """Image of redis_exporter, for seawall:monitoring."""
    blackbox_exporter: Image | None = None
    """Image of blackbox_exporter, for seawall:monitoring.outside."""
    alertmanager: Image | None = None
    """Image of Alertmanager, for seawall:monitoring.alertmanager."""

    @property
    def given(self) -> dict[str, str]:
        """The images that are configured, by name."""
        return {name: str(ref) for name, ref in self.model_dump(exclude_none=True).items()}
