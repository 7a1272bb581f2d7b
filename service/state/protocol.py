"""What the gateway asks of a store: one decision per request, and a sign of life.

Two implementations: `memory` for one process, `redis_client` for all replicas.
"""

from typing import Protocol

from service.resilience.gcra import Decision, Limit

__all__ = ["Store"]


class Store(Protocol):
    """A store of limits."""

    async def take(self, key: str, limit: Limit) -> Decision:
        """Take one request from the bucket `key`, atomically over all replicas.

        Raises:
            StateUnavailable: the store did not answer within its deadline of 50 ms.
        """
        ...

    async def ping(self) -> None:
        """Ask for a sign of life.

        Raises:
            StateUnavailable: there was none.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
