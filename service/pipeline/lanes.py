"""A lane: one (provider, model) with its breaker and budget, as the pipeline calls it.

Lanes are made once from the settings; models share a lane when they name the same target.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from random import random

from service.errors import SettingsError
from service.files import SecretFile
from service.providers.catalogue import kind_named
from service.providers.dialect import Dialect
from service.providers.failures import UpstreamFailure
from service.resilience.breaker import BreakerState, CircuitBreaker
from service.resilience.retry import Symptom
from service.resilience.retry_budget import RetryBudget
from service.settings import Provider, Settings, TargetRef
from service.telemetry.metrics import Metrics

__all__ = ["Lane", "build_lanes"]


@dataclass(frozen=True, slots=True)
class Lane:
    """One target and what is known of its health."""

    provider: str
    model: str
    chat_url: str
    dialect: Dialect
    api_key: SecretFile | None
    breaker: CircuitBreaker
    budget: RetryBudget

    def headers(self) -> dict[str, str]:
        """Headers of a request to this target.

        Raises:
            UpstreamFailure: the file with the provider's key is missing or empty.
        """
        try:
            key = None if self.api_key is None else self.api_key.value()
        except SettingsError as error:
            raise UpstreamFailure(Symptom.KEY_REFUSED, str(error)) from error
        return self.dialect.headers(key)


def build_lanes(settings: Settings, metrics: Metrics) -> Mapping[str, tuple[Lane, ...]]:
    """The lanes of every name that clients may use: the models, and provider/model of each target.

    Raises:
        SettingsError: a provider's kind is not in the catalogue.
    """
    budgets = {name: RetryBudget(time.monotonic) for name in settings.providers}
    keys = {
        name: None
        if provider.api_key_file is None
        else SecretFile(settings.secrets_dir / provider.api_key_file)
        for name, provider in settings.providers.items()
    }

    def lane(target: TargetRef) -> Lane:
        provider: Provider = settings.providers[target.provider]
        dialect = kind_named(provider.kind, target.provider).dialect
        gauge = metrics.breaker(target.provider, target.model)
        openings = metrics.openings(target.provider, target.model)

        def show(state: BreakerState) -> None:
            gauge.set(state.value)
            if state is BreakerState.OPEN:
                openings.inc()

        return Lane(
            provider=target.provider,
            model=target.model,
            chat_url=provider.base_url.rstrip("/") + dialect.chat_path,
            dialect=dialect,
            api_key=keys[target.provider],
            breaker=CircuitBreaker(clock=time.monotonic, random=random, on_change=show),
            budget=budgets[target.provider],
        )

    by_target = {
        target: lane(target) for model in settings.models.values() for target in model.targets
    }
    direct = {f"{t.provider}/{t.model}": (found,) for t, found in by_target.items()}
    aliases = {
        name: tuple(by_target[target] for target in model.targets)
        for name, model in settings.models.items()
    }
    return {**direct, **aliases}
