"""API keys: stored as SHA-256 hashes in a mounted file, and reloaded when it changes.

The file is the source of truth. When the file becomes invalid, the last valid keys stay in use, and
one warning is logged.
"""

import hashlib
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from contract import gateway_config
from service.errors import SettingsError
from service.files import Stamp, stamp
from service.resilience.gcra import Limit
from service.settings import explain
from service.state.charges import NANO, Account, Bucket, Budget
from service.state.limit_script import limit_key

__all__ = [
    "RUNTIME_KEY_PREFIX",
    "ApiKey",
    "KeyRing",
    "KnownKeys",
    "PerUser",
    "load_keys",
    "parse_keys",
]

_log = logging.getLogger("seawall.keys")

RUNTIME_KEY_PREFIX = "sk-seawall-"
"""The prefix of runtime keys."""
_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class PerUser:
    """The limits of each end user of a key; users are distinguished by a digest of their name."""

    requests: Limit | None
    tokens: Limit | None

    def buckets(self, account: Account, user: str) -> tuple[list[Bucket], list[Bucket]]:
        """The buckets of requests and of tokens of one user; each list has one bucket or none."""
        digest = hashlib.sha256(user.encode()).hexdigest()[:32]
        prefix = f"{account.name}:user:{digest}"
        requests = self.requests
        tokens = self.tokens
        return (
            [Bucket(f"{prefix}:requests", requests, "user's requests")] if requests else [],
            [Bucket(f"{prefix}:tokens", tokens, "user's tokens", of_tokens=True)] if tokens else [],
        )


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key: the tenant, and its limits."""

    id: str
    tenant: str
    limit: Limit
    denied_on_outage: bool
    bucket: str
    admin: bool
    """Whether it gives access to the status page, and may create and delete keys."""
    account: Account
    tokens: Bucket | None
    per_user: PerUser | None

    @property
    def metered(self) -> bool:
        """Whether the key has limits in addition to its rate of requests."""
        return bool(self.tokens or self.per_user or self.account.budget)

    def slowed(self, share: float) -> "ApiKey":
        """The key with this share of its rates of requests and tokens."""
        tokens = self.tokens
        if tokens is not None:
            tokens = replace(tokens, limit=tokens.limit.slowed(share))
        return replace(self, limit=self.limit.slowed(share), tokens=tokens)


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """The keys by SHA-256 (hex), and the ids that are refused."""

    keys: Mapping[str, ApiKey]
    revoked: frozenset[str]


def load_keys(path: Path) -> KnownKeys:
    """Read the key file.

    Raises:
        SettingsError: it cannot be read, or an entry is wrong. The message contains no values.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"cannot read the API keys {path}: {error.strerror}") from error
    return parse_keys(text, str(path))


def parse_keys(text: bytes, source: str) -> KnownKeys:
    """Parse the text of a key file; `source` names it in errors.

    Raises:
        SettingsError: an entry is wrong. The message contains no values.
    """
    try:
        file = gateway_config.ApiKeyFile.model_validate_json(text)
    except ValidationError as error:
        raise SettingsError(f"{source}: {explain(error, secret=True)}") from None
    entries = file.keys
    ids = [entry.id for entry in entries]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise SettingsError(f"{source}: the key id '{twice[0]}' occurs twice; ids must be unique")
    keys = {entry.sha256: _key(entry) for entry in entries}
    return KnownKeys(keys, frozenset(file.revoked))


def _key(entry: gateway_config.ApiKeyEntry) -> ApiKey:
    account = Account(
        name=f"seawall:{{{entry.tenant}}}:account:{entry.id}",
        key_id=entry.id,
        budget=_budget(entry.budget),
    )
    tokens = _per_minute(entry.tokens_per_minute)
    return ApiKey(
        id=entry.id,
        tenant=entry.tenant,
        limit=Limit(entry.requests_per_second, entry.burst),
        denied_on_outage=entry.on_outage == "deny",
        bucket=limit_key(entry.tenant, entry.id),
        admin=entry.admin,
        account=account,
        tokens=Bucket(f"{account.name}:tokens", tokens, "tokens", of_tokens=True)
        if tokens
        else None,
        per_user=_per_user(entry.per_user),
    )


def _per_minute(tokens: int | None) -> Limit | None:
    return Limit(tokens / _MINUTE_S, tokens) if tokens is not None else None


def _per_user(entry: gateway_config.PerUser | None) -> PerUser | None:
    if entry is None:
        return None
    rate = entry.requests_per_second
    requests = Limit(rate, entry.burst or math.ceil(rate)) if rate is not None else None
    return PerUser(requests, _per_minute(entry.tokens_per_minute))


def _budget(entry: gateway_config.Budget | None) -> Budget | None:
    if entry is None:
        return None
    hour, day, month = (
        # At least 1, since 0 means no limit.
        max(1, round(limit * NANO)) if limit is not None else 0
        for limit in (entry.hour, entry.day, entry.month)
    )
    return Budget((hour, day, month))


class KeyRing:
    """The valid keys: those of the file, and the runtime keys that the file does not revoke."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            SettingsError: the file is wrong; a process must not start without its keys.
        """
        self._path = path
        self._stamp: Stamp | None = stamp(path)
        self._file = load_keys(path)
        self._runtime_keys: Mapping[str, ApiKey] = {}
        self._keys: Mapping[str, ApiKey] = {}
        self.runtime_keys_loaded = True
        """Whether the runtime keys have been loaded; also True when there cannot be any."""
        self._merge()

    def find(self, presented: str) -> ApiKey | None:
        """Find a key by the hash of the presented one; no secret is compared byte by byte."""
        return self._keys.get(hashlib.sha256(presented.encode()).hexdigest())

    def is_admin(self, presented: str) -> bool:
        """Whether the presented key is an admin key; any thread may call it."""
        found = self.find(presented) if presented else None
        return found is not None and found.admin

    @property
    def of_the_file(self) -> KnownKeys:
        """The keys and revoked ids of the file."""
        return self._file

    @property
    def has_budgets(self) -> bool:
        """Whether any key has a budget."""
        return any(key.account.budget is not None for key in self._keys.values())

    def adopt(self, runtime_keys: Mapping[str, ApiKey]) -> None:
        """Replace the runtime keys with these, by SHA-256."""
        if runtime_keys != self._runtime_keys:
            self._runtime_keys = runtime_keys
            self._merge()

    def _merge(self) -> None:
        self._keys = {
            digest: key
            for digest, key in {**self._runtime_keys, **self._file.keys}.items()
            if key.id not in self._file.revoked
        }

    def refresh(self) -> None:
        """Reload the file if it changed; called once a second."""
        current = stamp(self._path)
        if current == self._stamp:
            return
        self._stamp = current
        try:
            self._file = load_keys(self._path)
        except SettingsError as error:
            _log.warning("API keys not reloaded, the last valid ones stay in use: %s", error)
        else:
            self._merge()
            _log.info("API keys reloaded: %d", len(self._file.keys))
