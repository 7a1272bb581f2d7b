"""Upstreams: one `Upstream` is one (provider, model) with its circuit breaker and retry budget.

Upstreams are made from the settings, and outlast a change of the settings that does not concern
them. Models that name the same target share its upstream.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from random import random
from urllib.parse import urlsplit

import msgspec

from contract.gateway_config import ProviderLimits
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
from service.settings import Provider, Settings
from service.telemetry.metrics import Metrics
from service.telemetry.provider_stats import ProviderStats

__all__ = ["Upstream", "UpstreamBook", "base_url"]

DIGEST_LENGTH = 12
"""Hexadecimal digits, 48 bits: enough for the handful of definitions that one name has at once."""


@dataclass(slots=True)
class Learned:
    """What the gateway has learned from the answers of a target."""

    refuses: frozenset[str] = frozenset()
    """Fields that the target refuses, and that a request can do without."""
    calls: Mapping[str, str] = field(default_factory=lambda: SAME_NAMES)
    """The target's names of fields, by their usual names."""
    most_tokens: int | None = None
    """The longest answer in tokens that the target accepts; it refuses requests for more."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """One upstream: a target and what is known of its health."""

    provider: str
    model: str
    fleet_name: str
    """The target's name among the replicas; it differs when the provider's definition does."""
    url: str
    kind: ProviderKind
    keys: KeyPool
    breaker: CircuitBreaker
    budget: RetryBudget
    stats: ProviderStats
    load: Load
    price: Price
    quota: ProviderQuota | None
    """The provider's quota; None when it has no limit."""
    learned: Learned
    gathers: bool
    """Whether the gateway requests streams and assembles whole answers from them."""

    @property
    def name(self) -> str:
        """The target's name for clients: `provider/model`."""
        return f"{self.provider}/{self.model}"

    def dialect(self, call: ChatCall) -> Dialect:
        """The dialect that serves clients of the call's format."""
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
    """One provider as the settings define it, and what its upstreams share."""

    provider: Provider
    keys: KeyPool
    budget: RetryBudget
    quota: ProviderQuota | None

    def is_still(self, provider: Provider | None) -> bool:
        """Whether `provider` has the same definition, apart from its prices and limits."""
        return provider is not None and _lasting(provider) == _lasting(self.provider)


class UpstreamBook:
    """The upstreams of the current settings, and the accounts of their providers."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._accounts: dict[str, _Account] = {}
        self._upstreams: dict[_Target, Upstream] = {}

    def follow(self, settings: Settings) -> Mapping[str, tuple[Upstream, ...]]:
        """The upstreams of every name that clients may use: models, and each `provider/model`.

        A target keeps its upstream, with its breaker, budget, keys and statistics, while its
        provider's definition stays the same. When this raises, nothing has changed.

        Raises:
            SettingsError: a provider's kind is not in the catalogue, or its address is unknown.
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
        self._upstreams = {one: self._upstream(one, place) for one, place in places.items()}
        direct = {upstream.name: (upstream,) for upstream in self._upstreams.values()}
        aliases = {
            name: tuple(self._upstreams[target.provider, target.model] for target in model.targets)
            for name, model in settings.models.items()
        }
        return {**direct, **aliases}

    def _retire(self, settings: Settings, wanted: Collection[_Target]) -> None:
        """Drop what changed; requests in flight keep their upstreams, without metrics for them."""
        changed = {
            name
            for name, account in self._accounts.items()
            if not account.is_still(settings.providers.get(name))
        }
        for one, upstream in tuple(self._upstreams.items()):
            if one not in wanted or upstream.provider in changed:
                del self._upstreams[one]
                self._metrics.forget_target(upstream.provider, upstream.model)
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

    def _upstream(self, target: _Target, place: tuple[ProviderKind, str]) -> Upstream:
        name, model = target
        kind, url = place
        account = self._accounts[name]
        price = _price(account.provider, model)
        ask_for_streams = account.provider.ask_for_streams
        known = self._upstreams.get(target)
        if known is not None:
            return replace(known, price=price, quota=account.quota)
        return Upstream(
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
            gathers=kind.ask_for_streams if ask_for_streams is None else ask_for_streams,
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
    """A digest of the non-secret properties by which replicas recognize the same provider.

    It covers the kind, the URL without user info and query, and the names of the key files. It
    covers no key and no key's version.
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
    """The kind of the provider `name`, and the URL of its chat endpoint."""
    kind = kind_named(provider.kind, name)
    return kind, base_url(provider, kind, name) + kind.path


def base_url(provider: Provider, kind: ProviderKind, name: str) -> str:
    """The base URL of the provider `name`, without a slash at the end.

    Raises:
        SettingsError: neither the settings nor the catalogue have it.
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
