"""The errors that the `seawall` command turns into one line and a non-zero exit code.

SeawallError
├── UsageError      the request itself is wrong (exit code 2)
├── HostError       this machine lacks something: root, disk, a kernel feature, a free port
├── BuildError      a tool or an image could not be installed or built
├── ClusterError    a request to the cluster failed
├── EngineError     Pulumi refused or failed
└── BusyError       another run of this kit holds a lock that this run needs (exit code 4)
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
    """One line: what failed, with which value, and what to do."""

    exit_code = 1


class UsageError(SeawallError):
    """The request itself is wrong."""

    exit_code = 2


class HostError(SeawallError):
    """This machine lacks something that the kit needs."""


class BuildError(SeawallError):
    """A tool or an image could not be installed or built; a rerun continues."""


class ClusterError(SeawallError):
    """A request to the cluster failed."""


class EngineError(SeawallError):
    """The Pulumi engine refused or failed."""


class BusyError(SeawallError):
    """Another run holds a lock that this run needs."""

    exit_code = 4
