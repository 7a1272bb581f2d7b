"""The pods of Redis and Sentinel."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contract.majority import majority
from contract.values.strict import Strict
from infra.config.compute import Amount, Resources
from infra.config.placement import Disruption, Spread
from infra.config.scalars import Between, Duration, Memory
from infra.quantities import memory_bytes

__all__ = ["Redis"]

_LEAST_MEMORY = "64Mi"
_NOTICE = Duration.parse("1s")
"""A master counts its replicas once a second, in Redis' own timer."""
_REDIS = Resources(
    requests=Amount(cpu="250m", memory="512Mi"), limits=Amount(cpu="1", memory="1Gi")
)
_SENTINEL = Resources(
    requests=Amount(cpu="50m", memory="64Mi"), limits=Amount(cpu="250m", memory="128Mi")
)


class Redis(Strict):
    """Pods of Redis and Sentinel: an odd number, so that a network split leaves a majority."""

    replicas: Literal[3, 5] = 3
    """Number of pods. Each pod runs one Redis and one Sentinel."""
    quorum: Annotated[int, Field(ge=1, le=5)] | None = None
    """Number of Sentinels that must agree that the master is down. It must be at least the majority
    of `replicas`, which is the default, and less than `replicas`, since the Sentinel of a lost
    master does not vote."""
    storage: Memory = "4Gi"
    """Size of each Redis pod's volume. It must be at least twice the memory limit, since Redis
    writes a new copy of its data while it keeps the old one."""
    storage_class: str | None = None
    """StorageClass of the volumes. The cluster's default when not given."""
    resources: Resources = _REDIS
    """CPU and memory of the Redis container."""
    sentinel_resources: Resources = _SENTINEL
    """CPU and memory of the Sentinel container."""
    down_after: Annotated[Duration, Between("3s", "60s")] = Duration.parse("5s")
    """Time without an answer after which a Sentinel considers the master down. It must be more than
    `max_lag` + 1s. Below the minimum of 3s, a stall of two seconds would be enough."""
    failover_timeout: Annotated[Duration, Between("3s", "180s")] = Duration.parse("15s")
    """Time after which a failover that has not ended is tried again."""
    max_lag: Annotated[Duration, Between("1s", "60s", whole=True)] = Duration.parse("3s")
    """Maximum lag of a replica. A master refuses writes when all of its replicas lag more than
    this."""
    disruption: Disruption = Disruption(max_unavailable=1)
    """Disruption budget of the Redis pods: how many of them a node drain may evict at once."""
    spread: Spread = Spread()
    """How the Redis pods are spread over hosts and zones."""

    @property
    def agreeing(self) -> int:
        """Sentinels that must agree that the master is down."""
        return majority(self.replicas) if self.quorum is None else self.quorum

    @model_validator(mode="after")
    def _quorum_is_a_majority_that_exists(self) -> Self:
        least = majority(self.replicas)
        if not least <= self.agreeing < self.replicas:
            raise ValueError(
                f"quorum = {self.quorum} must be at least {least}, the majority, and less than "
                f"replicas = {self.replicas}: the Sentinel of a lost master does not vote"
            )
        return self

    @model_validator(mode="after")
    def _data_fits(self) -> Self:
        memory = self.resources.limits.memory
        if memory_bytes(memory) < memory_bytes(_LEAST_MEMORY):
            raise ValueError(f"resources.limits.memory = {memory} must be at least {_LEAST_MEMORY}")
        if memory_bytes(self.storage) < 2 * memory_bytes(memory):
            raise ValueError(
                f"storage = {self.storage} must be at least twice resources.limits.memory = "
                f"{memory}: Redis writes a new copy of its data while it keeps the old one"
            )
        return self

    @model_validator(mode="after")
    def _drains_leave_a_majority(self) -> Self:
        evicted, most = self.disruption.evicted(self.replicas), self.replicas // 2
        if evicted > most:
            raise ValueError(
                f"disruption lets a drain evict {evicted} of {self.replicas} pods at once; it must "
                f"leave the majority of the Sentinels, so at most {most} may be missing"
            )
        return self

    @model_validator(mode="after")
    def _one_writable_master_at_most(self) -> Self:
        # The old master accepts no writes from max_lag after it lost its replicas, and checks that
        # once a second. Only then may the Sentinels promote a new one.
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
