"""What an environment's configuration and the gateway's file have in common."""

from typing import Annotated, Generic, Self, TypeVar

from pydantic import Field, model_validator

from contract.gateway_config.models import Model
from contract.gateway_config.process import Admission, Degradation
from contract.gateway_config.providers import ProviderAccount
from contract.gateway_config.timeouts import Timeouts
from contract.values.scalars import ModelName, Name
from contract.values.strict import Strict

__all__ = ["GatewayConfig"]

ProviderT = TypeVar("ProviderT", bound=ProviderAccount)


class GatewayConfig(Strict, Generic[ProviderT]):
    """Limits, timeouts, providers and models of the gateway."""

    admission: Admission = Admission()
    """Limits of what one gateway process accepts at once."""
    timeouts: Timeouts = Timeouts()
    """Timeouts for requests to providers, each for one attempt."""
    degradation: Degradation = Degradation()
    """What clients receive, marked as degraded, when no target and no fallback answers."""
    providers: Annotated[dict[Name, ProviderT], Field(min_length=1)]
    """Provider accounts, by name."""
    models: Annotated[dict[ModelName, Model], Field(min_length=1)]
    """Models, by the name that clients use."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        for name, model in self.models.items():
            for target in model.targets:
                if target.provider not in self.providers:
                    known = ", ".join(sorted(self.providers))
                    raise ValueError(
                        f"models.{name} names provider {target.provider!r}; known: {known}"
                    )
            for other in model.fallbacks:
                if other == name or other not in self.models:
                    known = ", ".join(sorted(set(self.models) - {name})) or "no other"
                    raise ValueError(f"models.{name} falls back to {other!r}; known: {known}")
        return self
