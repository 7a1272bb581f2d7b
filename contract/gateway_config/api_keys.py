"""API keys of clients, and their limits."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contract.values.scalars import Id
from contract.values.strict import Strict

__all__ = ["ApiKey", "ApiKeyEntry", "ApiKeyFile", "Budget", "PerUser"]

_Rate = Annotated[float, Field(gt=0, le=1_000_000)]
_Burst = Annotated[int, Field(ge=1, le=10_000_000)]
_TokensPerMinute = Annotated[int, Field(ge=1, le=10_000_000_000)]
_Dollars = Annotated[float, Field(gt=0, le=1_000_000)]


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
    """One API key of a client, and its limits. It never contains the key itself."""

    tenant: Id
    """Name of the tenant that the API key belongs to."""
    requests_per_second: _Rate = 100
    """Sustained request rate of the API key, in requests per second."""
    burst: _Burst = 200
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
    on_outage: Literal["allow", "deny"] = "allow"
    """What happens to requests of the API key while Redis cannot keep the limits: `allow` applies
    an equal share of the limits in each pod, `deny` refuses the requests."""
    admin: bool = False
    """Whether the API key opens the gateway's web page, at /ui on the port of the probes, and
    creates and deletes runtime keys at /admin/keys."""


class ApiKeyEntry(ApiKey):
    """An API key in the file that the gateway reads."""

    id: Id
    """ID of the API key."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the API key, in hexadecimal."""


class ApiKeyFile(Strict):
    """The file with the API keys that the gateway reads."""

    keys: tuple[ApiKeyEntry, ...]
    """The API keys."""
    revoked: tuple[Id, ...] = ()
    """IDs that are refused, wherever their keys are defined; meant above all for runtime keys."""
