"""The names of copies, and the choice of those that are too old. Pure: no clock, no storage."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

__all__ = ["expired", "key_of"]

_MOMENT = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"(\d{8}T\d{6}Z)-[A-Za-z0-9._-]+\.rdb")


def key_of(prefix: str, taken: datetime, name: str) -> str:
    """The key of the copy by the host `name`; sorted by key, copies are sorted by time (UTC)."""
    return f"{prefix}/{taken.astimezone(UTC).strftime(_MOMENT)}-{name}.rdb"


def expired(
    keys: Iterable[str], *, prefix: str, verified: str, now: datetime, keep: timedelta
) -> list[str]:
    """The keys of copies older than `keep`, oldest first, and never `verified`, the newest one.

    The age comes from a copy's name, since storages give a copied object a new date. Objects with
    other names do not belong to the backup, and are never returned.
    """
    return sorted(
        key
        for key in set(keys) - {verified}
        if (taken := _taken(prefix, key)) is not None and now - taken > keep
    )


def _taken(prefix: str, key: str) -> datetime | None:
    if not key.startswith(f"{prefix}/"):
        return None
    found = _NAME.fullmatch(key.removeprefix(f"{prefix}/"))
    if found is None:
        return None
    try:
        return datetime.strptime(found[1], _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return None  # digits that are not a date
