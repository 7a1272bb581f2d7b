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
