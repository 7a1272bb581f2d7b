"""Why a backup fails."""

__all__ = ["BackupError"]


class BackupError(Exception):
    """A step failed: which one, with which value and why, in one line without secrets."""
