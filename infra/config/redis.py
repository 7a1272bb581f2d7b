"""The pods of Redis and Sentinel."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.config.base import Strict
from infra.config.compute import Resources
from infra.config.placement import Disruption, Spread
from infra.config.scalars import Between, Duration, Memory

__all__ = ["Redis"]

_NOTICE = Duration.parse("1s")
"""A master counts its replicas once a second, in Redis' own timer."""


class Redis(Strict):
    """Pods of Redis and Sentinel, an odd number so that a split leaves a majority."""

    replicas: Literal[3, 5]
    """How many pods, each with one Redis and one Sentinel."""
    quorum: Annotated[int, Field(ge=1, le=5)]
    """How many sentinels must agree that the master is down; at least the majority."""
    storage: Memory
    """The size of each pod's volume."""
    storage_class: str | None = None
    """The class of the volumes; the cluster's default when not given."""
    resources: Resources
    """Of the Redis container."""
    sentinel_resources: Resources
    """Of the Sentinel container."""
    down_after: Annotated[Duration, Between("3s", "60s")]
    """Without an answer for so long, a sentinel takes the master for down. Below 3s a stall of two
    seconds would be enough."""
    failover_timeout: Annotated[Duration, Between("3s", "180s")]
    """After so long a failover that did not end is tried again."""
    max_lag: Annotated[Duration, Between("1s", "60s", whole=True)]
    """A master without a replica as fresh as this refuses writes."""
    disruption: Disruption = Disruption(max_unavailable=1)
    """How many pods a drain of nodes may take."""
    spread: Spread = Spread()
    """How the pods are kept apart."""

    @model_validator(mode="after")
    def _quorum_is_a_majority_that_exists(self) -> Self:
        majority = self.replicas // 2 + 1
        if not majority <= self.quorum <= self.replicas:
            raise ValueError(
                f"quorum = {self.quorum} must be from {majority}, the majority, to "
                f"replicas = {self.replicas}"
            )
        return self

    @model_validator(mode="after")
    def _one_writable_master_at_most(self) -> Self:
        # The old master stops writing max_lag after it lost its replicas, and notices once a
        # second; only then may sentinels make a new one.
        writes_end_s = self.max_lag.seconds + _NOTICE.seconds
        if writes_end_s >= self.down_after.seconds:
            raise ValueError(
                f"max_lag + {_NOTICE} = {writes_end_s:g}s must be less than "
                f"down_after = {self.down_after}, or two masters could accept writes at one time"
            )
        return self

    @model_validator(mode="after")
    def _nodes_can_be_drained(self) -> Self:
        self.disruption.refuse_to_block(self.replicas, where="replicas")
        return self
