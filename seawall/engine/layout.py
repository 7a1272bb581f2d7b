"""Where the engine keeps its files, all below one state directory of a checkout.

state/            Pulumi's file backend, and beside it the rung that each stack was made with
passphrase        encrypts every stack's secrets; mode 0600, generated once
pulumi-home/      a private PULUMI_HOME, so that nothing of the user's Pulumi is touched
shims/            the stand-in's executable, on the PATH of our Pulumi processes only
<env>/project/    the generated project of one environment
"""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Layout"]


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one environment; nothing is created by asking."""

    checkout: Path
    root: Path
    env: str

    @property
    def project(self) -> Path:
        """The work directory of every Pulumi command; `pulumi -C` works there too."""
        return self.root / self.env / "project"

    @property
    def stack_file(self) -> Path:
        """The generated stack configuration: committed values, this run's values, secrets."""
        return self.project / f"Pulumi.{self.env}.yaml"

    @property
    def committed_file(self) -> Path:
        """The environment's values as the team keeps them."""
        return self.checkout / f"Pulumi.{self.env}.yaml"

    @property
    def project_file(self) -> Path:
        """The project as the team keeps it."""
        return self.checkout / "Pulumi.yaml"

    @property
    def backend(self) -> Path:
        """The folder of Pulumi's file backend."""
        return self.root / "state"

    @property
    def rung_file(self) -> Path:
        """Kept beside the backend's own files, so that it lives and dies with the state."""
        return self.backend / "rungs" / f"{self.env}.json"

    @property
    def passphrase(self) -> Path:
        """The file that PULUMI_CONFIG_PASSPHRASE_FILE names."""
        return self.root / "passphrase"

    @property
    def pulumi_home(self) -> Path:
        """PULUMI_HOME of our Pulumi processes."""
        return self.root / "pulumi-home"

    @property
    def shims(self) -> Path:
        """A folder that holds the stand-in's executable and nothing else."""
        return self.root / "shims"
