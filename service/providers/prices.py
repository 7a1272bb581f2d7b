"""What a provider takes for its tokens."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from service.providers.chat_request import Usage

__all__ = ["UNKNOWN", "Price", "dearest"]

_NANO_PER_MILLIONTH = 1000
"""A dollar per million tokens is so many nano-dollars per token."""


_WRITTEN, _WRITTEN_LONG = 1.25, 2.0
"""Times the input, for five minutes and for an hour; see "Pricing" in
https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching."""


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-dollars per token: of the prompt, of what of it is cached or written, of the answer."""

    prompt: float
    cached: float
    written: float
    written_long: float
    completion: float
    known: bool = True
    """Whether the settings say it; what they do not say counts nothing."""

    @classmethod
    def per_million(
        cls,
        prompt: float,
        completion: float,
        cached: float | None = None,
        written: float | None = None,
        written_long: float | None = None,
    ) -> Self:
        """From dollars per million tokens.

        Cached ones cost the same where no price says else, written ones what Anthropic takes.
        """
        cached = prompt if cached is None else cached
        written = prompt * _WRITTEN if written is None else written
        written_long = prompt * _WRITTEN_LONG if written_long is None else written_long
        nano = _NANO_PER_MILLIONTH
        return cls(
            prompt * nano, cached * nano, written * nano, written_long * nano, completion * nano
        )

    def cost(self, usage: Usage) -> int:
        """Nano-dollars, rounded."""
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
    """The price that none of `prices` exceeds in anything."""
    every = [*prices]
    return Price(
        max((price.prompt for price in every), default=0.0),
        max((price.cached for price in every), default=0.0),
        max((price.written for price in every), default=0.0),
        max((price.written_long for price in every), default=0.0),
        max((price.completion for price in every), default=0.0),
    )
