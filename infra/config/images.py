"""Which images are run."""

from infra.config.base import Strict
from infra.config.scalars import Image

__all__ = ["Images"]


class Images(Strict):
    """Image references. The kit sets them where it makes the images; a pipeline elsewhere."""

    gateway: Image
    """The gateway, and the provider simulators."""
    redis: Image
    """Redis and Sentinel with the kit's agents."""
    entrance: Image | None = None
    """nginx with the kit's agent, for seawall:entrance of kind bundled."""
    prometheus: Image | None = None
    """Prometheus, for seawall:monitoring."""
    metrics_adapter: Image | None = None
    """prometheus-adapter, for seawall:metrics_adapter."""
    redis_exporter: Image | None = None
    """redis_exporter, for seawall:monitoring."""
    blackbox_exporter: Image | None = None
    """blackbox_exporter, for seawall:monitoring.outside."""
    alertmanager: Image | None = None
    """Alertmanager, for seawall:monitoring.alertmanager."""

    @property
    def given(self) -> dict[str, str]:
        """Those that are given, by name."""
        return {name: str(ref) for name, ref in self.model_dump(exclude_none=True).items()}
