"""The program, the same for `pulumi up` and for the kit: read, compose, export."""

import pulumi

from infra import config
from infra.composition import compose

__all__ = ["deploy"]


def deploy() -> None:
    """Declare the platform of the stack that runs this; raises ConfigError."""
    environment, secrets = config.load()
    for name, value in compose(environment, secrets).items():
        pulumi.export(name, value)
