"""The engine's errors. Each is one line for a person: what, with which value, what to do.

EngineError (seawall.errors)
  ToolError       no usable Pulumi CLI or provider, or one that a stack must not be given
  WorkspaceError  the generated project cannot be made
  UpdateRunning   another update of the stack is under way
  UpdateFailed    Pulumi reported an error
  Interrupted     the user ended an update; the state is saved
"""

from seawall.errors import EngineError

__all__ = [
    "Interrupted",
    "ToolError",
    "UpdateFailed",
    "UpdateRunning",
    "WorkspaceError",
]


class ToolError(EngineError):
    """No usable Pulumi CLI or provider, or one that a stack must not be given."""


class WorkspaceError(EngineError):
    """The generated project cannot be made."""


class UpdateRunning(EngineError):  # noqa: N818 - a state of the stack, not a fault
    """Another update of the stack is under way."""


class UpdateFailed(EngineError):  # noqa: N818 - reads as what it reports
    """Pulumi reported an error."""


class Interrupted(EngineError):  # noqa: N818 - reads as what it reports
    """The user ended an update; the state is saved."""
