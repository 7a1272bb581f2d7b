"""The prices of a provider's tokens."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from service.providers.chat_request import Usage

__all__ = ["UNKNOWN", "Price", "dearest"]

_NANO_PER_MILLIONTH = 1000
"""A dollar per million tokens is 1000 nano-dollars per token."""


_WRITTEN, _WRITTEN_LONG = 1.25, 2.0
"""The prices of cache writes for five minutes and for an hour, in units of the input price; see
"Pricing" in https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching."""


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-dollars per token: for the prompt, for its cached and written parts, for the answer."""

    prompt: float
    cached: float
    written: float
    written_long: float
    completion: float
    known: bool = True
    """Whether the settings contain the price; an unknown price counts as 0."""

    @classmethod
    def per_million(
        cls,
        prompt: float,
        completion: float,
        cached: float | None = None,
        written: float | None = None,
        written_long: float | None = None,
    ) -> Self:
        """Make a price from dollars per million tokens.

        By default, cached tokens cost the same as the prompt, and cache writes cost Anthropic's
        multiple of it.
        """
        cached = prompt if cached is None else cached
        written = prompt * _WRITTEN if written is None else written
        written_long = prompt * _WRITTEN_LONG if written_long is None else written_long
        nano = _NANO_PER_MILLIONTH
        return cls(
            prompt * nano, cached * nano, written * nano, written_long * nano, completion * nano
        )

    def cost(self, usage: Usage) -> int:
        """The cost in nano-dollars, rounded."""
        fresh = max(0, usage.prompt - usage.cached - usage.written - usage.written_long)
        return round(
            fresh * self.prompt
            + usage.cached * self.cached
            + usage.written * self.written
            + usage.written_long * self.written_long
            + usage.completion * self.completion
        )


UNKNOWN = Price(0.0, 0.0, 0.0, 0.0, 0.0, known=False)


def dearest(prices: Iterable[Price]) -> Price:
    """The price with the maximum of each part over all `prices`."""
    every = [*prices]
    return Price(
        max((price.prompt for price in every), default=0.0),
        max((price.cached for price in every), default=0.0),
        max((price.written for price in every), default=0.0),
        max((price.written_long for price in every), default=0.0),
        max((price.completion for price in every), default=0.0),
    )
