"""Where the engine keeps its files, all below one state directory of a checkout.

state/            Pulumi's file backend, for environments that name no shared one
passphrase        encrypts the secrets of those; mode 0600, generated once
pulumi-home/      a private PULUMI_HOME, so that nothing of the user's Pulumi is touched
<env>/project/    the generated project of one environment
<env>/unfinished  there while an operation runs, and after one that was cut off
<env>/backups/    copies of the state: one before each operation, and what `state backup` makes
<env>/temporary/  what Pulumi's processes leave while a command runs, a folder for each command
"""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["PROJECT", "Layout"]

PROJECT = "seawall"
"""The project's name in Pulumi.yaml; the backend's folders carry it."""


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
    def unfinished(self) -> Path:
        """The mark of an operation that began and did not end in good order."""
        return self.root / self.env / "unfinished"

    @property
    def temporary(self) -> Path:
        """Folders for temporary files, by the number of the process that they belong to."""
        return self.root / self.env / "temporary"

    @property
    def backups(self) -> Path:
        """Copies of the stack's state."""
        return self.root / self.env / "backups"

    @property
    def last_copy(self) -> Path:
        """The file backend's state as it was before the last operation.

        Pulumi's own copies lie on the disk that it fills up, and are cut short with it.
        """
        return self.backups / "before-the-last-operation.json"

    @property
    def files(self) -> Path:
        """The folder of Pulumi's file backend."""
        return self.root / "state"

    @property
    def checkpoint(self) -> Path:
        """The stack's state in the file backend; Pulumi keeps the one before as `.bak`."""
        return self.files / ".pulumi" / "stacks" / PROJECT / f"{self.env}.json"

    @property
    def older_checkpoints(self) -> Path:
        """The folder in which Pulumi keeps the state as of earlier updates."""
        return self.files / ".pulumi" / "backups" / PROJECT / self.env

    @property
    def passphrase(self) -> Path:
        """The file that PULUMI_CONFIG_PASSPHRASE_FILE names for the file backend."""
        return self.root / "passphrase"

    @property
    def pulumi_home(self) -> Path:
        """PULUMI_HOME of our Pulumi processes."""
        return self.root / "pulumi-home"
