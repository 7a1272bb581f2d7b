"""CPU and memory of containers."""

from typing import Self

from pydantic import model_validator

from infra.config.base import Strict
from infra.config.scalars import Cpu, Memory
from infra.quantities import cpu_millis, memory_bytes

__all__ = ["Amount", "Resources"]


class Amount(Strict):
    """CPU and memory."""

    cpu: Cpu
    """CPU time."""
    memory: Memory
    """Memory."""


class Resources(Strict):
    """What a container asks for and what it may use."""

    requests: Amount
    """What the scheduler reserves."""
    limits: Amount
    """What the container may use at most; above it CPU is throttled and memory is fatal."""

    @model_validator(mode="after")
    def _requests_fit_into_limits(self) -> Self:
        if cpu_millis(self.requests.cpu) > cpu_millis(self.limits.cpu):
            raise ValueError(f"requests.cpu {_over(self.requests.cpu, self.limits.cpu)}")
        if memory_bytes(self.requests.memory) > memory_bytes(self.limits.memory):
            raise ValueError(f"requests.memory {_over(self.requests.memory, self.limits.memory)}")
        return self


def _over(asked: str, allowed: str) -> str:
    return f"= {asked} must not be more than its limit {allowed}"
