"""What a stack deploys: a Pulumi program and the secrets that it needs."""

from collections.abc import Callable
from dataclasses import dataclass

from seawall.engine.layout import Layout
from seawall.engine.workspace import stack_values

__all__ = ["Program", "platform_program"]


@dataclass(frozen=True, slots=True)
class Program:
    """A Pulumi program."""

    run: Callable[[], None]
    secrets: tuple[str, ...]
    """Names below seawall:secrets in the stack's configuration."""


def platform_program(layout: Layout) -> Program:
    """The program of `infra/`, whose configuration is checked here before Pulumi starts.

    Raises infra's ConfigError, one line, on a wrong value.
    """
    # Not at the top: the SDK's Kubernetes types take a second to import, which only an update owes.
    from infra.config import parse, secret_names  # noqa: PLC0415
    from infra.program import deploy  # noqa: PLC0415

    return Program(run=deploy, secrets=secret_names(parse(stack_values(layout))))
