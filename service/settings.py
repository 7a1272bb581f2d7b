"""The gateway's settings: one YAML file, parsed into one immutable value.

Each wrong key or value is reported in a `SettingsError`. The file contains no secrets: it names
files in `secrets_dir`, which are read again when they change.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from contract.addresses import check_base_url, without_secrets
from contract.paths import (
    API_KEYS_FILE,
    REDIS_APP_PASSWORD_FILE,
    SECRETS_DIR,
    SENTINEL_PASSWORD_FILE,
)
from contract.ports import GATEWAY_HEALTH, GATEWAY_HTTP
from contract.providers import Capability
from service.errors import SettingsError

__all__ = [
    "Admission",
    "Degradation",
    "Drain",
    "Listen",
    "MemoryState",
    "Model",
    "ModelTimeouts",
    "Prices",
    "Provider",
    "ProviderLimits",
    "RedisState",
    "Settings",
    "TargetRef",
    "Timeouts",
    "TracingSettings",
    "explain",
    "load_settings",
    "parse_settings",
]

CUT_BEFORE_GRACE_SECONDS = 5
"""Streams that are still open this long before the grace period ends get an error event."""

Seconds = Annotated[float, Field(gt=0, le=3600)]
Port = Annotated[int, Field(ge=0, le=65535)]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$")]


_Url = Annotated[str, AfterValidator(check_base_url)]
_Dollars = Annotated[float, Field(ge=0, le=1_000_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listen(_Strict):
    """An address to listen on; port 0 takes a free one."""

    host: str = "0.0.0.0"  # noqa: S104 - a pod's own network namespace
    port: Port = GATEWAY_HTTP


class Health(_Strict):
    """The address for probes and metrics."""

    host: str = "0.0.0.0"  # noqa: S104 - the kubelet and Prometheus come from outside the pod
    port: Port = GATEWAY_HEALTH


class Drain(_Strict):
    """How the process shuts down after SIGTERM; both times are counted from the signal."""

    serve_seconds: Annotated[float, Field(ge=0, le=600)] = 5
    grace_seconds: Annotated[float, Field(gt=0, le=3600)] = 30

    @model_validator(mode="after")
    def _grace_leaves_time_to_finish(self) -> Self:
        least = self.serve_seconds + CUT_BEFORE_GRACE_SECONDS
        if self.grace_seconds <= least:
            msg = f"grace_seconds must be more than serve_seconds + 5 = {least:g}"
            raise ValueError(msg)
        return self


class Admission(_Strict):
    """How much the process accepts at once."""

    max_in_flight: Annotated[int, Field(ge=1, le=100_000)] = 256
    queue: Annotated[int, Field(ge=0, le=100_000)] = 64
    max_body_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 32 << 20
    max_buffered_bytes: Annotated[int, Field(ge=1024, le=1 << 40)] = 128 << 20
    """The bytes of all request bodies that are held at once. A request above it is refused with 503
    and Retry-After. One body of max_body_bytes is always admitted."""
    deadline_seconds: Seconds = 600
    adaptive: bool = False
    """Whether the rates of keys are lowered while more than a tenth of the requests fail."""


class Timeouts(_Strict):
    """Timeouts of one attempt at a provider."""

    connect_seconds: Seconds = 2
    headers_seconds: Seconds = 10
    first_content_seconds: Seconds = 15
    gap_seconds: Seconds = 15
    quiet_seconds: Seconds = 15
    """After so many seconds of silence, a streamed answer is kept alive by comments. The first
    comment commits the status: a later failure becomes an error event in the stream."""
    answer_seconds: Seconds = 300
    """For a whole answer that is not streamed. It is half of the default deadline, so that there is
    time for a second target."""


class ModelTimeouts(_Strict):
    """The timeouts of one model that differ: reasoning models are silent for longer."""

    headers_seconds: Seconds | None = None
    first_content_seconds: Seconds | None = None
    gap_seconds: Seconds | None = None
    answer_seconds: Seconds | None = None


class Degradation(_Strict):
    """What clients get when no target answers, in addition to the models' fallbacks."""

    stale_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0
    """How old the answer to an identical request of the same tenant may be; 0 keeps none."""
    stale_bytes: Annotated[int, Field(ge=1024, le=1 << 34)] = 16 << 20
    """The size of all kept answers together."""


class MemoryState(_Strict):
    """Limits are kept in the process: for one replica, or a developer's machine."""

    kind: Literal["memory"] = "memory"


class RedisState(_Strict):
    """Limits are kept in Redis; the sentinels name its master."""

    kind: Literal["redis"]
    sentinels: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[^:\s]+:\d{1,5}$")], ...], Field(min_length=1)
    ]
    master: Name = "seawall"
    user: Name = "app"
    password_file: FileName = REDIS_APP_PASSWORD_FILE
    sentinel_password_file: FileName | None = SENTINEL_PASSWORD_FILE


class Prices(_Strict):
    """Dollars per million tokens of one model."""

    input: _Dollars
    output: _Dollars
    cached_input: _Dollars | None = None
    """For prompt tokens that the provider reads from its cache; the same as `input` by default."""
    cache_write: _Dollars | None = None
    """For prompt tokens that it writes to its cache; 1.25 times `input` by default."""
    cache_write_long: _Dollars | None = None
    """For prompt tokens that it caches for an hour; twice `input` by default."""


class ProviderLimits(_Strict):
    """The limits of a provider for all replicas together."""

    requests_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] | None = None


class Provider(_Strict):
    """One provider account: its kind, its address, and the files with its keys."""

    kind: str
    base_url: _Url | None = None
    """The base URL; the kind's known URL by default."""
    api_key_file: FileName | None = None
    spare_api_key_files: tuple[FileName, ...] = ()
    """Used while the provider refuses the first key, or rate limits it."""
    prices: dict[ModelName, Prices] = {}
    """By the provider's model names. Budgets do not count models without a price; a warning and a
    metric report them."""
    limits: ProviderLimits = ProviderLimits()
    """When they are reached, other targets are tried first, if there are any."""
    ask_for_streams: bool | None = None
    """Whether to request streams also for whole answers, so that silence is noticed early. The
    kind's default applies when it is left out."""


class TargetRef(_Strict):
    """One model of one provider."""

    provider: Name
    model: ModelName
    priority: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Lower numbers are tried first; the place in the list, from 0, by default."""
    weight: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    """Its share of the requests among the targets of its priority."""
    lacks: tuple[Capability, ...] = ()
    """Capabilities that it lacks; requests that use them go to the other targets."""


class Model(_Strict):
    """A model name that clients use, and its targets, best first."""

    targets: Annotated[tuple[TargetRef, ...], Field(min_length=1)]
    fallbacks: tuple[ModelName, ...] = ()
    """Other model names, whose targets are tried when none of these answers."""
    timeouts: ModelTimeouts = ModelTimeouts()

    @model_validator(mode="after")
    def _weights_are_whole(self) -> Self:
        weighted: dict[int, bool] = {}
        for place, target in enumerate(self.targets):
            priority = place if target.priority is None else target.priority
            has_one = target.weight is not None
            if weighted.setdefault(priority, has_one) != has_one:
                msg = f"targets of priority {priority}: either all of them have a weight or none"
                raise ValueError(msg)
        return self


class TracingSettings(_Strict):
    """OpenTelemetry traces of requests, without any content, over OTLP/HTTP."""

    endpoint: _Url
    """The collector's base URL, such as http://collector:4318; /v1/traces is added."""
    sample_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The share of recorded requests without a trace context; the others follow their context."""
    headers_file: FileName | None = None
    """In secrets_dir: headers of every export, one `name: value` a line."""


class Settings(_Strict):
    """The whole settings file."""

    listen: Listen = Listen()
    health: Health = Health()
    drain: Drain = Drain()
    admission: Admission = Admission()
    timeouts: Timeouts = Timeouts()
    degradation: Degradation = Degradation()
    replicas: Annotated[int, Field(ge=1, le=10_000)] = 1
    state: Annotated[MemoryState | RedisState, Field(discriminator="kind")] = MemoryState()
    tracing: TracingSettings | None = None
    reload: bool = True
    """Whether this file is read again when it changes; see `service.reload`."""
    secrets_dir: Path = Path(SECRETS_DIR)
    api_keys_file: FileName = API_KEYS_FILE
    providers: Annotated[dict[Name, Provider], Field(min_length=1)]
    models: Annotated[dict[ModelName, Model], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        for alias, model in self.models.items():
            for target in model.targets:
                if target.provider not in self.providers:
                    known = ", ".join(sorted(self.providers))
                    msg = (
                        f"models.{alias} names the provider '{target.provider}'; "
                        f"providers has: {known}"
                    )
                    raise ValueError(msg)
            for other in model.fallbacks:
                if other not in self.models or other == alias:
                    known = ", ".join(sorted(set(self.models) - {alias}))
                    msg = f"models.{alias} falls back to '{other}'; known other models: {known}"
                    raise ValueError(msg)
        return self


_UNKNOWN_KEY = "extra_forbidden"


def _shown(value: object) -> str:
    """A value as it may be shown to a person, without secrets."""
    if isinstance(value, dict | list | BaseModel):
        return ""
    if isinstance(value, str):
        value = without_secrets(value)
    return f", got {value!r}"


def explain(error: ValidationError, *, secret: bool = False) -> str:
    """Describe all faults in one line: for each the key, what is allowed, and the value.

    For a `secret` document only the names of known keys are shown. The value of an unknown key is
    never shown, because it may be a secret in the wrong place.
    """
    lines: list[str] = []
    for fault in error.errors(include_url=False):
        unknown = fault["type"] == _UNKNOWN_KEY
        where = fault["loc"][:-1] if secret and unknown else fault["loc"]
        key = ".".join(str(part) for part in where)
        shown = "" if secret or unknown else _shown(fault["input"])
        reason = fault["msg"].removeprefix("Value error, ")
        lines.append(f"{key}: {reason}{shown}" if key else reason)
    return "; ".join(lines)


def parse_settings(text: str, source: str) -> Settings:
    """Parse the YAML text; `source` names it in errors.

    Raises:
        SettingsError: it is not YAML, or a key or value is not allowed.
    """
    try:
        document: object = yaml.safe_load(text)
    except Exception as error:
        # PyYAML raises other exceptions, too: for invalid dates, deep nesting and unusual tags.
        reason = " ".join(str(error).split())
        raise SettingsError(f"{source} is not YAML: {reason}") from error
    if not isinstance(document, dict):
        raise SettingsError(f"{source} must be a mapping of keys, but is {document!r:.60}")
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        raise SettingsError(f"{source}: {explain(error)}") from None


def load_settings(path: Path) -> Settings:
    """Read and parse the settings file.

    Raises:
        SettingsError: it cannot be read, or it is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the settings file {path}: {error}") from error
    return parse_settings(text, str(path))
