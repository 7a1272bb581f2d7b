"""What a provider takes for its tokens."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from service.providers.calls import Usage

__all__ = ["UNKNOWN", "Price", "dearest"]

_NANO_PER_MILLIONTH = 1000
"""A dollar per million tokens is so many nano-dollars per token."""


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-dollars per token: of the prompt, of what of it is cached, of the answer."""

    prompt: float
    cached: float
    completion: float
    known: bool = True
    """Whether the settings say it; what they do not say counts nothing."""

    @classmethod
    def per_million(cls, prompt: float, completion: float, cached: float | None = None) -> Self:
        """From dollars per million tokens; cached ones cost the same where no price says else."""
        cached = prompt if cached is None else cached
        nano = _NANO_PER_MILLIONTH
        return cls(prompt * nano, cached * nano, completion * nano)

    def cost(self, usage: Usage) -> int:
        """Nano-dollars, rounded."""
        fresh = max(0, usage.prompt - usage.cached)
        return round(
            fresh * self.prompt + usage.cached * self.cached + usage.completion * self.completion
        )


UNKNOWN = Price(0.0, 0.0, 0.0, known=False)


def dearest(prices: Iterable[Price]) -> Price:
    """The price that none of `prices` exceeds in anything."""
    every = [*prices]
    return Price(
        max((price.prompt for price in every), default=0.0),
        max((price.cached for price in every), default=0.0),
        max((price.completion for price in every), default=0.0),
    )
