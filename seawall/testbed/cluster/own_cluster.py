"""The kinds of bundled cluster; the command line lists them, so this module imports little."""

from enum import StrEnum

__all__ = ["OwnCluster"]


class OwnCluster(StrEnum):
    """The kinds of bundled cluster, as in `kubernetes.cluster`; the kit starts and removes them."""

    EMBEDDED = "embedded"
    KIND = "kind"

    @classmethod
    def named(cls, value: object) -> "OwnCluster | None":
        """The kind with that name; None for any other cluster, which the kit does not manage."""
        return next((own for own in cls if own == value), None)
