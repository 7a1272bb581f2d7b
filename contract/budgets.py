"""Budgets of API keys: their windows, the shares of them that are told, and what they need."""

from collections.abc import Container, Iterable, Mapping
from typing import Protocol

__all__ = ["PERCENTS", "WINDOWS", "missing_price"]

WINDOWS = ("hour", "day", "month")
"""By the calendar of UTC."""
PERCENTS = (80, 100)
"""100 also when a request is refused for it."""


class _Target(Protocol):
    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...


class _Model(Protocol):
    @property
    def targets(self) -> Iterable[_Target]: ...


class _Provider(Protocol):
    @property
    def prices(self) -> Container[str]: ...


def missing_price(models: Mapping[str, _Model], providers: Mapping[str, _Provider]) -> str:
    """What to do about the first target that has no price; empty when all have one.

    A key may use every model, and what has no price counts nothing against its budget.
    """
    for name, model in models.items():
        for target in model.targets:
            if target.model not in providers[target.provider].prices:
                return (
                    f"the price of models.{name}'s {target.provider}/{target.model} is not known; "
                    f"give providers.{target.provider}.prices.{target.model}: "
                    "{input: ..., output: ...}"
                )
    return ""
