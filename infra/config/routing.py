"""Whom the gateway asks, and who may ask the gateway."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contract.providers import KINDS_WITHOUT_ADDRESS, Capability, ProviderKindName
from infra.config.base import Strict
from infra.config.scalars import Between, Duration, ModelName, Name, Url

__all__ = [
    "ApiKey",
    "Budget",
    "Model",
    "ModelTimeouts",
    "PerUser",
    "Prices",
    "Provider",
    "ProviderLimits",
    "Target",
]

_Timeout = Annotated[Duration, Between("1ms", "1h")]
_Rate = Annotated[float, Field(gt=0, le=100_000)]
_Burst = Annotated[int, Field(ge=1, le=100_000)]
_TokensPerMinute = Annotated[int, Field(ge=1, le=10_000_000_000)]
_Dollars = Annotated[float, Field(gt=0, le=1_000_000)]
_Price = Annotated[float, Field(ge=0, le=1_000_000)]


class Prices(Strict):
    """What a provider takes for one model, in dollars per million tokens."""

    input: _Price
    """Of the prompt."""
    output: _Price
    """Of the answer."""
    cached_input: _Price | None = None
    """Of the part of the prompt that the provider has in its cache; as `input` when not given."""
    cache_write: _Price | None = None
    """Of the part that it writes to its cache; 1.25 times `input` when not given, as Anthropic
    takes."""
    cache_write_long: _Price | None = None
    """Of what it writes there for an hour; twice `input` when not given, as Anthropic takes."""


class ProviderLimits(Strict):
    """What a provider takes of all pods together. Above it, models' other targets come first."""

    requests_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Each pod keeps to its part, this number divided by the pods that are alive."""


class Provider(Strict):
    """One provider account. Its key is the secret provider-<name>."""

    kind: ProviderKindName
    """Whose it is: what it speaks, how it takes its key, and where it is."""
    base_url: Url | None = None
    """Where it is, when that is not where everybody finds it; with the version, such as
    `https://host/v1`. Required for azure-openai, vllm, ollama and openai-compatible."""
    keys: Annotated[int, Field(ge=1, le=8)] = 1
    """How many keys it has: provider-<name>, provider-<name>-2 and so on. The next one is used
    while the provider refuses one, or has had enough of it."""
    prices: dict[ModelName, Prices] = Field(default_factory=dict[ModelName, Prices])
    """By the provider's names of its models; required of every target once a key has a budget, also
    of keys that are made at run time. One that costs nothing has the price 0."""
    limits: ProviderLimits = ProviderLimits()
    """So that it is not asked for more than it takes while others could answer."""
    ask_for_streams: bool | None = None
    """Whether it is asked for a stream even when the client wants a whole answer, which the gateway
    puts together: silence is noticed after `timeouts.first_content` then, and not after
    `timeouts.answer`. When not given: openai, azure-openai, anthropic, groq and mistral are."""

    @model_validator(mode="after")
    def _address_is_known(self) -> Self:
        if self.base_url is None and self.kind in KINDS_WITHOUT_ADDRESS:
            raise ValueError(f"base_url is missing: every {self.kind} has its own address")
        return self


class Target(Strict):
    """One model of one provider."""

    provider: Name
    """A name below gateway.providers."""
    model: ModelName
    """What the provider calls the model."""
    priority: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Less is better. Among equals a long prompt goes where it went before, and a short one to
    who answers sooner. When not given, the place in the list, from 0."""
    weight: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    """Its share of the requests among the targets of its priority, of which all have one, or none:
    9 and 1 make a canary of a tenth."""
    lacks: tuple[Capability, ...] = ()
    """What it cannot take: requests that use it go to the other targets."""


class ModelTimeouts(Strict):
    """What differs from gateway.timeouts for one model: those that reason are silent for longer."""

    headers: _Timeout | None = None
    """Until a streamed answer begins."""
    first_content: _Timeout | None = None
    """Until the first words of a streamed answer."""
    gap: _Timeout | None = None
    """Between two parts of a streamed answer."""
    answer: _Timeout | None = None
    """Of a plain answer."""


class Model(Strict):
    """Who answers a model name."""

    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    """The next one is asked when one fails."""
    fallbacks: tuple[ModelName, ...] = ()
    """Other model names, whose targets answer, marked as degraded, when none of these does; also
    a larger model, for requests that are too long for this one."""
    timeouts: ModelTimeouts = ModelTimeouts()
    """What differs for this model."""

    @model_validator(mode="after")
    def _weights_are_whole(self) -> Self:
        weighted: dict[int, bool] = {}
        for place, target in enumerate(self.targets):
            priority = place if target.priority is None else target.priority
            has_one = target.weight is not None
            if weighted.setdefault(priority, has_one) != has_one:
                raise ValueError(f"targets of priority {priority}: all have a weight, or none")
        return self


class PerUser(Strict):
    """What each user of a key may do, by the name that the client gives.

    That is `user` or `safety_identifier`, in Anthropic's format `metadata.user_id`; those without
    a name are one user.
    """

    requests_per_second: _Rate | None = None
    """The rate that is allowed for long."""
    burst: _Burst | None = None
    """How many requests may come at once; as many as a second allows when not given."""
    tokens_per_minute: _TokensPerMinute | None = None
    """Of prompts and answers together."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.burst is not None and self.requests_per_second is None:
            raise ValueError("burst needs requests_per_second")
        if self.requests_per_second is None and self.tokens_per_minute is None:
            raise ValueError("give requests_per_second, tokens_per_minute, or both")
        return self


class Budget(Strict):
    """Dollars by the calendar of UTC. What a request may cost is held while it runs."""

    hour: _Dollars | None = None
    """Of every hour."""
    day: _Dollars | None = None
    """Of every day."""
    month: _Dollars | None = None
    """Of every month."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.hour is None and self.day is None and self.month is None:
            raise ValueError("give hour, day or month")
        return self


class ApiKey(Strict):
    """One client key and its limits. The key itself is the secret api-key-<id>."""

    tenant: Name
    """Whose it is."""
    requests_per_second: _Rate
    """The rate that is allowed for long."""
    burst: _Burst
    """How many requests may come at once."""
    tokens_per_minute: _TokensPerMinute | None = None
    """Of prompts and answers together, as many at once; no limit when not given."""
    per_user: PerUser | None = None
    """What each of its users may do."""
    budget: Budget | None = None
    """What it may spend; needs the prices of all targets."""
    on_outage: Literal["allow", "deny"]
    """What happens to the key's requests while limits cannot be kept in Redis."""
    admin: bool = False
    """Whether it opens the gateway's page for people, at /ui on the port of the probes, and makes
    and deletes keys at /admin/keys."""
