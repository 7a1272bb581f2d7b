"""A lane: one (provider, model) with its breaker and budget, as the pipeline calls it.

Lanes are made from the settings, and outlast a change of those that does not concern them; models
share a lane when they name the same target.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from random import random
from urllib.parse import urlsplit

import msgspec

from service.errors import SettingsError
from service.files import SecretFile
from service.providers.catalogue import ProviderKind, kind_named
from service.providers.chat_request import ChatCall
from service.providers.dialect import Dialect
from service.providers.encoding import SAME_NAMES
from service.providers.keys import KeyInUse, KeyPool
from service.providers.prices import UNKNOWN, Price
from service.resilience.breaker import BreakerState, CircuitBreaker
from service.resilience.latency_tracker import Load
from service.resilience.provider_quota import ProviderQuota
from service.resilience.retry_budget import RetryBudget
from service.settings import Provider, ProviderLimits, Settings
from service.telemetry.metrics import Metrics
from service.telemetry.provider_stats import ProviderStats

__all__ = ["Lane", "LaneBook", "base_url"]

DIGEST_LENGTH = 12
"""Hexadecimal digits, 48 bits: a provider's name has had a handful of definitions at once."""


@dataclass(slots=True)
class Learned:
    """What the answers of a target have shown about it."""

    refuses: frozenset[str] = frozenset()
    """Fields that the target refuses, and that a request can do without."""
    calls: Mapping[str, str] = field(default_factory=lambda: SAME_NAMES)
    """What it calls fields, by their usual names."""
    most_tokens: int | None = None
    """The longest answer that it gives; more is refused."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One target and what is known of its health."""

    provider: str
    model: str
    fleet_name: str
    """As replicas call it among themselves: one name for one definition of the provider."""
    url: str
    kind: ProviderKind
    keys: KeyPool
    breaker: CircuitBreaker
    budget: RetryBudget
    stats: ProviderStats
    load: Load
    price: Price
    quota: ProviderQuota | None
    """The provider's, where it has a limit."""
    learned: Learned
    gathers: bool
    """Whether it is asked for streams, of which whole answers are put together."""

    @property
    def name(self) -> str:
        """The target as clients call it."""
        return f"{self.provider}/{self.model}"

    def dialect(self, call: ChatCall) -> Dialect:
        """How to ask for what a client of the call's format wants."""
        return self.kind.dialects[call.format]

    def headers(self, call: ChatCall, key: KeyInUse) -> dict[str, str]:
        """Headers of a request to this target."""
        headers = self.kind.headers(key.value)
        if call.headers and call.format is self.kind.native:
            headers.update(call.headers)
        return headers


_Target = tuple[str, str]
"""Provider and model."""


@dataclass(frozen=True, slots=True)
class _Account:
    """One provider as the settings define it, and what its lanes share."""

    provider: Provider
    keys: KeyPool
    budget: RetryBudget
    quota: ProviderQuota | None

    def is_still(self, provider: Provider | None) -> bool:
        """Whether that is the same provider, whatever it costs now, and how much it takes."""
        return provider is not None and _lasting(provider) == _lasting(self.provider)


class LaneBook:
    """The lanes of the settings in force, and what their providers' accounts are known by."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._accounts: dict[str, _Account] = {}
        self._lanes: dict[_Target, Lane] = {}

    def follow(self, settings: Settings) -> Mapping[str, tuple[Lane, ...]]:
        """The lanes of every name that clients may use: models, and provider/model of each target.

        A target keeps its lane while its provider's definition is the same: its breaker, budget,
        keys and statistics go on. When it raises, nothing has changed.

        Raises:
            SettingsError: a provider's kind is not in the catalogue, or its address is not known.
        """
        places = {
            (one.provider, one.model): _place(settings.providers[one.provider], one.provider)
            for model in settings.models.values()
            for one in model.targets
        }
        self._retire(settings, places)
        self._metrics.bind(settings.providers)
        for name, provider in settings.providers.items():
            self._accounts[name] = self._account(name, provider, settings)
        self._lanes = {one: self._lane(one, place) for one, place in places.items()}
        direct = {lane.name: (lane,) for lane in self._lanes.values()}
        aliases = {
            name: tuple(self._lanes[target.provider, target.model] for target in model.targets)
            for name, model in settings.models.items()
        }
        return {**direct, **aliases}

    def _retire(self, settings: Settings, wanted: Collection[_Target]) -> None:
        """Forget what changed; requests in flight keep their lanes, which nothing shows then."""
        changed = {
            name
            for name, account in self._accounts.items()
            if not account.is_still(settings.providers.get(name))
        }
        for one, lane in tuple(self._lanes.items()):
            if one not in wanted or lane.provider in changed:
                del self._lanes[one]
                self._metrics.forget_target(lane.provider, lane.model)
        for name in changed:
            del self._accounts[name]
            self._metrics.forget_keys(name)

    def _account(self, name: str, provider: Provider, settings: Settings) -> _Account:
        known = self._accounts.get(name)
        if known is not None and known.provider == provider:
            return known
        if known is not None and known.provider.limits == provider.limits:
            return replace(known, provider=provider)
        limit = provider.limits.requests_per_minute
        quota = ProviderQuota(limit, settings.replicas, time.monotonic) if limit else None
        if known is not None:
            return replace(known, provider=provider, quota=quota)
        files = [SecretFile(settings.secrets_dir / file) for file in _key_files(provider)]
        keys = KeyPool(files, on_refused=self._metrics.keys_refused(name).set)
        return _Account(provider, keys, RetryBudget(time.monotonic), quota)

    def _lane(self, target: _Target, place: tuple[ProviderKind, str]) -> Lane:
        name, model = target
        kind, url = place
        account = self._accounts[name]
        price = _price(account.provider, model)
        asked = account.provider.ask_for_streams
        known = self._lanes.get(target)
        if known is not None:
            return replace(known, price=price, quota=account.quota)
        return Lane(
            provider=name,
            model=model,
            fleet_name=f"{name}@{_digest(account.provider, kind, url)}/{model}",
            url=url,
            kind=kind,
            keys=account.keys,
            breaker=self._breaker(name, model),
            budget=account.budget,
            stats=ProviderStats(time.monotonic),
            load=Load(time.monotonic),
            price=price,
            quota=account.quota,
            learned=Learned(),
            gathers=kind.ask_for_streams if asked is None else asked,
        )

    def _breaker(self, provider: str, model: str) -> CircuitBreaker:
        gauge = self._metrics.breaker(provider, model)
        openings = self._metrics.openings(provider, model)

        def show(state: BreakerState) -> None:
            gauge.set(state.value)
            if state is BreakerState.OPEN and not breaker.learned:
                openings.inc()

        breaker = CircuitBreaker(clock=time.monotonic, random=random, on_change=show)
        return breaker


def _lasting(provider: Provider) -> Provider:
    return provider.model_copy(update={"prices": {}, "limits": ProviderLimits()})


def _digest(provider: Provider, kind: ProviderKind, url: str) -> str:
    """Of what makes it the same provider to another replica, and is no secret.

    Neither a key nor its version is in it, but the names of the key files; of the URL neither user
    info nor a query.
    """
    parts = urlsplit(url)
    place = (parts.scheme, parts.hostname, parts.port, parts.path)
    defined = msgspec.json.encode((kind.name, place, _key_files(provider)))
    return sha256(defined).hexdigest()[:DIGEST_LENGTH]


def _price(provider: Provider, model: str) -> Price:
    found = provider.prices.get(model)
    if found is None:
        return UNKNOWN
    return Price.per_million(
        found.input, found.output, found.cached_input, found.cache_write, found.cache_write_long
    )


def _place(provider: Provider, name: str) -> tuple[ProviderKind, str]:
    """What the provider `name` is, and the URL of its chats."""
    kind = kind_named(provider.kind, name)
    return kind, base_url(provider, kind, name) + kind.path


def base_url(provider: Provider, kind: ProviderKind, name: str) -> str:
    """Where the provider `name` is, without a slash at the end.

    Raises:
        SettingsError: the settings do not say so, and neither does the catalogue.
    """
    found = provider.base_url or kind.base_url
    if found is None:
        raise SettingsError(
            f"providers.{name}.base_url is missing: every '{kind.name}' has its own address"
        )
    return found.rstrip("/")


def _key_files(provider: Provider) -> tuple[str, ...]:
    first = () if provider.api_key_file is None else (provider.api_key_file,)
    return (*first, *provider.spare_api_key_files)
