"""Budgets of API keys: their windows, the shares of them that are reported, and the prices."""

from collections.abc import Container, Iterable, Mapping
from typing import Protocol

__all__ = ["PERCENTS", "WINDOWS", "missing_price"]

WINDOWS = ("hour", "day", "month")
"""By the calendar of UTC."""
PERCENTS = (80, 100)
"""Shares of a budget that are reported. 100 is also reported when the budget refuses a request."""


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
    """What to do about the first target without a price; empty when all targets have one.

    A key may use every model, and a target without a price would not count against its budget.
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
