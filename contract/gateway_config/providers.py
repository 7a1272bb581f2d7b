"""Provider accounts: kind, address, prices and limits."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from contract.providers import KINDS_WITHOUT_ADDRESS, ProviderKindName
from contract.values.scalars import ModelName, Url
from contract.values.strict import Strict

__all__ = ["Prices", "ProviderAccount", "ProviderLimits"]

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


class ProviderAccount(Strict):
    """One provider account. How its API keys are found differs: see its subclasses."""

    kind: ProviderKindName
    """Kind of the provider: it determines the API format, how the API key is sent, and the default
    base URL."""
    base_url: Url | None = None
    """Base URL of the provider's API with the version, such as `https://host/v1`. When not given,
    the public address of this kind of provider. Required for azure-openai, vllm, ollama and
    openai-compatible."""
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
