"""CPU and memory of containers."""

from typing import Self

from pydantic import model_validator

from contract.values.strict import Strict
from infra.config.scalars import Cpu, Memory
from infra.quantities import cpu_millis, memory_bytes

__all__ = ["Amount", "Resources"]


class Amount(Strict):
    """CPU and memory."""

    cpu: Cpu
    """CPU time, in cores; `250m` is a quarter of a core. Under `requests`, the scheduler reserves
    it. Under `limits`, it is the maximum: a container that needs more is throttled."""
    memory: Memory
    """Memory, as a whole number of Ki, Mi, Gi or Ti. Under `requests`, the scheduler reserves it.
    Under `limits`, it is the maximum: a container that exceeds it is killed."""


class Resources(Strict):
    """What a container requests and what it may use at most."""

    requests: Amount
    """CPU and memory that the scheduler reserves for the container."""
    limits: Amount
    """CPU and memory that the container may use at most. Above the limit, CPU is throttled; a
    container that exceeds its memory limit is killed."""

    @model_validator(mode="after")
    def _requests_fit_into_limits(self) -> Self:
        if cpu_millis(self.requests.cpu) > cpu_millis(self.limits.cpu):
            raise ValueError(f"requests.cpu {_over(self.requests.cpu, self.limits.cpu)}")
        if memory_bytes(self.requests.memory) > memory_bytes(self.limits.memory):
            raise ValueError(f"requests.memory {_over(self.requests.memory, self.limits.memory)}")
        return self


def _over(asked: str, allowed: str) -> str:
    return f"= {asked} must not be more than its limit {allowed}"
