"""The gateway's settings: one YAML file, parsed once into one immutable value.

Every wrong key or value becomes one clear line in a `SettingsError`. Secrets are not in this
file: it names files in `secrets_dir`, which are read again when they change.
"""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contract.paths import (
    API_KEYS_FILE,
    REDIS_APP_PASSWORD_FILE,
    SECRETS_DIR,
    SENTINEL_PASSWORD_FILE,
)
from contract.ports import GATEWAY_HEALTH, GATEWAY_HTTP
from service.errors import SettingsError

__all__ = [
    "Admission",
    "Drain",
    "Listen",
    "MemoryState",
    "Model",
    "Provider",
    "RedisState",
    "Settings",
    "TargetRef",
    "Timeouts",
    "explain",
    "load_settings",
    "parse_settings",
]

CUT_BEFORE_GRACE_SECONDS = 5
"""Streams that are still open this long before the grace ends are told so in-band."""

Seconds = Annotated[float, Field(gt=0, le=3600)]
Port = Annotated[int, Field(ge=0, le=65535)]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listen(_Strict):
    """An address to listen on; port 0 takes a free one."""

    host: str = "0.0.0.0"  # noqa: S104 - a pod's own network namespace
    port: Port = GATEWAY_HTTP


class Health(_Strict):
    """Where probes and metrics are served."""

    host: str = "0.0.0.0"  # noqa: S104 - the kubelet and Prometheus come from outside the pod
    port: Port = GATEWAY_HEALTH


class Drain(_Strict):
    """How the process leaves after SIGTERM; both are counted from the signal."""

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
    """What the process accepts at once."""

    max_in_flight: Annotated[int, Field(ge=1, le=100_000)] = 256
    queue: Annotated[int, Field(ge=0, le=100_000)] = 64
    max_body_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 32 << 20
    max_buffered_bytes: Annotated[int, Field(ge=1024, le=1 << 40)] = 128 << 20
    """Request bodies that are held at once, all together: what arrives above it is refused with
    503 and Retry-After. One body of max_body_bytes is always let in."""
    deadline_seconds: Seconds = 600


class Timeouts(_Strict):
    """Upstream timeouts, each for one attempt."""

    connect_seconds: Seconds = 2
    headers_seconds: Seconds = 10
    first_content_seconds: Seconds = 15
    gap_seconds: Seconds = 15
    answer_seconds: Seconds = 300
    """A whole answer that is not streamed: half of the default deadline, so that a second
    target still gets its chance."""


class MemoryState(_Strict):
    """Limits are kept in the process: one replica, or a developer's machine."""

    kind: Literal["memory"] = "memory"


class RedisState(_Strict):
    """Limits are kept in Redis, whose master the sentinels name."""

    kind: Literal["redis"]
    sentinels: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[^:\s]+:\d{1,5}$")], ...], Field(min_length=1)
    ]
    master: Name = "seawall"
    user: Name = "app"
    password_file: FileName = REDIS_APP_PASSWORD_FILE
    sentinel_password_file: FileName | None = SENTINEL_PASSWORD_FILE


class Provider(_Strict):
    """One provider account: what it speaks, where it is, and which file holds its key."""

    kind: str
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
    api_key_file: FileName | None = None


class TargetRef(_Strict):
    """One model of one provider."""

    provider: Name
    model: ModelName


class Model(_Strict):
    """A model name that clients use, and who answers it, best first."""

    targets: Annotated[tuple[TargetRef, ...], Field(min_length=1)]


class Settings(_Strict):
    """Everything that the gateway is told."""

    listen: Listen = Listen()
    health: Health = Health()
    drain: Drain = Drain()
    admission: Admission = Admission()
    timeouts: Timeouts = Timeouts()
    replicas: Annotated[int, Field(ge=1, le=10_000)] = 1
    state: Annotated[MemoryState | RedisState, Field(discriminator="kind")] = MemoryState()
    secrets_dir: Path = Path(SECRETS_DIR)
    api_keys_file: FileName = API_KEYS_FILE
    providers: Annotated[dict[Name, Provider], Field(min_length=1)]
    models: Annotated[dict[ModelName, Model], Field(min_length=1)]

    @model_validator(mode="after")
    def _targets_name_known_providers(self) -> Self:
        for alias, model in self.models.items():
            for target in model.targets:
                if target.provider not in self.providers:
                    known = ", ".join(sorted(self.providers))
                    msg = (
                        f"models.{alias} names the provider '{target.provider}'; "
                        f"providers has: {known}"
                    )
                    raise ValueError(msg)
        return self


_UNKNOWN_KEY = "extra_forbidden"
_USER_INFO = re.compile(r"://.*@", re.DOTALL)


def _shown(value: object) -> str:
    """A value as a person may see it: user info of an address is a secret."""
    if isinstance(value, dict | list | BaseModel):
        return ""
    if isinstance(value, str):
        value = _USER_INFO.sub("://[redacted]@", value)
    return f", got {value!r}"


def explain(error: ValidationError, *, secret: bool = False) -> str:
    """Each fault on one line: the key, what is allowed, and the value that was given.

    Of a `secret` document nothing is repeated but the names of known keys. The value of a key
    that does not exist is never repeated: it may be a secret in the wrong place.
    """
    lines: list[str] = []
    for fault in error.errors(include_url=False):
        unknown = fault["type"] == _UNKNOWN_KEY
        where = fault["loc"][:-1] if secret and unknown else fault["loc"]
        key = ".".join(str(part) for part in where)
        shown = "" if secret or unknown else _shown(fault["input"])
        lines.append(f"{key}: {fault['msg']}{shown}" if key else f"{fault['msg']}")
    return "; ".join(lines)


def parse_settings(text: str, source: str) -> Settings:
    """Parse the YAML text; `source` names it in errors.

    Raises:
        SettingsError: it is not YAML, or a key or value is not allowed.
    """
    try:
        document: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{source} is not YAML: {reason}") from error
    if not isinstance(document, dict):
        raise SettingsError(f"{source} must be a mapping of keys, and is {document!r:.60}")
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
