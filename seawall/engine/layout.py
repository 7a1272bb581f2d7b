"""Where the engine keeps its files, all below one state directory of a checkout.

state/            Pulumi's file backend, for environments without a shared state
passphrase        encrypts the secrets of those; mode 0600, generated once
pulumi-home/      a private PULUMI_HOME, so that the user's own Pulumi home stays unchanged
<env>/project/    the generated project of one environment
<env>/unfinished  exists while an operation runs, and after an interrupted one
<env>/backups/    copies of the state: one before each operation, and those of `state backup`
<env>/temporary/  temporary files of Pulumi's processes, a folder for each command
"""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["PROJECT", "Layout"]

PROJECT = "seawall"
"""The project's name in Pulumi.yaml; the folders of the backend contain it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one environment; reading a path creates nothing."""

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
        """The environment's values in the repository."""
        return self.checkout / f"Pulumi.{self.env}.yaml"

    @property
    def project_file(self) -> Path:
        """The project file in the repository."""
        return self.checkout / "Pulumi.yaml"

    @property
    def unfinished(self) -> Path:
        """The marker of an operation that began and has not ended cleanly."""
        return self.root / self.env / "unfinished"

    @property
    def temporary(self) -> Path:
        """Folders for temporary files, each named after the process id of its owner."""
        return self.root / self.env / "temporary"

    @property
    def backups(self) -> Path:
        """Copies of the stack's state."""
        return self.root / self.env / "backups"

    @property
    def last_copy(self) -> Path:
        """The file backend's state as it was before the last operation.

        Pulumi's own copies are written by the operation itself, so a full disk truncates them too.
        """
        return self.backups / "before-the-last-operation.json"

    @property
    def files(self) -> Path:
        """The folder of Pulumi's file backend."""
        return self.root / "state"

    @property
    def checkpoint(self) -> Path:
        """The stack's state in the file backend; Pulumi keeps the previous one as `.bak`."""
        return self.files / ".pulumi" / "stacks" / PROJECT / f"{self.env}.json"

    @property
    def older_checkpoints(self) -> Path:
        """The folder in which Pulumi keeps the states of earlier updates."""
        return self.files / ".pulumi" / "backups" / PROJECT / self.env

    @property
    def passphrase(self) -> Path:
        """The file that PULUMI_CONFIG_PASSPHRASE_FILE names for the file backend."""
        return self.root / "passphrase"

    @property
    def pulumi_home(self) -> Path:
        """PULUMI_HOME of our Pulumi processes."""
        return self.root / "pulumi-home"
