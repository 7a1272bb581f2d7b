"""What the gateway asks of a store: an answer per request, a settlement after it, the fleet's news.

Two implementations: `memory` for one process, `redis_store` for all replicas.
"""

from collections.abc import Sequence
from typing import Protocol

from service.resilience.gcra import Decision, Limit
from service.state.charges import Charge, Crossing, Settlement, Verdict
from service.state.fleet_script import FleetView, Report

__all__ = ["Store"]


class Store(Protocol):
    """A store of limits and budgets; everything in it is atomic over all replicas."""

    async def take(self, key: str, limit: Limit) -> Decision:
        """Take one request from the bucket `key`.

        Raises:
            StateUnavailable: the store did not answer within its deadline of 50 ms.
        """
        ...

    async def charge(self, charge: Charge) -> Verdict:
        """Take all of `charge`, or nothing of it.

        Raises:
            StateUnavailable: the store did not answer within its deadline of 50 ms. Whether it
                has charged is not known; `settle` puts either right.
        """
        ...

    async def settle(
        self, settlements: Sequence[Settlement]
    ) -> tuple[list[Crossing], list[Settlement]]:
        """Book what requests did cost, give back what was held for them. Twice is as good as once.

        Returns what crossed a share of its budget, and what the store would not book.

        Raises:
            StateUnavailable: the store did not answer within a second.
        """
        ...

    async def exchange(self, replica: str, reports: Sequence[Report]) -> FleetView | None:
        """Tell the other replicas what is new, and hear what they told; None where there are none.

        Raises:
            StateUnavailable: the store did not answer within half a second.
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
