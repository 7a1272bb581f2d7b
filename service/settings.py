"""The gateway's settings: one YAML file, parsed into one immutable value.

Each wrong key or value is reported in a `SettingsError`. The file contains no secrets: it names
files in `secrets_dir`, which are read again when they change.
"""

from pathlib import Path
from typing import Annotated, Literal, cast

import yaml
from pydantic import BaseModel, Field, ValidationError

from contract.addresses import without_secrets
from contract.gateway_config import GatewayConfig, ProviderAccount, Shutdown, Tracing
from contract.gateway_config.earlier_form import from_earlier_form
from contract.paths import (
    API_KEYS_FILE,
    REDIS_APP_PASSWORD_FILE,
    SECRETS_DIR,
    SENTINEL_PASSWORD_FILE,
)
from contract.ports import GATEWAY_HEALTH, GATEWAY_HTTP
from contract.values.strict import Strict
from service.errors import SettingsError

__all__ = [
    "Listen",
    "MemoryState",
    "Provider",
    "RedisState",
    "Settings",
    "TracingSettings",
    "explain",
    "load_settings",
    "parse_settings",
]

Port = Annotated[int, Field(ge=0, le=65535)]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}$")]
RedisName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class Listen(Strict):
    """An address to listen on; port 0 takes a free one."""

    host: str = "0.0.0.0"  # noqa: S104 - a pod's own network namespace
    port: Port = GATEWAY_HTTP


class Health(Strict):
    """The address for probes and metrics."""

    host: str = "0.0.0.0"  # noqa: S104 - the kubelet and Prometheus come from outside the pod
    port: Port = GATEWAY_HEALTH


class MemoryState(Strict):
    """Limits are kept in the process: for one replica, or a developer's machine."""

    kind: Literal["memory"] = "memory"


class RedisState(Strict):
    """Limits are kept in Redis; the sentinels name its master."""

    kind: Literal["redis"]
    sentinels: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[^:\s]+:\d{1,5}$")], ...], Field(min_length=1)
    ]
    master: RedisName = "seawall"
    user: RedisName = "app"
    password_file: FileName = REDIS_APP_PASSWORD_FILE
    sentinel_password_file: FileName | None = SENTINEL_PASSWORD_FILE


class Provider(ProviderAccount):
    """One provider account, and the files with its keys."""

    api_key_file: FileName | None = None
    """No key is sent when not given."""
    spare_api_key_files: tuple[FileName, ...] = ()
    """Used while the provider refuses the first key, or rate limits it."""


class TracingSettings(Tracing):
    """Where traces of requests are sent, and the file with headers."""

    headers_file: FileName | None = None
    """In secrets_dir: headers of every export, one `name: value` a line."""


class Settings(GatewayConfig[Provider]):
    """The whole settings file."""

    listen: Listen = Listen()
    health: Health = Health()
    shutdown: Shutdown = Shutdown()
    replicas: Annotated[int, Field(ge=1, le=10_000)] = 1
    state: Annotated[MemoryState | RedisState, Field(discriminator="kind")] = MemoryState()
    tracing: TracingSettings | None = None
    reload: bool = True
    """Whether this file is read again when it changes; see `service.reload`."""
    secrets_dir: Path = Path(SECRETS_DIR)
    api_keys_file: FileName = API_KEYS_FILE


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
        settings = from_earlier_form(cast("dict[str, object]", document))
        # Not strictly: YAML has lists where the schema has tuples.
        return Settings.model_validate(settings, strict=False)
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
