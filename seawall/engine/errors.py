"""The engine's errors. Each is one line for a person: what, with which value, what to do.

EngineError (seawall.common.errors)
  ToolError        no usable Pulumi CLI or provider, or one that a stack must not be given
  WorkspaceError   the project, its configuration or its state cannot be used as they are
  PolicyError      the program breaks rules; nothing was changed
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
    """No usable Pulumi CLI or provider, or one that a stack must not be given."""


class WorkspaceError(EngineError):
    """The project, its configuration or its state cannot be used as they are."""

    exit_code = 2


class IncompleteError(WorkspaceError):
    """Keys that only the team knows are missing; nothing that is there is wrong."""


class PolicyError(EngineError):
    """The program breaks rules; nothing was changed."""

    exit_code = 2


class UpdateRunning(EngineError):  # noqa: N818 - a state of the stack, not a fault
    """Another update of the stack is under way.

    Attributes:
        stale: whoever held the lock was on this machine and is gone.
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
