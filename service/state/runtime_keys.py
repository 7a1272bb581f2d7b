"""Runtime API keys: stored as hashes in one Redis hash, read once a second and for each list.

A change is confirmed when the master and one replica have it, so that a failover cannot lose it. A
key that an older copy of the data brings back can be refused by `revoked` in the key file. While
Redis does not answer, the keys of the last read stay valid, and expire in time. Only requests of
admins wait for Redis here.
"""

import asyncio
import contextlib
import hashlib
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from service.errors import (
    InvalidRequest,
    KeyNotFound,
    KeysUnavailable,
    SettingsError,
    StateUnavailable,
)
from service.state.key_ring import RUNTIME_KEY_PREFIX, ApiKey, KeyRing, parse_keys

__all__ = ["KeyStore", "RuntimeKeys"]

_log = logging.getLogger("seawall.keys")

READ_EVERY_S = 1.0
MAX_RECORDS = 1000
"""Keys are for teams and services, not for each user: all are read each second, about 300 KB."""
KEEP_S = 86_400.0
"""Seconds for which deleted and expired records are kept. A replica is never that long without a
read, and a copy of Redis' data is never that far behind."""
MAX_LIFE_S = 10 * 365 * 86_400.0
_HASH = "seawall:keys"
_ID = re.compile(r"made-[0-9a-f]{16}").fullmatch
_OWN = frozenset(("id", "sha256", "admin"))
"""Fields that a request must not contain; `admin` is one, since no runtime key is an admin key."""


class KeyStore(Protocol):
    """The store of the keys; each call raises StateUnavailable without an answer within 1.5 s."""

    async def read_hash(self, key: str) -> Mapping[str, bytes]:
        """All fields of a hash."""
        ...

    async def write_hash(self, key: str, field: str, value: bytes) -> bool:
        """Set a field, and return whether a replica has it, too.

        When it raises, the field may or may not be set.
        """
        ...

    async def forget_fields(self, key: str, fields: Sequence[str]) -> None:
        """Remove fields."""
        ...


class _Record(msgspec.Struct, omit_defaults=True):
    """The record of a key: its entry as in the key file, and when it ends, in Unix time."""

    entry: dict[str, object]
    expires_at: float | None = None
    deleted_at: float | None = None

    def ended_at(self) -> float | None:
        return self.expires_at if self.deleted_at is None else self.deleted_at


_decode = msgspec.json.Decoder(_Record).decode
_encode = msgspec.json.Encoder().encode


class RuntimeKeys:
    """Creates and deletes keys, and keeps the key ring up to date."""

    def __init__(
        self, store: KeyStore, ring: KeyRing, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._ring = ring
        self._clock = clock
        self._read: Mapping[str, bytes] = {}
        self._changes = 0
        """The number of local changes; a read that began before a change does not contain it."""
        self._begun = self._adopted = 0
        """The numbers of the last read that began, and of the last one that was adopted."""
        self._parsed: dict[bytes, tuple[_Record, Mapping[str, ApiKey]]] = {}

    async def watch(self) -> None:
        """Read the keys once a second. Never returns."""
        while True:
            await self.refresh()
            await asyncio.sleep(READ_EVERY_S)

    async def refresh(self) -> None:
        """Read the keys once; if the store does not answer, those of the last read stay."""
        # The limiter reports when the store does not answer.
        with contextlib.suppress(StateUnavailable):
            before = self._changes
            self._begun = number = self._begun + 1
            read = await self._store.read_hash(_HASH)
            # A slower read that began earlier may be older than what another read adopted.
            if before == self._changes and number > self._adopted:
                self._read, self._adopted = read, number
            self._ring.runtime_keys_loaded = True
        self._publish()

    async def make(
        self, wanted: Mapping[str, object], maker: str, *, missing_price: str = ""
    ) -> dict[str, object]:
        """Create a key.

        Args:
            wanted: fields as in the key file, and `expires_in_seconds`.
            maker: the id of the admin key that requests it, for the log.
            missing_price: describes a missing price, or is empty; with a missing price no key with
                a budget can be created.

        Returns:
            The key, and its record with the id.

        Raises:
            InvalidRequest: a field is wrong.
            KeysUnavailable: the key was not created, because it could not be stored safely, or
                because there are too many.
        """
        fields = dict(wanted)
        expires_at = self._expiry(fields.pop("expires_in_seconds", None))
        own = sorted(_OWN & fields.keys())
        if own:
            raise InvalidRequest(
                f"The field '{own[0]}' cannot be set for a runtime key.", param=own[0]
            )
        key = f"{RUNTIME_KEY_PREFIX}{secrets.token_urlsafe(32)}"
        key_id = f"made-{secrets.token_hex(8)}"
        digest = hashlib.sha256(key.encode()).hexdigest()
        record = _Record({**fields, "id": key_id, "sha256": digest}, expires_at)
        try:
            (api_key,) = _keys_of(record).values()
        except SettingsError as error:
            raise InvalidRequest(str(error)) from None
        if missing_price and api_key.account.budget is not None:
            raise InvalidRequest(
                f"The budget would not count everything: {missing_price}.", param="budget"
            )
        try:
            await self._make_room()
            safe = await self._store.write_hash(_HASH, key_id, _encode(record))
            if not safe:
                await self._store.forget_fields(_HASH, (key_id,))
        except StateUnavailable as error:
            # It may be stored, but no client got the key, so it gives no access.
            raise _not_safe("created") from error
        if not safe:
            raise _not_safe("created")
        self._take(key_id, record)
        _log.info("key %s was made for %s by %s", key_id, record.entry["tenant"], maker)
        return {"key": key, **_shown(record)}

    async def delete(self, key_id: str, maker: str) -> None:
        """Delete a key for `maker`: at once here, and within a second in the other replicas.

        Raises:
            KeyNotFound: no runtime key has this id; keys of the file cannot be deleted here.
            KeysUnavailable: the key may not be deleted safely; try again.
        """
        try:
            found = (await self._store.read_hash(_HASH)).get(key_id)
            if found is None:
                raise KeyNotFound(f"There is no runtime key '{key_id:.64}'.")
            record = _decode(found)
            if record.deleted_at is None:
                record.deleted_at = self._clock()
            # A deleted key is written again, since the first answer may have been lost.
            safe = await self._store.write_hash(_HASH, key_id, _encode(record))
        except StateUnavailable as error:
            raise _not_safe("deleted") from error
        self._take(key_id, record)
        if not safe:
            raise _not_safe("deleted")
        _log.info("key %s was deleted by %s", key_id, maker)

    async def listed(self) -> list[dict[str, object]]:
        """Read the keys, and return those that are not deleted, without their hashes.

        If the store does not answer, the answer contains the keys of the last read.
        """
        await self.refresh()
        records = [self._parse(value)[0] for value in self._read.values()]
        return [_shown(record) for record in records if record.entry and not record.deleted_at]

    def _expiry(self, life_s: object) -> float | None:
        if life_s is None:
            return None
        if not isinstance(life_s, int | float) or not 0 < life_s <= MAX_LIFE_S:
            raise InvalidRequest(
                f"expires_in_seconds must be a number above 0, up to {MAX_LIFE_S:.0f}.",
                param="expires_in_seconds",
            )
        return self._clock() + life_s

    async def _make_room(self) -> None:
        read = await self._store.read_hash(_HASH)
        long_ago = self._clock() - KEEP_S
        gone = [
            key_id
            for key_id, value in read.items()
            if (self._parse(value)[0].ended_at() or long_ago) < long_ago
        ]
        if gone:
            await self._store.forget_fields(_HASH, gone)
        if len(read) - len(gone) >= MAX_RECORDS:
            raise KeysUnavailable(
                f"There are {MAX_RECORDS} runtime keys, including those that ended in the last"
                " day; delete some, or try again later."
            )

    def _take(self, key_id: str, record: _Record) -> None:
        self._changes += 1
        self._read = {**self._read, key_id: _encode(record)}
        self._publish()

    def _publish(self) -> None:
        now = self._clock()
        self._parsed = {value: self._parse(value) for value in self._read.values()}
        valid: dict[str, ApiKey] = {}
        for field, value in self._read.items():
            record, keys = self._parsed[value]
            if record.entry.get("id") != field:
                continue
            ended_at = record.ended_at()
            if ended_at is None or ended_at > now:
                valid.update(keys)
        self._ring.adopt(valid)

    def _parse(self, value: bytes) -> tuple[_Record, Mapping[str, ApiKey]]:
        """Decode a record and its key; without a key, and with a log line, if it is unreadable.

        A newer version of the gateway may have written it.
        """
        known = self._parsed.get(value)
        if known is not None:
            return known
        record = _Record({})
        keys: Mapping[str, ApiKey] = {}
        try:
            record = _decode(value)
            keys = _keys_of(record)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, SettingsError) as error:
            _log.warning("a runtime key in Redis cannot be read: %s", error)
        return record, keys


def _keys_of(record: _Record) -> Mapping[str, ApiKey]:
    """The key of a record; data from Redis is validated like data from a client.

    Raises:
        SettingsError: the record cannot be one of a runtime key.
    """
    if record.entry.get("admin") or not _ID(str(record.entry.get("id"))):
        raise SettingsError("the key: it has an id or a right that no runtime key can have")
    return parse_keys(_encode({"keys": [record.entry]}), "the key").keys


def _shown(record: _Record) -> dict[str, object]:
    entry = {name: value for name, value in record.entry.items() if name != "sha256"}
    return {**entry, "expires_at": record.expires_at}


def _not_safe(what: str) -> KeysUnavailable:
    return KeysUnavailable(
        f"The key was not safely {what}: Redis or all of its replicas do not answer. Try again.",
        retry_after_s=1,
    )
