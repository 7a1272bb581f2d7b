"""Models: the names that clients use, and the targets that answer for them."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from contract.gateway_config.timeouts import ModelTimeouts
from contract.providers import Capability
from contract.values.scalars import ModelName, Name
from contract.values.strict import Strict

__all__ = ["Model", "Target"]


class Target(Strict):
    """One model of one provider."""

    provider: Name
    """Name of the provider: one of seawall:gateway.providers."""
    model: ModelName
    """The provider's name of the model."""
    priority: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Priority of the target; a lower number comes first. When not given, the position in the list,
    from 0. Among targets of equal priority, a long prompt goes to the target that it went to
    before, and a short one to the target that answers sooner."""
    weight: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    """Share of the requests that the target gets among the targets of its priority: 9 and 1 make a
    canary of a tenth. Either all targets of a priority have a weight, or none."""
    lacks: tuple[Capability, ...] = ()
    """Capabilities that the target does not have. Requests that use them go to the other
    targets."""


class Model(Strict):
    """The targets that answer for a model name."""

    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    """Targets that answer for the model. When one fails, the gateway tries the next one."""
    fallbacks: tuple[ModelName, ...] = ()
    """Other model names whose targets answer when no target of this model does. Such answers are
    marked as degraded. A larger model here also answers requests that are too long for this
    model."""
    timeouts: ModelTimeouts = ModelTimeouts()
    """Timeouts that differ from seawall:gateway.timeouts for this model. Reasoning models are
    silent for longer."""

    @model_validator(mode="after")
    def _weights_are_whole(self) -> Self:
        weighted: dict[int, bool] = {}
        for place, target in enumerate(self.targets):
            priority = place if target.priority is None else target.priority
            has_one = target.weight is not None
            if weighted.setdefault(priority, has_one) != has_one:
                raise ValueError(f"targets of priority {priority}: all have a weight, or none")
        return self
