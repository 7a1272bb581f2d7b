"""The one error that the `seawall` command turns into one line and a non-zero exit.

SeawallError
├── UsageError      the user asked for something that cannot be (exit code 2)
├── HostError       this machine lacks something: root, disk, a kernel feature, a free port
├── BuildError      a tool or an image could not be installed or built
├── ClusterError    the cluster did not do what was asked
├── EngineError     Pulumi refused or failed
└── BusyError       another run of this kit holds what this one needs (exit code 4)
"""

__all__ = [
    "BuildError",
    "BusyError",
    "ClusterError",
    "EngineError",
    "HostError",
    "SeawallError",
    "UsageError",
]


class SeawallError(Exception):
    """What went wrong, with which value, and what to do: one line."""

    exit_code = 1


class UsageError(SeawallError):
    """The request itself is wrong."""

    exit_code = 2


class HostError(SeawallError):
    """This machine lacks something that the kit needs."""


class BuildError(SeawallError):
    """A tool or an image could not be installed or built; a rerun continues."""


class ClusterError(SeawallError):
    """The cluster did not do what was asked."""


class EngineError(SeawallError):
    """The Pulumi engine refused or failed."""


class BusyError(SeawallError):
    """Another run holds what this one needs."""

    exit_code = 4
