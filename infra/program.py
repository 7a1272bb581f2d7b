"""The program, the same for `pulumi up` and for `seawall up`: read, declare, export."""

import pulumi

from infra import stack_config
from infra.stack import declare

__all__ = ["deploy"]


def deploy() -> None:
    """Declare the platform of the stack that runs this program; raises ConfigError."""
    environment, secrets = stack_config.load()
    for name, value in declare(environment, secrets).items():
        pulumi.export(name, value)
