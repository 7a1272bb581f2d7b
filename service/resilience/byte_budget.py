"""A budget of bytes that all requests together hold in memory at once."""

__all__ = ["ByteBudget"]


class ByteBudget:
    """At most `limit` bytes are taken at any moment. Not thread-safe: for one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0

    @property
    def taken(self) -> int:
        """How many bytes are taken now."""
        return self._taken

    def take(self, size: int) -> bool:
        """Take `size` bytes; False when they do not fit, and then nothing is taken."""
        if self._taken + size > self._limit:
            return False
        self._taken += size
        return True

    def give_back(self, size: int) -> None:
        """Give back `size` bytes that were taken."""
        self._taken -= size
