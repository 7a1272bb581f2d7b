"""API keys that are made at run time: hashed, in one hash of Redis, read once a second.

A change counts when the master and one replica have it, so that a failover cannot lose it; what an
older copy of the data brings back is refused by the key file's `revoked`. While Redis is silent
the keys of the last read go on, and expire in time. No request waits for any of this.
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
from service.state.key_ring import MADE_PREFIX, ApiKey, KeyRing, parse_keys

__all__ = ["KeyStore", "MadeKeys"]

_log = logging.getLogger("seawall.keys")

READ_EVERY_S = 1.0
MAX_RECORDS = 1000
"""A key for a team or a service, not for each user: all are read each second, about 300 KB."""
KEEP_S = 86_400.0
"""For what is deleted or expired: longer than a replica goes without a read, or a copy of Redis'
data is behind."""
MAX_LIFE_S = 10 * 365 * 86_400.0
_HASH = "seawall:keys"
_ID = re.compile(r"made-[0-9a-f]{16}").fullmatch
_OWN = frozenset(("id", "sha256", "admin"))
"""Fields that are not the asker's to give: nobody becomes an administrator at run time."""


class KeyStore(Protocol):
    """What keys are kept in. Each call raises StateUnavailable when it does not answer in 1.5 s."""

    async def read_hash(self, key: str) -> Mapping[str, bytes]:
        """All fields of a hash."""
        ...

    async def write_hash(self, key: str, field: str, value: bytes) -> bool:
        """Set a field; whether a replica has it, too. When it raises, it may be set or not."""
        ...

    async def forget_fields(self, key: str, fields: Sequence[str]) -> None:
        """Remove fields."""
        ...


class _Record(msgspec.Struct, omit_defaults=True):
    """What is kept of a key: its entry as in the key file, and until when. Times are Unix'."""

    entry: dict[str, object]
    expires_at: float | None = None
    deleted_at: float | None = None

    def ended_at(self) -> float | None:
        return self.expires_at if self.deleted_at is None else self.deleted_at


_decode = msgspec.json.Decoder(_Record).decode
_encode = msgspec.json.Encoder().encode


class MadeKeys:
    """Makes and deletes keys, and tells the key ring which there are."""

    def __init__(
        self, store: KeyStore, ring: KeyRing, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._ring = ring
        self._clock = clock
        self._read: Mapping[str, bytes] = {}
        self._changes = 0
        """Made here: a read that began before one does not know it."""
        self._parsed: dict[bytes, tuple[_Record, Mapping[str, ApiKey]]] = {}

    async def watch(self) -> None:
        """Read again and again. Never returns."""
        while True:
            await self.refresh()
            await asyncio.sleep(READ_EVERY_S)

    async def refresh(self) -> None:
        """Read once; while the store is silent the keys of the last read go on."""
        # The limiter tells when it does not answer.
        with contextlib.suppress(StateUnavailable):
            before = self._changes
            read = await self._store.read_hash(_HASH)
            if before == self._changes:
                self._read = read
            self._ring.knows_made = True
        self._publish()

    async def make(
        self, wanted: Mapping[str, object], maker: str, *, missing_price: str = ""
    ) -> dict[str, object]:
        """Make a key with these fields of the key file and `expires_in_seconds`; it, and its id.

        `maker` is the id of the key that asks for it, for the log; `missing_price` says which
        price is not known, where one is not: no key with a budget is made then.

        Raises:
            InvalidRequest: a field is wrong.
            KeysUnavailable: it could not be kept safely, and does not exist; or there are too many.
        """
        fields = dict(wanted)
        expires_at = self._expiry(fields.pop("expires_in_seconds", None))
        own = sorted(_OWN & fields.keys())
        if own:
            raise InvalidRequest(f"The field '{own[0]}' cannot be given.", param=own[0])
        key, key_id = f"{MADE_PREFIX}{secrets.token_urlsafe(32)}", f"made-{secrets.token_hex(8)}"
        digest = hashlib.sha256(key.encode()).hexdigest()
        record = _Record({**fields, "id": key_id, "sha256": digest}, expires_at)
        try:
            (made,) = _keys_of(record).values()
        except SettingsError as error:
            raise InvalidRequest(str(error)) from None
        if missing_price and made.account.budget is not None:
            raise InvalidRequest(
                f"The budget would not count everything: {missing_price}.", param="budget"
            )
        try:
            await self._make_room()
            safe = await self._store.write_hash(_HASH, key_id, _encode(record))
            if not safe:
                await self._store.forget_fields(_HASH, (key_id,))
        except StateUnavailable as error:
            # It may be there; nobody was told the key, so that it opens nothing.
            raise _not_safe("made") from error
        if not safe:
            raise _not_safe("made")
        self._take(key_id, record)
        _log.info("key %s was made for %s by %s", key_id, record.entry["tenant"], maker)
        return {"key": key, **_shown(record)}

    async def delete(self, key_id: str, maker: str) -> None:
        """Delete a key for `maker`: here at once, in the other replicas within a second.

        Raises:
            KeyNotFound: there is none of this id, or the file has it.
            KeysUnavailable: it is not safely deleted; ask again.
        """
        try:
            found = (await self._store.read_hash(_HASH)).get(key_id)
            if found is None:
                raise KeyNotFound(f"No key '{key_id:.64}' was made at run time.")
            record = _decode(found)
            if record.deleted_at is None:
                record.deleted_at = self._clock()
            # Again for one that is deleted: the first answer may have been lost.
            safe = await self._store.write_hash(_HASH, key_id, _encode(record))
        except StateUnavailable as error:
            raise _not_safe("deleted") from error
        self._take(key_id, record)
        if not safe:
            raise _not_safe("deleted")
        _log.info("key %s was deleted by %s", key_id, maker)

    def listed(self) -> list[dict[str, object]]:
        """The keys that were made and not deleted, as last read, without their hashes."""
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
                f"There are {MAX_RECORDS} keys, with those that ended in the last day; delete some."
            )

    def _take(self, key_id: str, record: _Record) -> None:
        self._changes += 1
        self._read = {**self._read, key_id: _encode(record)}
        self._publish()

    def _publish(self) -> None:
        now = self._clock()
        self._parsed = {value: self._parse(value) for value in self._read.values()}
        made: dict[str, ApiKey] = {}
        for field, value in self._read.items():
            record, keys = self._parsed[value]
            if record.entry.get("id") != field:
                continue
            ended_at = record.ended_at()
            if ended_at is None or ended_at > now:
                made.update(keys)
        self._ring.adopt(made)

    def _parse(self, value: bytes) -> tuple[_Record, Mapping[str, ApiKey]]:
        """A record and its key; no key, and one line, when it is of a version that knows more."""
        known = self._parsed.get(value)
        if known is not None:
            return known
        record = _Record({})
        keys: Mapping[str, ApiKey] = {}
        try:
            record = _decode(value)
            keys = _keys_of(record)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, SettingsError) as error:
            _log.warning("a key that was made at run time cannot be read: %s", error)
        return record, keys


def _keys_of(record: _Record) -> Mapping[str, ApiKey]:
    """The key of a record; what Redis holds is believed no more than what an asker says.

    Raises:
        SettingsError: it is none that could have been made here.
    """
    if record.entry.get("admin") or not _ID(str(record.entry.get("id"))):
        raise SettingsError("the key: no key like this is made at run time")
    return parse_keys(_encode({"keys": [record.entry]}), "the key").keys


def _shown(record: _Record) -> dict[str, object]:
    entry = {name: value for name, value in record.entry.items() if name != "sha256"}
    return {**entry, "expires_at": record.expires_at}


def _not_safe(what: str) -> KeysUnavailable:
    return KeysUnavailable(
        f"The key is not {what}: Redis, or every replica of it, does not answer. Ask again.",
        retry_after_s=1,
    )
