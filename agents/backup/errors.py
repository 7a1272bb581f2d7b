"""The error of a failed backup."""

__all__ = ["BackupError"]


class BackupError(Exception):
    """A step failed; the message names the step, the value and the reason, without secrets."""
