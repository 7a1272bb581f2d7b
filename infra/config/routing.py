"""Providers and models that the gateway uses, and API keys of its clients."""

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
    """What a provider charges for one model, in dollars per million tokens."""

    input: _Price
    """Price of the prompt, in dollars per million tokens."""
    output: _Price
    """Price of the answer, in dollars per million tokens."""
    cached_input: _Price | None = None
    """Price of the part of the prompt that the provider has in its cache, in dollars per million
    tokens. The same as `input` when not given."""
    cache_write: _Price | None = None
    """Price of the part of the prompt that the provider writes to its cache, in dollars per million
    tokens. 1.25 times `input` when not given, as Anthropic charges."""
    cache_write_long: _Price | None = None
    """Price of the part of the prompt that the provider writes to its cache for an hour, in dollars
    per million tokens. Twice `input` when not given, as Anthropic charges."""


class ProviderLimits(Strict):
    """What a provider accepts from all pods together.

    Above it, the model's other targets come first.
    """

    requests_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Number of requests per minute that the provider accepts from all pods together. Each pod has
    an equal part: this number divided by the number of live pods. Above its part, a pod tries the
    model's other targets first. No limit when not given."""


class Provider(Strict):
    """One provider account. Its API key is the secret provider-<name>."""

    kind: ProviderKindName
    """Kind of the provider: it determines the API format, how the API key is sent, and the default
    base URL."""
    base_url: Url | None = None
    """Base URL of the provider's API with the version, such as `https://host/v1`. When not given,
    the public address of this kind of provider. Required for azure-openai, vllm, ollama and
    openai-compatible."""
    keys: Annotated[int, Field(ge=1, le=8)] = 1
    """Number of API keys of the account, which are the secrets provider-<name>, provider-<name>-2
    and so on. The gateway uses the next key while the provider refuses one or limits its rate."""
    prices: dict[ModelName, Prices] = Field(default_factory=dict[ModelName, Prices])
    """Prices by the provider's names of its models. Required for every target once an API key has a
    budget, including runtime keys. A free model has the price 0."""
    limits: ProviderLimits = ProviderLimits()
    """Limits of the provider account. Above them, the gateway first tries the model's other
    targets."""
    ask_for_streams: bool | None = None
    """Whether the gateway requests a stream from the provider even when the client wants a whole
    answer. The gateway then puts the answer together, and notices silence after
    `timeouts.first_content` instead of `timeouts.answer`. When not given, it does so for anthropic,
    azure-openai, deepseek, gemini, groq, mistral, moonshot and openai."""

    @model_validator(mode="after")
    def _address_is_known(self) -> Self:
        if self.base_url is None and self.kind in KINDS_WITHOUT_ADDRESS:
            raise ValueError(f"base_url is missing: every {self.kind} has its own address")
        return self


class Target(Strict):
    """One model of one provider."""

    provider: Name
    """Name of the provider: one of seawall:gateway.providers."""
    model: ModelName
    """The provider's name of the model."""
    priority: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Priority of the target; a lower number comes first. When not given, the position in the list,
    from 0. Among targets of equal priority, a long prompt goes to the target that it went to
    before, and a short one to the target that answers sooner."""
    weight: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    """Share of the requests that the target gets among the targets of its priority: 9 and 1 make a
    canary of a tenth. Either all targets of a priority have a weight, or none."""
    lacks: tuple[Capability, ...] = ()
    """Capabilities that the target does not have. Requests that use them go to the other
    targets."""


class ModelTimeouts(Strict):
    """Timeouts that differ from gateway.timeouts for one model.

    Reasoning models are silent for longer.
    """

    headers: _Timeout | None = None
    """Maximum time until the headers of a streamed answer of this model arrive. As in
    seawall:gateway.timeouts when not given."""
    first_content: _Timeout | None = None
    """Maximum time between the headers and the first content of a streamed answer of this model. As
    in seawall:gateway.timeouts when not given."""
    gap: _Timeout | None = None
    """Maximum time between two parts of a streamed answer of this model. As in
    seawall:gateway.timeouts when not given."""
    answer: _Timeout | None = None
    """Maximum time for an answer of this model that is not streamed. As in seawall:gateway.timeouts
    when not given."""


class Model(Strict):
    """The targets that answer for a model name."""

    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    """Targets that answer for the model. When one fails, the gateway tries the next one."""
    fallbacks: tuple[ModelName, ...] = ()
    """Other model names whose targets answer when no target of this model does. Such answers are
    marked as degraded. A larger model here also answers requests that are too long for this
    model."""
    timeouts: ModelTimeouts = ModelTimeouts()
    """Timeouts that differ from seawall:gateway.timeouts for this model. Reasoning models are
    silent for longer."""

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
    """Limits of each user of an API key, by the name that the client sends.

    The name is `user` or `safety_identifier`, in Anthropic's format `metadata.user_id`. All
    requests without a name count as one user.
    """

    requests_per_second: _Rate | None = None
    """Sustained request rate of each user of the API key, in requests per second. No limit when not
    given."""
    burst: _Burst | None = None
    """Number of requests that each user of the API key may send at once. When not given, as many as
    a second allows."""
    tokens_per_minute: _TokensPerMinute | None = None
    """Number of tokens per minute for each user of the API key, prompts and answers together. No
    limit when not given."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.burst is not None and self.requests_per_second is None:
            raise ValueError("burst needs requests_per_second")
        if self.requests_per_second is None and self.tokens_per_minute is None:
            raise ValueError("give requests_per_second, tokens_per_minute, or both")
        return self


class Budget(Strict):
    """Dollars by the calendar of UTC. The maximum cost of a request is reserved while it runs."""

    hour: _Dollars | None = None
    """Dollars that the API key may spend in every hour, by the calendar of UTC. No limit when not
    given."""
    day: _Dollars | None = None
    """Dollars that the API key may spend on every day, by the calendar of UTC. No limit when not
    given."""
    month: _Dollars | None = None
    """Dollars that the API key may spend in every month, by the calendar of UTC. No limit when not
    given."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.hour is None and self.day is None and self.month is None:
            raise ValueError("give hour, day or month")
        return self


class ApiKey(Strict):
    """One API key of a client, and its limits. The key itself is the secret api-key-<id>."""

    tenant: Name
    """Name of the tenant that the API key belongs to."""
    requests_per_second: _Rate
    """Sustained request rate of the API key, in requests per second."""
    burst: _Burst
    """Number of requests that the API key may send at once."""
    tokens_per_minute: _TokensPerMinute | None = None
    """Number of tokens per minute for the API key, prompts and answers together. As many may be
    used at once. No limit when not given."""
    per_user: PerUser | None = None
    """Limits of each user of the API key. A request names its user in `user` or
    `safety_identifier`, in Anthropic's format in `metadata.user_id`. All requests without a name
    count as one user."""
    budget: Budget | None = None
    """Dollars that the API key may spend. It needs the prices of all targets. The maximum cost of a
    request is reserved while it runs."""
    on_outage: Literal["allow", "deny"]
    """What happens to requests of the API key while Redis cannot keep the limits: `allow` applies
    an equal share of the limits in each pod, `deny` refuses the requests."""
    admin: bool = False
    """Whether the API key opens the gateway's web page, at /ui on the port of the probes, and
    creates and deletes runtime keys at /admin/keys."""
