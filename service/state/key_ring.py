"""API keys: known by the SHA-256 of the key, read from a mounted file, reloaded when it changes.

The file is the source of truth. A file that turns bad keeps the last good keys and says so once.
"""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.errors import SettingsError
from service.files import Stamp, stamp
from service.resilience.gcra import Limit
from service.settings import explain
from service.state.limit_script import limit_key

__all__ = ["ApiKey", "KeyRing", "load_keys"]

_log = logging.getLogger("seawall.keys")

_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class _KeyEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: _Id
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    tenant: _Id
    requests_per_second: Annotated[float, Field(gt=0, le=1_000_000)] = 100
    burst: Annotated[int, Field(ge=1, le=10_000_000)] = 200
    on_outage: Literal["allow", "deny"] = "allow"


class _KeyFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    keys: list[_KeyEntry]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Who is calling, and how much of it is allowed."""

    id: str
    tenant: str
    limit: Limit
    denied_on_outage: bool
    bucket: str


def load_keys(path: Path) -> Mapping[str, ApiKey]:
    """Read the key file into a map from SHA-256 (hex) to key.

    Raises:
        SettingsError: it cannot be read, or an entry is wrong. The message repeats no value.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"cannot read the API keys {path}: {error.strerror}") from error
    try:
        entries = _KeyFile.model_validate_json(text).keys
    except ValidationError as error:
        raise SettingsError(f"{path}: {explain(error, secret=True)}") from None
    ids = [entry.id for entry in entries]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise SettingsError(f"{path}: the key id '{twice[0]}' is there twice; ids must be unique")
    return {
        entry.sha256: ApiKey(
            id=entry.id,
            tenant=entry.tenant,
            limit=Limit(entry.requests_per_second, entry.burst),
            denied_on_outage=entry.on_outage == "deny",
            bucket=limit_key(entry.tenant, entry.id),
        )
        for entry in entries
    }


class KeyRing:
    """The keys in force."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            SettingsError: it is wrong; a process must not start without its keys.
        """
        self._path = path
        self._stamp: Stamp | None = stamp(path)
        self._keys = load_keys(path)

    def find(self, presented: str) -> ApiKey | None:
        """The key that hashes to the one presented. No secret is compared byte by byte."""
        return self._keys.get(hashlib.sha256(presented.encode()).hexdigest())

    def refresh(self) -> None:
        """Reload the file if it changed; called once a second."""
        current = stamp(self._path)
        if current == self._stamp:
            return
        self._stamp = current
        try:
            self._keys = load_keys(self._path)
        except SettingsError as error:
            _log.warning("API keys not reloaded, the last good ones stay: %s", error)
        else:
            _log.info("API keys reloaded: %d", len(self._keys))
