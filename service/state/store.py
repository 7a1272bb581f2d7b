"""The protocol of the store of limits, budgets and the shared state of the replicas.

There are two implementations: `memory` for one process, and `redis_store` for all replicas.
"""

from collections.abc import Sequence
from typing import Protocol

from service.resilience.gcra import Decision, Limit
from service.state.charges import Charge, Crossing, Settlement, Verdict
from service.state.fleet_script import FleetView, Report

__all__ = ["Store"]


class Store(Protocol):
    """A store of limits and budgets; every operation is atomic over all replicas."""

    async def take(self, key: str, limit: Limit) -> Decision:
        """Take one request from the bucket `key`.

        Raises:
            StateUnavailable: the store did not answer within its deadline of 50 ms.
        """
        ...

    async def charge(self, charge: Charge) -> Verdict:
        """Take everything in `charge`, or nothing.

        Raises:
            StateUnavailable: the store did not answer within its deadline of 50 ms. It may or may
                not have charged; `settle` corrects both cases.
        """
        ...

    async def settle(
        self, settlements: Sequence[Settlement]
    ) -> tuple[list[Crossing], list[Settlement]]:
        """Book the costs of requests, and release their reservations. It is idempotent.

        Returns:
            The crossings to report, and the settlements that the store did not book.

        Raises:
            StateUnavailable: the store did not answer within 1.5 s.
        """
        ...

    async def exchange(self, replica: str, reports: Sequence[Report]) -> FleetView | None:
        """Send changes to the other replicas, and receive theirs; None if there are no others.

        Raises:
            StateUnavailable: the store did not answer within half a second.
        """
        ...

    async def ping(self) -> None:
        """Check that the store answers.

        Raises:
            StateUnavailable: it does not.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
