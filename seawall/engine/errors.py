"""The engine's errors. Each is one line: what failed, with which value, and what to do.

EngineError (seawall.common.errors)
  ToolError        no usable Pulumi CLI, provider or passphrase
  WorkspaceError   the project, its configuration or its state cannot be used
  PolicyError      the program violates policies; nothing was changed
  UpdateRunning    another update of the stack is under way
  UpdateFailed     Pulumi reported an error
    UpdateCutOff   the CLI or the provider died, or the state could not be saved
  Interrupted      the user ended an update; the state is saved
"""

from seawall.common.errors import EngineError

__all__ = [
    "Interrupted",
    "PolicyError",
    "ToolError",
    "UpdateCutOff",
    "UpdateFailed",
    "UpdateRunning",
    "WorkspaceError",
]


class ToolError(EngineError):
    """No usable Pulumi CLI, provider or passphrase."""


class WorkspaceError(EngineError):
    """The project, its configuration or its state cannot be used."""

    exit_code = 2


class IncompleteError(WorkspaceError):
    """Keys that only the team knows are missing; all existing values are valid."""


class PolicyError(EngineError):
    """The program violates policies; nothing was changed."""

    exit_code = 2


class UpdateRunning(EngineError):  # noqa: N818 - a state of the stack, not a fault
    """Another update of the stack is under way.

    Attributes:
        stale: the holder of the lock was a process on this machine and has ended.
    """

    exit_code = 4

    def __init__(self, message: str, *, stale: bool = False) -> None:
        super().__init__(message)
        self.stale = stale


class UpdateFailed(EngineError):  # noqa: N818 - reads as what it reports
    """Pulumi reported an error."""


class UpdateCutOff(UpdateFailed):
    """The CLI or the provider died, or the state could not be saved; the next `up` recovers."""


class Interrupted(EngineError):  # noqa: N818 - reads as what it reports
    """The user ended an update; the state is saved."""

    exit_code = 130
