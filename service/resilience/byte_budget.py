"""A budget of bytes: what is held in memory at once, over all requests."""

__all__ = ["ByteBudget"]


class ByteBudget:
    """At most `limit` bytes are taken at any moment. Not thread-safe: one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0

    @property
    def taken(self) -> int:
        """How many bytes are taken now."""
        return self._taken

    def take(self, size: int) -> bool:
        """Take `size` bytes; False, and nothing taken, when they do not fit."""
        if self._taken + size > self._limit:
            return False
        self._taken += size
        return True

    def give_back(self, size: int) -> None:
        """Give back what was taken."""
        self._taken -= size
