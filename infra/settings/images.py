"""Which images are run."""

from infra.settings.base import Strict
from infra.settings.grammar import Image

__all__ = ["Images"]


class Images(Strict):
    """Image references. The kit sets them where it makes the images; a pipeline elsewhere."""

    gateway: Image
    """The gateway, and the provider simulators."""
    redis: Image
    """Redis and Sentinel with the kit's agents."""
    prometheus: Image | None = None
    """Prometheus, for seawall:monitoring."""
    metrics_adapter: Image | None = None
    """prometheus-adapter, for seawall:metrics_adapter."""

    @property
    def given(self) -> dict[str, str]:
        """Those that are given, by name."""
        return {name: str(ref) for name, ref in self.model_dump(exclude_none=True).items()}
