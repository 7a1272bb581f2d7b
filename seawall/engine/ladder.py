"""Which Pulumi CLI and which Kubernetes provider a stack uses.

CLI: the one on PATH, else the one that the kit built. Provider: the official plugin where it is
installed, else the stand-in, which serves clusters of this kit only. The states of the two
providers are not interchangeable, so the provider that made a stack, which its state tells
(`seawall.engine.snapshot`), wins over the ladder from then on.
"""

import os
import shutil
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from seawall.engine.errors import ToolError

__all__ = ["Provider", "Rung", "choose_cli", "choose_provider"]


class Provider(Enum):
    """Who talks to the API server on Pulumi's behalf."""

    OFFICIAL = "official"
    STAND_IN = "stand-in"


@dataclass(frozen=True, slots=True)
class Rung:
    """What was chosen, and from where."""

    provider: Provider
    cli: Path
    cli_version: str

    def lines(self) -> list[str]:
        """One line for each of the two ladders."""
        what = {
            Provider.OFFICIAL: "the official plugin",
            Provider.STAND_IN: "the stand-in of this kit (no official plugin is installed)",
        }
        return [
            f"Pulumi CLI: {self.cli} ({self.cli_version})",
            f"Kubernetes provider: {what[self.provider]}",
        ]


def choose_cli(built: Path | None) -> Path:
    """The CLI on PATH, else `built`; raises ToolError when there is neither."""
    on_path = shutil.which("pulumi")
    if on_path:
        return Path(on_path)
    if built is not None and os.access(built, os.X_OK):
        return built.resolve()
    raise ToolError(
        f"no Pulumi CLI: none on PATH, and none was built at {built}; "
        "install it or run the build step"
    )


def choose_provider(
    *, official: bool, own_cluster: bool, before: Provider | None, env: str
) -> Provider:
    """The provider for a stack.

    Args:
        official: whether the official plugin is installed.
        own_cluster: whether the cluster is one of this kit's own.
        before: what the stack was made with, None for a new one.
        env: the environment, for messages.

    Raises:
        ToolError: when the stack needs a provider that is not there, or that would be mixed in.
    """
    if before is Provider.OFFICIAL and not official:
        raise ToolError(
            f"stack {env} was made with the official Kubernetes provider, which is not installed "
            "here; install it (the stand-in cannot read its state)"
        )
    if before is Provider.STAND_IN and not own_cluster:
        raise ToolError(
            f"stack {env} was made with the stand-in provider, which serves the kit's "
            "own clusters only; destroy the stack there and make a new one"
        )
    if before is not None:
        return before
    if official:
        return Provider.OFFICIAL
    if own_cluster:
        return Provider.STAND_IN
    raise ToolError(
        "the official Kubernetes provider is not installed, and the stand-in serves the kit's "
        "own clusters only; run `pulumi plugin install resource kubernetes`"
    )
