"""Chooses the Pulumi CLI and the Kubernetes provider of a stack.

CLI: the one on PATH, else the one that the kit built. Provider: the plugin with the release of the
SDK, installed by the user or built by the kit. Pulumi finds it in the private PULUMI_HOME.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from seawall.engine.errors import ToolError
from seawall.engine.layout import Layout

__all__ = [
    "PROVIDER",
    "Programs",
    "choose_cli",
    "installed_provider",
    "place",
    "provider_release",
    "stop_automatic_logs",
]

PROVIDER = "pulumi-resource-kubernetes"
"""The file name of the provider's program."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The chosen programs: paths and versions."""

    cli: Path
    cli_version: str
    provider: Path
    provider_version: str

    def lines(self) -> list[str]:
        """One line for the CLI and one for the provider."""
        return [
            f"Pulumi CLI: {self.cli} ({self.cli_version})",
            f"Kubernetes provider: {self.provider} ({self.provider_version})",
        ]


def provider_release() -> str:
    """The release of the provider, which must equal the release of the SDK."""
    return version("pulumi-kubernetes")


def choose_cli(build: Callable[[], Path]) -> Path:
    """The CLI on PATH, else the one that `build` returns.

    Raises:
        ToolError: there is neither.
    """
    on_path = shutil.which("pulumi")
    if on_path:
        return Path(on_path)
    built = build()
    if os.access(built, os.X_OK):
        return built.resolve()
    raise ToolError(
        f"no Pulumi CLI: none on PATH, and none was built at {built}; "
        "install Pulumi, or run `make up`, which builds it"
    )


def installed_provider() -> Path | None:
    """The plugin of the SDK's release in the user's own Pulumi home; None when there is none."""
    home = Path(os.environ.get("PULUMI_HOME") or "~/.pulumi").expanduser()
    program = home / "plugins" / _folder() / PROVIDER
    return program if os.access(program, os.X_OK) else None


def place(layout: Layout, provider: Path) -> None:
    """Link the provider's program into the private PULUMI_HOME, where Pulumi looks for it.

    The link is the program and not its folder, because Pulumi ignores folders that are links.
    """
    link = layout.pulumi_home / "plugins" / _folder() / PROVIDER
    if link.is_symlink() and link.readlink() == provider:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_name(f"{PROVIDER}.{os.getpid()}")
    fresh.symlink_to(provider)
    fresh.replace(link)


def stop_automatic_logs(layout: Layout) -> None:
    """Make sure that the CLI cannot create the folder of its automatic logs, and remove old ones.

    The CLI has no option for it, and works without the folder. Each operation would write all
    properties of all resources there (docs/adr/0033-pulumi-writes-no-automatic-log.md).
    """
    logs = layout.pulumi_home / "logs"
    if logs.is_file():
        return
    if logs.is_dir():
        shutil.rmtree(logs, ignore_errors=True)
    logs.parent.mkdir(parents=True, exist_ok=True)
    logs.touch()


def _folder() -> str:
    return f"resource-kubernetes-v{provider_release()}"
