"""Whom the gateway asks, and who may ask the gateway."""

from typing import Annotated, Literal

from pydantic import Field

from infra.settings.base import Strict
from infra.settings.grammar import ModelName, Name, Url

__all__ = ["ApiKey", "Model", "Provider", "Target"]


class Provider(Strict):
    """One provider account. Its key is the secret provider-<name>."""

    kind: Literal["openai-compatible"]
    """The wire format that it speaks."""
    base_url: Url
    """Where it is; the part before /chat/completions."""


class Target(Strict):
    """One model of one provider."""

    provider: Name
    """A name below gateway.providers."""
    model: ModelName
    """What the provider calls the model."""


class Model(Strict):
    """Who answers a model name."""

    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    """Best first; the next one is asked when one fails."""


class ApiKey(Strict):
    """One client key and its limits. The key itself is the secret api-key-<id>."""

    tenant: Name
    """Whose it is."""
    requests_per_second: Annotated[float, Field(gt=0, le=100_000)]
    """The rate that is allowed for long."""
    burst: Annotated[int, Field(ge=1, le=100_000)]
    """How many requests may come at once."""
    on_outage: Literal["allow", "deny"]
    """What happens to the key's requests while limits cannot be kept in Redis."""
